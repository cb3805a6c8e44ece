"""What all our request handlers share: who asks, headers, error pages in words."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler

from dashboard.backend import database, settings
from dashboard.look import css
from dashboard.markup import markup
from workqueue.accounts import Login, login_of

T = TypeVar("T")
log = logging.getLogger(__name__)

LOGIN_URL: Final = "/login"
# Scripts come from this server only. Bokeh and Panel put theirs into the page and compile some
# ('unsafe-inline', 'unsafe-eval'), and load modules from blobs.
_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
# Our own pages need no script at all.
_STRICT: Final = "; ".join(
    (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_WORDS: Final = {
    HTTPStatus.FORBIDDEN: ("Not allowed", "You may not see this page."),
    HTTPStatus.NOT_FOUND: ("Not found", "There is no such page."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("Not possible", "This page cannot be asked for in this way."),
}


@cache
def _threads() -> ThreadPoolExecutor:
    # Few: a password takes a tenth of a second of a core and 64 MB, by design.
    return ThreadPoolExecutor(4, thread_name_prefix="login")


async def beside(work: Callable[[], T]) -> T:
    """Do `work` in a thread, so that the event loop serves others meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


def cookie_name() -> str:
    """The name of the login cookie; browsers bind one that begins with __Host- to this host."""
    return "__Host-workqueue" if settings().secure else "workqueue"


def address_of(request: HTTPServerRequest) -> str:
    """Where a request comes from; behind a proxy only as far as the settings trust it."""
    return str(request.remote_ip or "")[:100]


async def login_of_request(request: HTTPServerRequest) -> Login | None:
    """The live login session of a request's cookie."""
    cookie = request.cookies.get(cookie_name())
    if cookie is None or len(cookie.value) > 100:
        return None
    token = cookie.value
    return await beside(lambda: database().run(lambda session: login_of(session, token)))


class Headers(RequestHandler):
    """Sets what every answer says to the browser; errors become a page in words."""

    policy = _POLICY

    def set_default_headers(self) -> None:
        """Nothing from elsewhere, in no frame, kept by nobody."""
        self.set_header("Content-Security-Policy", self.policy)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        if settings().secure:
            self.set_header("Strict-Transport-Security", "max-age=31536000")
        self.clear_header("Server")

    def write_error(self, status_code: int, **details: Any) -> None:
        """A page in words; for a fault of ours with a number that finds the line in the log."""
        error = details.get("exc_info", (None, None, None))[1]
        number = ""
        title, words = _WORDS.get(
            HTTPStatus(status_code), ("Something went wrong", "The server could not do this.")
        )
        if status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            number = secrets.token_hex(4)
            log.error("error %s at %s", number, self.request.path, exc_info=error)
        self.set_header("Content-Security-Policy", _STRICT)
        self.finish(
            page("message", title=title, words=words, number=number, link="/", action="To the desk")
        )


class OurPage(Headers):
    """A page of ours, without scripts."""

    policy = _STRICT

    def refuse_other_sites(self) -> None:
        """Raise 403 for a form that was sent from another site."""
        origin = self.request.headers.get("Origin")
        site = self.request.headers.get("Sec-Fetch-Site")
        own = {self.request.host.lower(), urlsplit(settings().address).netloc.lower()}
        if site in {"cross-site", "same-site"}:
            raise HTTPError(HTTPStatus.FORBIDDEN)
        if origin and origin != "null" and urlsplit(origin).netloc.lower() not in own:
            raise HTTPError(HTTPStatus.FORBIDDEN)

    def sign_in(self, token: str) -> None:
        """Give the browser the cookie of a new login session."""
        self.set_cookie(
            cookie_name(),
            token,
            path="/",
            httponly=True,
            secure=settings().secure,
            samesite="Lax",
        )

    def sign_out(self) -> None:
        """Take the cookie back."""
        self.clear_cookie(cookie_name(), path="/", secure=settings().secure, httponly=True)


class SignedIn(OurPage):
    """A page for people who have signed in; `login` says who."""

    login: Login

    async def prepare(self) -> None:
        """Ask for the login first; 403 for anything but a GET without one."""
        found = await login_of_request(self.request)
        if found is None:
            if self.request.method != "GET":
                raise HTTPError(HTTPStatus.FORBIDDEN)
            self.redirect(LOGIN_URL)
            return
        self.login = found


def page(name: str, **values: Any) -> str:
    """One of our pages, with the look."""
    return markup(f"pages/{name}", look=css("tokens", "pages"), **values)
