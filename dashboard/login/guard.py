"""The guard of pages and websockets: Panel's own handlers, with our checks in front."""

from __future__ import annotations

import logging
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from bokeh.util.token import generate_session_id, get_session_id
from panel.io.server import DocHandler, WSHandler
from tornado.ioloop import IOLoop
from tornado.web import HTTPError

from dashboard.backend import database, settings
from dashboard.detection.door import DetectionDoor, FirstDetection
from dashboard.door import Door, First
from dashboard.login.base import Headers, beside, cookie_name, login_of_request
from dashboard.login.registry import REGISTRY
from dashboard.running import answer_of
from workqueue.accounts import Actor, ended_among
from workqueue.errors import Refusal

log = logging.getLogger(__name__)
WATCH_EVERY: Final = timedelta(seconds=2)
_SIGNED_OUT: Final = 4401
_CHOSEN: Final = ("bokeh-session-id", "bokeh-token")


class GuardedPage(Headers, DocHandler):
    """The desk's page: its session is made for whoever asks, and noted as theirs."""

    async def get_session(self) -> Any:
        """A new session. Nobody chooses its id, and the cookie goes no further than here."""
        if any(name in self.request.arguments for name in _CHOSEN) or (
            "Bokeh-Session-Id" in self.request.headers
        ):
            raise HTTPError(HTTPStatus.FORBIDDEN)
        session_id = generate_session_id(
            secret_key=self.application.secret_key, signed=self.application.sign_sessions
        )
        actor = getattr(self.request, "actor", None)
        if isinstance(actor, Actor):
            path, query = self.request.path, self.request.query
            first = await answer_of(lambda: _first(actor, path, query))
            REGISTRY.note_page(session_id, actor, first)
        self.request.headers["Bokeh-Session-Id"] = session_id
        # What is left in the request goes into the page's token, which scripts can read.
        self.request.cookies.pop(cookie_name(), None)
        self.request.headers.pop("Cookie", None)
        return await super().get_session()  # type: ignore[misc] # `authenticated` hides its type


def _first(actor: Actor, path: str, query: str) -> First | FirstDetection | None:
    # What is not there, such as an item of the link, the page says itself.
    try:
        if path.rstrip("/").endswith("/detection"):
            return DetectionDoor(database(), actor).first()
        return Door(database(), actor, settings()).first(query)
    except Refusal:
        return None


class GuardedSocket(WSHandler):
    """The page's websocket: open only to the login session that the page was made for."""

    actor: Actor | None = None

    async def prepare(self) -> None:
        """Refuse a page of another login session, and one that was not made by this server."""
        await super().prepare()
        if self._finished:
            return
        asking = getattr(self.request, "actor", None)
        owner = REGISTRY.actor_of(self._asked_session())
        if not isinstance(asking, Actor) or owner is None or owner.login != asking.login:
            log.warning("refused a websocket: the page is not of this login session")
            self.set_status(HTTPStatus.FORBIDDEN)
            self.finish()
            return
        self.actor = asking

    def _asked_session(self) -> str:
        said = self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        try:
            return str(get_session_id(said[-1].strip()))
        except Exception:
            return ""

    def open(self, *args: Any, **arguments: Any) -> Any:
        """Note the socket, so that it can be closed when the login session ends."""
        if self.actor is not None and self.actor.login is not None:
            REGISTRY.add_socket(self.actor.login, self)
            watch()
        return super().open(*args, **arguments)

    def on_close(self) -> None:
        """Forget the socket."""
        if self.actor is not None and self.actor.login is not None:
            REGISTRY.drop_socket(self.actor.login, self)
        super().on_close()


class _Watch:
    running = False


def watch() -> None:
    """Begin to look after the open websockets, once in a process; ends when none is open."""
    if not _Watch.running:
        _Watch.running = True
        IOLoop.current().call_later(WATCH_EVERY.total_seconds(), _look)


async def _look() -> None:
    # Closes the websockets of login sessions that have ended.
    open_ones = REGISTRY.sockets()
    if not open_ones:
        _Watch.running = False
        return
    logins = list(open_ones)
    try:
        ended = await beside(lambda: database().run(lambda session: ended_among(session, logins)))
        for login in ended:
            for socket in open_ones[login]:
                socket.close(_SIGNED_OUT, "signed out")
    except Refusal as refusal:
        log.warning("login sessions could not be looked after: %s", refusal)
    finally:
        IOLoop.current().call_later(WATCH_EVERY.total_seconds(), _look)


async def signed_in_user(handler: Any) -> str | None:
    """Who sends a request to a page or websocket; what Panel calls its user."""
    login = await login_of_request(handler.request)
    if login is None:
        return None
    handler.request.actor = login.actor
    return login.actor.username
