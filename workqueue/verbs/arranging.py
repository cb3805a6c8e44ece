"""Assign and set-priority: what a lead arranges for others."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from workqueue.accounts import Actor
from workqueue.errors import BadInput, NoSuchUser, NotAllowed, UserDisabled
from workqueue.lifecycle import Right, Role, Verb, right
from workqueue.models import User
from workqueue.verbs import permission
from workqueue.verbs.act import ItemState, start


def assign(
    session: Session,
    item_id: int,
    *,
    to: str,
    actor: Actor,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """Reserve an item for user `to`: it becomes OPEN, and whoever held it holds it no longer.

    Raises NoSuchUser, UserDisabled, and NotAllowed where that user's role may not claim.
    """
    act = start(
        session,
        Verb.ASSIGN,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    if act.repeated:
        return act.item.state
    payload = {"assigned_to": to}
    if act.item.holder is not None and act.item.holder != to:
        payload["taken_from"] = act.item.holder
    return act.finish(payload, assigned_to=_target(session, to), lease_expires_at=None)


def _target(session: Session, username: str) -> int:
    # A NUL would end the look-up with a database error; there is no such user anyway.
    user = (
        session.execute(
            select(User.id, User.role, User.disabled_at).where(User.username == username)
        ).one_or_none()
        if username.isprintable()
        else None
    )
    if user is None:
        raise NoSuchUser(f"there is no user {username!r}; was the name mistyped?")
    if user.disabled_at is not None:
        raise UserDisabled(f"user {username!r} is disabled; assign the item to somebody else.")
    if right(Role(user.role), Verb.CLAIM) is Right.NEVER:
        able = ", ".join(permission.roles_with(Verb.CLAIM))
        raise NotAllowed(
            f"{username} has role {user.role}, which may not claim items; assign it to somebody "
            f"with one of the roles: {able}."
        )
    return int(user.id)


def set_priority(
    session: Session,
    item_id: int,
    priority: int,
    *,
    actor: Actor,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """Set the priority, 1 high to 5 low. Raises BadInput outside, or where it has it already."""
    if isinstance(priority, bool) or not isinstance(priority, int) or not 1 <= priority <= 5:
        raise BadInput(f"a priority is a whole number from 1 (high) to 5 (low), not {priority!r}.")
    act = start(
        session,
        Verb.SET_PRIORITY,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    if act.repeated:
        return act.item.state
    if priority == act.item.priority:
        raise BadInput(f"item {item_id} has priority {priority} already; nothing was changed.")
    return act.finish({"old": act.item.priority, "new": priority}, priority=priority)
