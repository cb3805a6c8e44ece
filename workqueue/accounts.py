"""Users: who they are, what their role is, and the actor that every verb is given.

An Actor is a claim; `acting` turns it into the user that the database knows, each time anew, so
that disabling a user or changing a role acts on the next verb.
"""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import false, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from workqueue.database import act_as
from workqueue.errors import BadInput, NoSuchUser, NotAllowed, UserDisabled
from workqueue.lifecycle import DUTIES, Duty, Kind, Role
from workqueue.models import SecurityEvent, User

SYSTEM_USERNAME = "system"


@dataclass(frozen=True)
class Actor:
    """Who asks, and how they came in: `via` is recorded with every action."""

    username: str
    kind: Kind
    via: str


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


def _row(user: User) -> UserRow:
    return UserRow(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        role=Role(user.role),
        kind=user.kind,
        created_at=user.created_at,
        disabled_at=user.disabled_at,
    )


def acting(session: Session, actor: Actor) -> UserRow:
    """The user behind `actor` as of now, set as the acting user of the transaction.

    A local account gets its user row, with role admin, at its first act: it holds the database
    credentials, so a lesser role would be a pretence. Raises NoSuchUser or UserDisabled.
    """
    # A name with NUL or half a character would break the look-up; nobody is called that.
    named = User.username == actor.username if actor.username.isprintable() else false()
    user = session.scalar(select(User).where(named))
    if user is None and actor.kind is Kind.LOCAL and actor.username == actor.via:
        session.execute(
            insert(User)
            .values(username=actor.via, role=Role.ADMIN.value, kind="local")
            .on_conflict_do_nothing(index_elements=["username"])
        )
        user = session.scalar(select(User).where(User.username == actor.username))
    if user is None:
        raise NoSuchUser(
            f"there is no user {actor.username!r}; `workqueue user list` shows who there is, "
            f"`workqueue user add {actor.username}` adds one."
        )
    if user.disabled_at is not None:
        raise UserDisabled(f"user {user.username!r} is disabled and may not act.")
    if user.kind == "system" and actor.kind is not Kind.SYSTEM:
        raise NotAllowed("the system account acts by itself; act as a person.")
    act_as(session, user.id)
    return _row(user)


def acting_with(session: Session, actor: Actor, duty: Duty) -> UserRow:
    """`acting`, refused with NotAllowed where the role does not include `duty`."""
    user = acting(session, actor)
    if duty not in DUTIES[user.role]:
        what = "see to users" if duty is Duty.USERS else duty
        able = ", ".join(role for role in Role if duty in DUTIES[role] and role != Role.SYSTEM)
        raise NotAllowed(
            f"{user.username} has role {user.role}, which may not {what}; roles that may: {able}."
        )
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
    return _row(added)


def disable_user(session: Session, username: str, *, actor: Actor) -> UserRow:
    """Disable a user at once; what the user holds can be released by a lead."""
    by = acting_with(session, actor, Duty.USERS)
    user = session.scalar(select(User).where(User.username == username).with_for_update())
    if user is None or user.kind == "system":
        raise NoSuchUser(f"there is no user {username!r} that could be disabled.")
    if user.id == by.id:
        raise BadInput("one cannot disable oneself; ask another admin.")
    if user.disabled_at is None:
        user.disabled_at = session.scalar(select(func.now()))
        note_event(session, by, actor.via, "user-disable", {"username": username})
        session.flush()
    return _row(user)


def list_users(session: Session) -> list[UserRow]:
    """All users, by name."""
    return [_row(user) for user in session.scalars(select(User).order_by(User.username))]
