"""Which page session belongs to which login session, for the pages of this process.

A page's session id is made by the server for one signed-in request and noted here before the
page's code runs. Neither a token nor a cookie is believed for it afterwards: whoever shows the
page of another login session is refused, whatever is signed.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final

from workqueue.accounts import Actor

# A page that is never opened by its websocket is forgotten after an hour.
_UNOPENED_SECONDS: Final = 3600


class Registry:
    """Page sessions by id, and the open websockets of each login session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: dict[str, tuple[Actor, float]] = {}
        self._first: dict[str, Any] = {}
        self._sockets: dict[int, set[Any]] = {}

    def note_page(self, session_id: str, actor: Actor, first: Any = None) -> None:
        """A page session is made for `actor`; `first` is what its page shows first."""
        now = time.monotonic()
        with self._lock:
            old = [each for each, (_, at) in self._pages.items() if now - at > _UNOPENED_SECONDS]
            for each in old:
                del self._pages[each]
                self._first.pop(each, None)
            self._pages[session_id] = (actor, now)
            if first is not None:
                self._first[session_id] = first

    def first_of(self, session_id: str) -> Any:
        """What the page shows first, once; None where it is not known."""
        with self._lock:
            return self._first.pop(session_id, None)

    def keep_page(self, session_id: str) -> None:
        """The page is in use: it is not forgotten while it is."""
        with self._lock:
            if session_id in self._pages:
                self._pages[session_id] = (self._pages[session_id][0], float("inf"))

    def forget_page(self, session_id: str) -> None:
        """The page session has ended."""
        with self._lock:
            self._pages.pop(session_id, None)

    def actor_of(self, session_id: str) -> Actor | None:
        """Whose page session it is; None for one that was not made for a signed-in request."""
        with self._lock:
            found = self._pages.get(session_id)
        return found[0] if found else None

    def add_socket(self, login: int, socket: Any) -> None:
        """A websocket of a login session was opened."""
        with self._lock:
            self._sockets.setdefault(login, set()).add(socket)

    def drop_socket(self, login: int, socket: Any) -> None:
        """A websocket was closed."""
        with self._lock:
            self._sockets.get(login, set()).discard(socket)
            if not self._sockets.get(login):
                self._sockets.pop(login, None)

    def sockets(self) -> dict[int, list[Any]]:
        """The open websockets by login session."""
        with self._lock:
            return {login: list(each) for login, each in self._sockets.items()}


REGISTRY: Final = Registry()
