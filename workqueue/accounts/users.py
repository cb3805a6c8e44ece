"""Who they are, what their role is, and the actor that every verb is given.

An Actor is a claim; `acting` turns it into the user that the database knows, each time anew, so
that disabling a user or changing a role acts on the next verb.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, false, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from workqueue.accounts.ending import end_logins_of
from workqueue.database import act_as
from workqueue.errors import (
    BadInput,
    Denial,
    LoginEnded,
    NoSuchUser,
    NotAllowed,
    UserDisabled,
)
from workqueue.lifecycle import DUTIES, Duty, Kind, Role
from workqueue.models import LoginSession, SecurityEvent, User

SYSTEM_USERNAME = "system"


@dataclass(frozen=True)
class Actor:
    """Who asks, and how they came in: `via` is recorded with every action.

    `login` is the id of the login session that an actor of kind web came in by.
    """

    username: str
    kind: Kind
    via: str
    login: int | None = None


@dataclass(frozen=True)
class UserRow:
    """A user as the database has it now; times are UTC."""

    id: int
    username: str
    display_name: str
    role: Role
    kind: str
    created_at: datetime
    disabled_at: datetime | None


SYSTEM = Actor(SYSTEM_USERNAME, Kind.SYSTEM, "system")


def local(program: str = "cli", username: str | None = None) -> Actor:
    """Whoever holds the database credentials: `cli:osuser`, or acting as `username`."""
    try:
        osuser = getpass.getuser()
    except (KeyError, OSError):
        osuser = str(os.geteuid())
    via = f"{program}:{osuser}"
    return Actor(username or via, Kind.LOCAL, via)


def row_of(user: User) -> UserRow:
    """The row of a user as a value."""
    return UserRow(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        role=Role(user.role),
        kind=user.kind,
        created_at=user.created_at,
        disabled_at=user.disabled_at,
    )


def who(session: Session, actor: Actor) -> UserRow:
    """The user behind `actor` as of now; writes nothing.

    Raises NoSuchUser, UserDisabled, LoginEnded where a web actor's login session is over, and
    NotAllowed for somebody who would act as the system.
    """
    # A name with NUL or half a character would break the look-up; nobody is called that.
    named = User.username == actor.username if actor.username.isprintable() else false()
    user = session.scalar(select(User).where(named))
    if user is None:
        raise NoSuchUser(
            f"there is no user {actor.username!r}; `workqueue user list` shows who there is, "
            f"`workqueue user add {actor.username}` adds one."
        )
    if user.disabled_at is not None:
        raise UserDisabled(f"user {user.username!r} is disabled and may not act.")
    if user.kind == "system" and actor.kind is not Kind.SYSTEM:
        raise NotAllowed("the system account acts by itself; act as a person.")
    if actor.kind is Kind.WEB and not _signed_in(session, user.id, actor.login):
        raise LoginEnded
    return row_of(user)


def _signed_in(session: Session, user_id: int, login: int | None) -> bool:
    found = session.scalar(
        select(LoginSession.id).where(
            LoginSession.id == login, LoginSession.user_id == user_id, LoginSession.is_live()
        )
    )
    return found is not None


def acting(session: Session, actor: Actor) -> UserRow:
    """The user behind `actor` as of now, set as the acting user of the transaction.

    A local account gets its user row, with role admin, at its first act: it holds the database
    credentials, so a lesser role would be a pretence. Raises as `who`.
    """
    if actor.kind is Kind.LOCAL and actor.username == actor.via:
        session.execute(
            insert(User)
            .from_select(
                ["username", "role", "kind"],
                select(literal(actor.via), literal(Role.ADMIN.value), literal("local")).where(
                    ~exists().where(User.username == actor.via)
                ),
            )
            .on_conflict_do_nothing(index_elements=["username"])
        )
    user = who(session, actor)
    act_as(session, user.id)
    return user


def acting_with(session: Session, actor: Actor, duty: Duty) -> UserRow:
    """`acting`, refused with NotAllowed where the role does not include `duty`."""
    user = acting(session, actor)
    if duty not in DUTIES[user.role]:
        what = "see to users" if duty is Duty.USERS else duty
        able = ", ".join(role for role in Role if duty in DUTIES[role] and role != Role.SYSTEM)
        refusal = NotAllowed(
            f"{user.username} has role {user.role}, which may not {what}; roles that may: {able}."
        )
        refusal.denial = Denial(actor.username, actor.via, {"duty": duty.value})
        raise refusal
    return user


def note_event(
    session: Session, user: UserRow | None, via: str, event: str, detail: dict[str, Any]
) -> None:
    """Keep a security event (security.md 10) in the current transaction."""
    session.add(
        SecurityEvent(user_id=user.id if user else None, via=via, event=event, detail=detail)
    )


def add_user(
    session: Session, username: str, role: Role, *, actor: Actor, display_name: str = ""
) -> UserRow:
    """Add a person. Raises BadInput for a name that is taken or cannot be used."""
    by = acting_with(session, actor, Duty.USERS)
    name = username.strip()
    if not 1 <= len(name) <= 100 or ":" in name or not name.isprintable():
        raise BadInput(
            f"{username!r} cannot be a user name: use 1 to 100 printable characters, no colon."
        )
    if role is Role.SYSTEM:
        raise BadInput("role system belongs to the machine; choose another role.")
    added = session.scalar(
        insert(User)
        .values(username=name, display_name=display_name, role=role.value)
        .on_conflict_do_nothing(index_elements=["username"])
        .returning(User)
    )
    if added is None:
        raise BadInput(f"user {name!r} exists already.")
    note_event(session, by, actor.via, "user-add", {"username": name, "role": role.value})
    return row_of(added)


def person(session: Session, username: str, what: str) -> User:
    """The row of a user who can be changed, locked. Raises NoSuchUser."""
    named = User.username == username if username.isprintable() else false()
    user = session.scalar(select(User).where(named).with_for_update())
    if user is None or user.kind == "system":
        raise NoSuchUser(
            f"there is no user {username!r} {what}; `workqueue user list` shows who there is."
        )
    return user


def disable_user(session: Session, username: str, *, actor: Actor) -> UserRow:
    """Disable a user at once, and sign them out; what they hold a lead can release."""
    by = acting_with(session, actor, Duty.USERS)
    user = person(session, username, "that could be disabled")
    if user.id == by.id:
        raise BadInput("one cannot disable oneself; ask another admin.")
    if user.disabled_at is None:
        user.disabled_at = session.scalar(select(func.now()))
        end_logins_of(session, user.id, "the account was disabled")
        note_event(session, by, actor.via, "user-disable", {"username": username})
        session.flush()
    return row_of(user)


def enable_user(session: Session, username: str, *, actor: Actor) -> UserRow:
    """Let a disabled user act again."""
    by = acting_with(session, actor, Duty.USERS)
    user = person(session, username, "that could be enabled")
    if user.disabled_at is not None:
        user.disabled_at = None
        note_event(session, by, actor.via, "user-enable", {"username": username})
        session.flush()
    return row_of(user)


def set_role(session: Session, username: str, role: Role, *, actor: Actor) -> UserRow:
    """Change a user's role. It counts from the next act on; the user has to sign in again."""
    by = acting_with(session, actor, Duty.USERS)
    if role is Role.SYSTEM:
        raise BadInput("role system belongs to the machine; choose another role.")
    user = person(session, username, "whose role could be changed")
    if user.kind != "person":
        raise BadInput(
            f"{username} is a local account: it holds the database credentials, and is an admin."
        )
    if user.id == by.id:
        raise BadInput("one cannot change one's own role; ask another admin.")
    if user.role != role.value:
        detail = {"username": username, "old": user.role, "new": role.value}
        user.role = role.value
        end_logins_of(session, user.id, "the role was changed")
        note_event(session, by, actor.via, "user-role", detail)
        session.flush()
    return row_of(user)


def list_users(session: Session) -> list[UserRow]:
    """All users, by name."""
    return [row_of(user) for user in session.scalars(select(User).order_by(User.username))]
