"""One page session: who it is, its state, its desk; and what ends with it."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

import panel as pn

from dashboard.backend import database, feed, settings, sweep
from dashboard.desk import Desk
from dashboard.door import Door, First
from dashboard.live import follow
from dashboard.login.session import current_actor, first_shown
from dashboard.look import css
from dashboard.markup import markup
from dashboard.running import beside
from dashboard.state import State
from dashboard.wording import PAGES, TITLE, Pages

log = logging.getLogger(__name__)
_PAGE = Path(__file__).with_name("templates") / "page.html"


def build_queue() -> pn.Template:
    """The desk as one of several pages of a server."""
    return build_page(PAGES)


def build_page(pages: Pages = ()) -> pn.Template:
    """The page of a new session: the desk of whoever has signed in, or a page without data."""
    pn.extension("tabulator", notifications=False)
    try:
        actor = current_actor()
        if actor is None:
            return whole_page(words(markup("no_login")))
        document = pn.state.curdoc
        if document is None:
            raise RuntimeError("a page is made within a session")
        state = State(Door(database(), actor, settings()), beside(document))
        desk = Desk(state, pages=pages)
        query, first = _query(), first_shown()
        if isinstance(first, First):
            state.start(query, first)
        else:
            pn.state.onload(lambda: state.start(query))
        follow(feed(), document, state.heard)
        sweep()
        return whole_page(desk)
    except Exception:
        return broken_page()


def broken_page() -> pn.Template:
    """A page with a number for the log's line: a traceback would show what is nobody's business."""
    number = secrets.token_hex(4)
    log.exception("error %s while a page was made", number)
    return whole_page(words(markup("broken", number=number)))


def words(html: str) -> pn.pane.HTML:
    """A few words in place of a desk."""
    return pn.pane.HTML(html, stylesheets=[css("bar")], sizing_mode="stretch_width", margin=0)


def _query() -> str:
    location = pn.state.location
    return (location.search or "").lstrip("?") if location else ""


def whole_page(root: object, title: str = TITLE) -> pn.Template:
    """The page around `root`, which fills it."""
    page = pn.Template(_PAGE.read_text(encoding="utf-8"))
    page.add_variable("look", css("tokens"))
    page.add_variable("heading", title)
    page.add_panel("desk", root)
    return page
