"""Resolve, reject, reopen: a person's decision about an item."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workqueue.accounts import Actor
from workqueue.errors import IllegalTransition
from workqueue.lifecycle import Verb
from workqueue.models import WorkItem
from workqueue.values import free_text
from workqueue.verbs.act import Act, Item, ItemState, start


def resolve(
    session: Session,
    item_id: int,
    *,
    actor: Actor,
    note: str = "",
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """Close an item that one holds as done; `note` of up to 10,000 characters is kept with it."""
    said = free_text(note, "note")
    act = start(
        session,
        Verb.RESOLVE,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    return act.item.state if act.repeated else _close(act, {"note": said}, said)


def reject(
    session: Session,
    item_id: int,
    *,
    actor: Actor,
    reason: str,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """Close an item that one holds as no problem; the `reason` is required."""
    said = free_text(reason, "reason", required=True)
    act = start(
        session,
        Verb.REJECT,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    return act.item.state if act.repeated else _close(act, {"reason": said}, said)


def _close(act: Act, payload: dict[str, str], notes: str) -> ItemState:
    return act.finish(
        payload,
        lease_expires_at=None,
        resolved_at=func.clock_timestamp(),
        resolved_by=act.user.id,
        notes=notes,
    )


def reopen(
    session: Session,
    item_id: int,
    *,
    actor: Actor,
    reason: str,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """Open a closed item again; the `reason` is required, the former note stays in the history.

    Refused with IllegalTransition where a later item is about the same problem.
    """
    said = free_text(reason, "reason", required=True)
    act = start(
        session,
        Verb.REOPEN,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    if act.repeated:
        return act.item.state
    _refuse_second(session, act.item)
    payload = {"reason": said}
    if act.item.cured_at is not None:
        # Detection reads this: who reopens an item whose problem is gone closes it, too.
        payload["gone_since"] = act.item.cured_at.isoformat()
    return act.finish(
        payload,
        assigned_to=None,
        resolved_at=None,
        resolved_by=None,
        notes="",
        # A person says that the problem stands; without this nobody would be offered the item.
        cured_at=None,
    )


def _refuse_second(session: Session, item: Item) -> None:
    later = session.execute(
        select(WorkItem.id, WorkItem.status)
        .where(WorkItem.fingerprint == item.fingerprint, WorkItem.generation > item.generation)
        .order_by(WorkItem.generation.desc())
        .limit(1)
    ).one_or_none()
    if later is not None:
        raise IllegalTransition(
            f"item {item.id} cannot be reopened: the problem came back as item {later.id}, which "
            f"is {later.status}; go on with that one."
        )
