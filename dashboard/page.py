"""One page session: who it is, its state, its desk; and what ends with it."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

import panel as pn

from dashboard.backend import database, feed, settings, sweep
from dashboard.desk import Desk
from dashboard.door import Door
from dashboard.live import follow
from dashboard.login.session import current_actor
from dashboard.look import css
from dashboard.markup import markup
from dashboard.running import beside
from dashboard.state import State

log = logging.getLogger(__name__)
_PAGE = Path(__file__).with_name("templates") / "page.html"


def build_page() -> pn.Template:
    """The page of a new session: the desk of whoever has signed in, or a page without data."""
    pn.extension("tabulator", notifications=False)
    try:
        actor = current_actor()
        if actor is None:
            return _page(_words(markup("no_login")))
        document = pn.state.curdoc
        if document is None:
            raise RuntimeError("a page is made within a session")
        state = State(Door(database(), actor, settings()), beside(document))
        desk = Desk(state)
        query = _query()
        pn.state.onload(lambda: state.start(query))
        follow(feed(), document, state.heard)
        sweep()
        return _page(desk)
    except Exception:
        # A traceback on the page would show what is nobody's business.
        number = secrets.token_hex(4)
        log.exception("error %s while a page was made", number)
        return _page(_words(markup("broken", number=number)))


def _words(html: str) -> pn.pane.HTML:
    return pn.pane.HTML(html, stylesheets=[css("bar")], sizing_mode="stretch_width", margin=0)


def _query() -> str:
    location = pn.state.location
    return (location.search or "").lstrip("?") if location else ""


def _page(root: object) -> pn.Template:
    page = pn.Template(_PAGE.read_text(encoding="utf-8"))
    page.add_variable("look", css("tokens"))
    page.add_panel("desk", root)
    return page
