"""The pages for signing in and out, and the few other addresses of the server."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from tornado.web import HTTPError

from dashboard.backend import database
from dashboard.login.base import OurPage, SignedIn, address_of, beside, page
from workqueue.accounts import Purpose, end_login, link_of, note_event, sign_in, use_link
from workqueue.errors import BadInput, LinkSpent, Refusal, TooManyTries, WrongPassword
from workqueue.inbox import choices

_HOME: Final = "/"
_LONGEST: Final = 1_000


def local_path(asked: str) -> str:
    """`asked` where it is an address on this server, else the home page."""
    parts = urlsplit(asked)
    outside = parts.scheme or parts.netloc or not asked.startswith("/") or asked[1:2] in {"/", "\\"}
    unfit = len(asked) > _LONGEST or not asked.isprintable() or "\\" in asked
    return _HOME if outside or unfit else asked


class LoginPage(OurPage):
    """Name and password."""

    def get(self) -> None:
        """Show the form."""
        self._show()

    async def post(self) -> None:
        """Sign in, and go where the person wanted to go."""
        self.refuse_other_sites()
        username = self.get_body_argument("username", "")[:_LONGEST]
        password = self.get_body_argument("password", "", strip=False)[:_LONGEST]
        address, agent = address_of(self.request), self.request.headers.get("User-Agent", "")
        try:
            token = await beside(
                lambda: sign_in(database(), username, password, address=address, agent=agent)
            )
        except (WrongPassword, TooManyTries) as refusal:
            wrong = isinstance(refusal, WrongPassword)
            self.set_status(HTTPStatus.FORBIDDEN if wrong else HTTPStatus.TOO_MANY_REQUESTS)
            self._show(username=username, fault=str(refusal))
            return
        self.sign_in(token)
        self.redirect(local_path(self.get_argument("next", _HOME)), status=HTTPStatus.SEE_OTHER)

    def _show(self, *, username: str = "", fault: str = "") -> None:
        self.finish(
            page(
                "login",
                username=username,
                fault=fault,
                next=local_path(self.get_argument("next", _HOME)),
                out=self.get_query_argument("out", "") == "1",
            )
        )


class LinkPage(OurPage):
    """A one-time link: looking at it uses nothing up, only sending its form does."""

    async def get(self) -> None:
        """Show whom the link lets in."""
        await self._show()

    async def post(self) -> None:
        """Use the link, with a new password where it is for one."""
        self.refuse_other_sites()
        token = self._token()
        password = self.get_body_argument("password", "", strip=False)
        if password != self.get_body_argument("again", password, strip=False):
            await self._show(fault="The two passwords differ; type them again.")
            return
        address, agent = address_of(self.request), self.request.headers.get("User-Agent", "")
        try:
            cookie = await beside(
                lambda: database().run(
                    lambda session: use_link(
                        session, token, password=password, address=address, agent=agent
                    )
                )
            )
        except LinkSpent as refusal:
            self._spent(refusal)
            return
        except BadInput as refusal:
            await self._show(fault=str(refusal))
            return
        self.sign_in(cookie)
        self.redirect(_HOME, status=HTTPStatus.SEE_OTHER)

    def _token(self) -> str:
        return self.get_argument("token", "")[:200]

    async def _show(self, fault: str = "") -> None:
        token = self._token()
        try:
            link = await beside(lambda: database().run(lambda session: link_of(session, token)))
        except LinkSpent as refusal:
            self._spent(refusal)
            return
        if fault:
            self.set_status(HTTPStatus.BAD_REQUEST)
        self.finish(
            page(
                "link",
                username=link.username,
                setting=link.purpose is Purpose.PASSWORD,
                token=token,
                fault=fault,
            )
        )

    def _spent(self, refusal: Refusal) -> None:
        self.set_status(HTTPStatus.GONE)
        self.finish(
            page(
                "message",
                title="This link no longer works",
                words=str(refusal),
                number="",
                link="/login",
                action="To the sign-in",
            )
        )


class LogoutPage(SignedIn):
    """Sign out: by POST only, so that no picture or link of another site can do it."""

    def get(self) -> None:
        """Refuse: a link must not sign anybody out."""
        raise HTTPError(HTTPStatus.METHOD_NOT_ALLOWED)

    async def post(self) -> None:
        """End the login session; its pages are closed within seconds."""
        self.refuse_other_sites()
        login = self.login

        def end(session: Any) -> None:
            end_login(session, login.id, "signed out")
            note_event(session, login.user, login.actor.via, "logout", {"login": login.id})

        await beside(lambda: database().run(end))
        self.sign_out()
        self.redirect("/login?out=1", status=HTTPStatus.SEE_OTHER)


class Home(SignedIn):
    """`/` is the queue, where a server has several pages."""

    def get(self) -> None:
        """Redirect."""
        self.redirect("/queue")


class ItemRedirect(OurPage):
    """`/queue/42` is `/queue?item=42`."""

    def get(self, item: str) -> None:
        """Redirect."""
        self.redirect(f"/queue?item={item}")


class Health(OurPage):
    """Whether the server and its database answer."""

    async def get(self) -> None:
        """OK, or 503."""
        await beside(lambda: database().run(choices))
        self.finish("ok")


class NotFound(OurPage):
    """Any other address."""

    def prepare(self) -> None:
        """Say that there is none."""
        raise HTTPError(HTTPStatus.NOT_FOUND)
