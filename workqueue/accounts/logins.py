"""Login sessions: a random cookie, kept as a hash; live for 12 hours, half an hour without use."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from workqueue.accounts import throttle
from workqueue.accounts.ending import end_login, end_logins_of
from workqueue.accounts.passwords import fits
from workqueue.accounts.users import Actor, UserRow, note_event, row_of
from workqueue.database import Database
from workqueue.errors import WrongPassword
from workqueue.lifecycle import Kind
from workqueue.models import LoginSession, User, UserPassword

IDLE: Final = timedelta(minutes=30)
ABSOLUTE: Final = timedelta(hours=12)
WEB: Final = "web"
_KNOWN_FOR: Final = timedelta(days=90)
_TOUCHED_EVERY: Final = timedelta(minutes=1)

__all__ = [
    "Login",
    "begin_login",
    "end_login",
    "end_logins_of",
    "ended_among",
    "hashed",
    "login_of",
    "sign_in",
    "touch",
]


@dataclass(frozen=True)
class Login:
    """A live login session: the actor that it makes, and its user as of now."""

    actor: Actor
    user: UserRow

    @property
    def id(self) -> int:
        """The id of the login session."""
        if self.actor.login is None:
            raise AssertionError("a login has an actor that came in by it")
        return self.actor.login


def hashed(token: str) -> bytes:
    """What is kept of a token: 256 random bits need no salt."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def sign_in(
    database: Database, username: str, password: str, *, address: str, agent: str = ""
) -> str:
    """Sign a user in; the token for the cookie. Slow by design: call it beside an event loop.

    Raises WrongPassword, for unknown names and disabled users as well, and TooManyTries.
    """
    name = username.strip()[:200]
    with database.transaction() as session:
        user = _user(session, name)
        known = user is not None and _known(session, user.id, address)
        kept = session.get(UserPassword, user.id) if user is not None else None
        counted = throttle.counts(name, user.id if user else None, address, known=known)
        throttle.begin(session, counted)
    right = fits(password, kept.hash if kept else None)
    if user is None or not right:
        _note_failure(database, user, name, address)
        raise WrongPassword

    def enter(session: Session) -> str:
        throttle.forgive(session, counted)
        return begin_login(session, user, address=address, agent=agent, how="password")

    return database.run(enter)


def _user(session: Session, username: str) -> User | None:
    if not username.isprintable():
        return None
    found = session.scalar(
        select(User).where(
            User.username == username, User.kind == "person", User.disabled_at.is_(None)
        )
    )
    if found is not None:
        session.expunge(found)
    return found


def _known(session: Session, user_id: int, address: str) -> bool:
    before = select(LoginSession.id).where(
        LoginSession.user_id == user_id,
        LoginSession.address == address,
        LoginSession.created_at > func.now() - _KNOWN_FOR,
    )
    return session.scalar(before.limit(1)) is not None


def _note_failure(database: Database, user: User | None, username: str, address: str) -> None:
    with database.transaction() as session:
        said = username if username.isprintable() else repr(username)
        note_event(
            session,
            row_of(user) if user else None,
            WEB,
            "login-failure",
            {"username": said[:100], "address": address},
        )


def begin_login(session: Session, user: User, *, address: str, agent: str, how: str) -> str:
    """Make a login session for a user who has shown who they are; the token for the cookie."""
    token = secrets.token_urlsafe(32)
    now = func.clock_timestamp()
    login = session.scalar(
        insert(LoginSession)
        .values(
            user_id=user.id,
            token_hash=hashed(token),
            idle_at=now + IDLE,
            expires_at=now + ABSOLUTE,
            address=address[:100],
            agent="".join(letter for letter in agent if letter.isprintable())[:200],
        )
        .returning(LoginSession.id)
    )
    detail = {"login": login, "how": how, "address": address[:100]}
    note_event(session, row_of(user), WEB, "login", detail)
    return token


def login_of(session: Session, token: str) -> Login | None:
    """The live login session of a cookie; None where there is none. Counts as use of it."""
    row = session.execute(
        select(LoginSession.id, User)
        .join(User, User.id == LoginSession.user_id)
        .where(
            LoginSession.token_hash == hashed(token),
            LoginSession.is_live(),
            User.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    touch(session, row.id)
    user = row_of(row.User)
    return Login(Actor(user.username, Kind.WEB, WEB, row.id), user)


def touch(session: Session, login: int) -> None:
    """Note that a login session is in use; written at most once a minute."""
    now = func.clock_timestamp()
    session.execute(
        update(LoginSession)
        .where(
            LoginSession.id == login,
            LoginSession.is_live(),
            LoginSession.last_seen_at < now - _TOUCHED_EVERY,
        )
        .values(last_seen_at=now, idle_at=func.least(now + IDLE, LoginSession.expires_at))
        .execution_options(synchronize_session=False)
    )


def ended_among(session: Session, logins: Sequence[int]) -> set[int]:
    """Which of the login sessions are over."""
    live = session.scalars(
        select(LoginSession.id)
        .join(User, User.id == LoginSession.user_id)
        .where(LoginSession.id.in_(logins), LoginSession.is_live(), User.disabled_at.is_(None))
    )
    return set(logins).difference(live)
