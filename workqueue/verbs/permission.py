"""Who may do what to an item, right now: one predicate for the button and for the guard.

`can` answers for a button, `check` refuses in words; both ask the tables in `lifecycle` and
nothing else, and what those do not say is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from workqueue.accounts import Actor, UserRow
from workqueue.errors import (
    Denial,
    HeldByAnother,
    IllegalTransition,
    LeaseExpired,
    NotAllowed,
    Refusal,
    UserDisabled,
)
from workqueue.lifecycle import CLOSED, Right, Role, Status, Verb, after, right


@dataclass(frozen=True)
class Standing:
    """What a decision about an item needs to know of it.

    `holder` is the user name of `assigned_to`; `lapsed`: the lease has ended on database time.
    """

    id: int
    status: Status
    assigned_to: int | None
    holder: str | None
    lease_expires_at: datetime | None
    lapsed: bool


def can(user: UserRow, verb: Verb, item: Standing) -> bool:
    """Whether `check` would let `user` do `verb` to `item`."""
    return _refusal(user, verb, item) is None


def check(user: UserRow, verb: Verb, item: Standing) -> None:
    """Raise NotAllowed, IllegalTransition, HeldByAnother or LeaseExpired where it may not be."""
    refusal = _refusal(user, verb, item)
    if refusal is not None:
        raise refusal


def check_role(user: UserRow, verb: Verb) -> None:
    """Raise NotAllowed where the role of `user` never includes `verb`."""
    if right(user.role, verb) is Right.NEVER:
        raise _no_right(user, verb)


@contextmanager
def denials_told(actor: Actor, verb: Verb, item_id: int | None = None) -> Iterator[None]:
    """Let a refusal of a right say who wanted what, so that `Database.run` keeps it."""
    try:
        yield
    except (NotAllowed, UserDisabled) as refusal:
        refusal.denial = Denial(actor.username, actor.via, {"verb": verb.value, "item_id": item_id})
        raise


def roles_with(verb: Verb) -> list[Role]:
    """The roles of people whose right to `verb` is not never."""
    return [r for r in Role if r is not Role.SYSTEM and right(r, verb) is not Right.NEVER]


def _refusal(user: UserRow, verb: Verb, item: Standing) -> Refusal | None:
    reach = right(user.role, verb)
    if reach is Right.NEVER:
        return _no_right(user, verb)
    if after(item.status, verb) is None:
        return _illegal(verb, item)
    if verb is Verb.CLAIM:
        return _claim_refusal(user, item)
    if reach is Right.IF_HELD:
        return _not_held(user, verb, item)
    return None


def _no_right(user: UserRow, verb: Verb) -> NotAllowed:
    able = ", ".join(roles_with(verb)) or "none, the machine does that"
    return NotAllowed(
        f"{user.username} has role {user.role}, which may not {verb}; roles that may: {able}."
    )


def _illegal(verb: Verb, item: Standing) -> IllegalTransition:
    legal = [status for status in Status if after(status, verb) is not None]
    if item.status in CLOSED and not CLOSED.intersection(legal):
        advice = "reopen it first."
    elif legal == [Status.IN_PROGRESS]:
        advice = "claim it first."
    else:
        advice = "there is nothing to do."
    return IllegalTransition(
        f"item {item.id} is {item.status}; {verb} is possible where an item is "
        f"{' or '.join(legal)}: {advice}"
    )


def _until(item: Standing) -> str:
    if item.lease_expires_at is None:
        return ""
    return f" until {item.lease_expires_at:%Y-%m-%d %H:%M:%S} UTC"


def _claim_refusal(user: UserRow, item: Standing) -> Refusal | None:
    if item.assigned_to is None or item.assigned_to == user.id:
        return None
    if item.status is Status.IN_PROGRESS:
        if item.lapsed:
            return None
        return HeldByAnother(
            f"item {item.id} is held by {item.holder}{_until(item)}; take another item with "
            "claim-next, or ask a lead to release it."
        )
    # Whoever may assign an item to anybody may take one that is reserved.
    if right(user.role, Verb.ASSIGN) is Right.ALWAYS:
        return None
    return HeldByAnother(
        f"item {item.id} is reserved for {item.holder}; take another item with claim-next, or ask "
        "a lead to assign it to you."
    )


def _not_held(user: UserRow, verb: Verb, item: Standing) -> Refusal | None:
    if item.assigned_to != user.id:
        return HeldByAnother(
            f"item {item.id} is held by {item.holder}{_until(item)}, and only the holder may "
            f"{verb}; wait until it is free and claim it, or ask a lead to release it."
        )
    if item.lapsed:
        return LeaseExpired(
            f"the lease of {user.username} on item {item.id} ended{_ended(item)}; nothing was "
            f"saved. Claim the item again and repeat the {verb}."
        )
    return None


def _ended(item: Standing) -> str:
    if item.lease_expires_at is None:
        return ""
    return f" at {item.lease_expires_at:%Y-%m-%d %H:%M:%S} UTC"
