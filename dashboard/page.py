"""One page session: who it is, its state, its desk; and what ends with it."""

from __future__ import annotations

import logging
from pathlib import Path

import panel as pn

from dashboard.backend import database, feed, settings
from dashboard.desk import Desk
from dashboard.door import Door
from dashboard.live import follow
from dashboard.login.session import current_actor
from dashboard.look import css
from dashboard.markup import markup
from dashboard.running import beside
from dashboard.state import State
from dashboard.wording import TITLE

log = logging.getLogger(__name__)
_PAGE = Path(__file__).with_name("templates") / "page.html"


def serve_page() -> None:
    """Put the desk of the signed-in user on the page; without a login, a page without data."""
    pn.extension("tabulator", notifications=False)
    actor = current_actor()
    if actor is None:
        _serve(pn.pane.HTML(markup("no_login"), stylesheets=[css("bar")]))
        return
    document = pn.state.curdoc
    state = State(Door(database(), actor, settings()), beside(document))
    desk = Desk(state)
    _serve(desk)
    query = _query()
    pn.state.onload(lambda: state.start(query))
    follow(feed(), document, state.heard)


def _query() -> str:
    location = pn.state.location
    return (location.search or "").lstrip("?") if location else ""


def _serve(root: object) -> None:
    page = pn.Template(_PAGE.read_text(encoding="utf-8"))
    page.add_variable("look", css("tokens"))
    page.title = TITLE
    page.add_panel("desk", root)
    page.servable()
