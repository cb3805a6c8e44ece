"""One-time links: how a user gets in who has no password yet."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import Session

from workqueue.accounts.logins import begin_login, hashed
from workqueue.accounts.passwords import set_password
from workqueue.accounts.users import Actor, acting_with, note_event, person
from workqueue.errors import BadInput, LinkSpent
from workqueue.lifecycle import Duty
from workqueue.models import LoginLink, User

VALID: Final = timedelta(hours=24)


class Purpose(StrEnum):
    """What a link is for: setting a password, or signing in without one."""

    PASSWORD = "password"  # noqa: S105 - a purpose
    SIGN_IN = "sign-in"


@dataclass(frozen=True)
class Link:
    """A link that still counts: whom it lets in, and for what."""

    username: str
    purpose: Purpose


def make_link(
    session: Session, username: str, *, actor: Actor, purpose: Purpose = Purpose.PASSWORD
) -> str:
    """The token of a new link for a user, good once and for 24 hours; older ones end."""
    by = acting_with(session, actor, Duty.USERS)
    user = person(session, username, "who could get a link")
    if user.kind != "person" or user.disabled_at is not None:
        raise BadInput(f"{username} cannot sign in: it is a local account, or disabled.")
    session.execute(
        update(LoginLink)
        .where(LoginLink.user_id == user.id, LoginLink.used_at.is_(None))
        .values(used_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )
    token = secrets.token_urlsafe(32)
    session.execute(
        insert(LoginLink).values(
            user_id=user.id,
            token_hash=hashed(token),
            purpose=purpose.value,
            expires_at=func.clock_timestamp() + VALID,
        )
    )
    detail = {"username": username, "purpose": purpose.value}
    note_event(session, by, actor.via, "login-link", detail)
    return token


def link_of(session: Session, token: str) -> Link:
    """Whom a link would let in; looking does not use it. Raises LinkSpent."""
    row = session.execute(_live(token)).one_or_none()
    if row is None:
        raise LinkSpent
    return Link(row.User.username, Purpose(row.LoginLink.purpose))


def use_link(
    session: Session, token: str, *, password: str | None, address: str, agent: str = ""
) -> str:
    """Use a link up and sign its user in; the token for the cookie.

    `password` is the one to set, needed where the link is for that. Raises LinkSpent, BadInput
    and TooLong; the link stays good then.
    """
    row = session.execute(_live(token).with_for_update(of=LoginLink)).one_or_none()
    if row is None:
        raise LinkSpent
    user: User = row.User
    if row.LoginLink.purpose == Purpose.PASSWORD:
        set_password(session, user.id, user.username, password or "")
    row.LoginLink.used_at = session.scalar(select(func.clock_timestamp()))
    session.flush()
    return begin_login(session, user, address=address, agent=agent, how="link")


def _live(token: str) -> Select[LoginLink, User]:
    return (
        select(LoginLink, User)
        .join(User, User.id == LoginLink.user_id)
        .where(
            LoginLink.token_hash == hashed(token),
            LoginLink.used_at.is_(None),
            LoginLink.expires_at > func.clock_timestamp(),
            User.disabled_at.is_(None),
        )
    )
