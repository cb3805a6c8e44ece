"""One Detection page: who it is, its state, its board; and what ends with it."""

from __future__ import annotations

import panel as pn

from dashboard.backend import database
from dashboard.detection.board import Board
from dashboard.detection.door import DetectionDoor, FirstDetection
from dashboard.detection.state import Detecting
from dashboard.login.session import current_actor, first_shown
from dashboard.markup import markup
from dashboard.page import broken_page, whole_page, words
from dashboard.running import beside
from dashboard.wording import DETECTION_TITLE, PAGES

# A step of a run is seen within a second.
_TICK_MILLISECONDS = 500


def build_detection() -> pn.Template:
    """The page of a new session, for whoever has signed in, or a page without data."""
    pn.extension(notifications=False)
    try:
        actor, document = current_actor(), pn.state.curdoc
        if actor is None or document is None:
            return whole_page(words(markup("no_login")))
        state = Detecting(DetectionDoor(database(), actor), beside(document))
        board = Board(state, pages=PAGES)
        first = first_shown()
        if isinstance(first, FirstDetection):
            state.start(first)
        else:
            pn.state.onload(lambda: state.start(None))
        document.add_periodic_callback(state.tick, _TICK_MILLISECONDS)
        return whole_page(board, DETECTION_TITLE)
    except Exception:
        return broken_page()
