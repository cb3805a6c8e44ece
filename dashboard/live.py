"""Changes of the queue on their way to a session: gathered in a thread, told on the loop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from bokeh.document import Document

from workqueue.feed import Change, Feed

log = logging.getLogger(__name__)


def follow(feed: Feed, document: Document, tell: Callable[[Sequence[Change] | None], None]) -> None:
    """Have `tell` called with what changed, on the event loop, for as long as the page lives.

    Whatever comes in before the loop gets round to it is told in one call; None: everything.
    """
    gathered: list[Change] = []
    lock = threading.Lock()
    everything = False
    waiting = False

    def heard(changes: Sequence[Change] | None) -> None:
        nonlocal everything, waiting
        with lock:
            everything = everything or changes is None
            gathered.extend(changes or ())
            if waiting:
                return
            waiting = True
        try:
            document.add_next_tick_callback(pass_on)
        except RuntimeError:
            log.debug("the session ended before it could be told")

    def pass_on() -> None:
        nonlocal everything, waiting
        with lock:
            told = None if everything else tuple(gathered)
            gathered.clear()
            everything = waiting = False
        tell(told)

    end = feed.subscribe(heard)

    def ended(_context: Any) -> None:
        end()

    document.on_session_destroyed(ended)
