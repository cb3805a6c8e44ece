"""Claim and release: whose an item is, for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from workqueue.accounts import Actor
from workqueue.database import act_as
from workqueue.errors import BadInput
from workqueue.lifecycle import Verb
from workqueue.models import WorkItem
from workqueue.verbs.act import ItemState, lock, start
from workqueue.verbs.sweeping import close_cured

LONGEST_LEASE = timedelta(days=1)


def claim(
    session: Session,
    item_id: int,
    *,
    actor: Actor,
    lease: timedelta,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """Take an item for `lease` from now on database time; the holder's own claim renews.

    An OPEN item can be claimed unless it is reserved for somebody else, which only stops those
    who may not assign; an item IN_PROGRESS once its lease has ended. Raises what `start` raises,
    and BadInput for a lease outside 0 to 24 hours.
    """
    check_lease(lease)
    act = start(
        session,
        Verb.CLAIM,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    if act.repeated:
        return act.item.state
    payload = {}
    if act.item.assigned_to not in {None, act.user.id}:
        payload["taken_from"] = act.item.holder
    return act.finish(
        payload,
        assigned_to=act.user.id,
        lease_expires_at=func.clock_timestamp() + lease,
    )


def release(
    session: Session,
    item_id: int,
    *,
    actor: Actor,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """Give an item back: the holder does, or somebody who may for an absent colleague.

    Where its problem is gone already, nobody is left to hold it open: the system closes it.
    """
    act = start(
        session,
        Verb.RELEASE,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    if act.repeated:
        return act.item.state
    payload = {} if act.item.assigned_to == act.user.id else {"taken_from": act.item.holder}
    state = act.finish(payload, assigned_to=None, lease_expires_at=None)
    if act.item.cured_at is None:
        return state
    close_cured(session, [item_id])
    act_as(session, act.user.id)
    return lock(session, item_id).state


def renew(session: Session, item_id: int, *, actor: Actor, lease: timedelta) -> ItemState:
    """Let a claim that one has last for `lease` from now on, because one is at work.

    Nothing changes hands, so no action is recorded and the version stays: a trail of every few
    minutes would bury what was done. Raises LeaseExpired where the claim has ended,
    HeldByAnother, IllegalTransition, and BadInput for a lease outside 0 to 24 hours.
    """
    check_lease(lease)
    # Whoever may resolve an item holds it under a live lease.
    act = start(session, Verb.RESOLVE, item_id, actor=actor)
    ends = session.scalar(
        update(WorkItem)
        .where(WorkItem.id == act.item.id)
        .values(
            lease_expires_at=func.greatest(
                WorkItem.lease_expires_at, func.clock_timestamp() + lease
            )
        )
        .returning(WorkItem.lease_expires_at)
        .execution_options(synchronize_session=False)
    )
    return replace(act.item.state, lease_expires_at=ends)


def check_lease(lease: timedelta) -> None:
    """Raise BadInput unless `lease` is more than nothing and at most a day."""
    if not timedelta(0) < lease <= LONGEST_LEASE:
        raise BadInput("a lease lasts more than nothing and at most 24 hours; give minutes.")
