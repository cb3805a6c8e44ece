"""The shape that every verb shares: find and lock, check, change, record.

`start` finds the item under a row lock and checks everything that does not depend on the verb's
own input; `Act.finish` changes the item and writes the action row. The caller owns the
transaction, and nothing here commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from workqueue.accounts import Actor, UserRow, acting, who
from workqueue.errors import BadInput, NoSuchItem, RequestReused, StaleVersion
from workqueue.lifecycle import Status, Verb, after
from workqueue.models import User, WorkAction, WorkItem
from workqueue.verbs import permission
from workqueue.verbs.permission import Standing

BIGINT_MAX = 2**63 - 1


@dataclass(frozen=True)
class ItemState:
    """An item after an act; times are UTC.

    `assigned_to` is a user name: the holder of an item IN_PROGRESS, whom an OPEN one is reserved
    for, or who held a closed one last.
    """

    id: int
    status: Status
    version: int
    assigned_to: str | None
    lease_expires_at: datetime | None


@dataclass(frozen=True)
class Item(Standing):
    """An item's row as it is under the lock."""

    provider_id: int
    priority: int
    version: int
    fingerprint: str
    generation: int
    cured_at: datetime | None

    @property
    def state(self) -> ItemState:
        """What the caller of a verb is told."""
        return ItemState(self.id, self.status, self.version, self.holder, self.lease_expires_at)


@dataclass(frozen=True)
class Act:
    """One verb on one locked item, checked and ready to be finished.

    `repeated`: the same request was done before; the verb then answers with the item as it
    stands and writes nothing.
    """

    session: Session = field(repr=False)
    actor: Actor
    user: UserRow
    verb: Verb
    item: Item
    request_id: UUID | None
    repeated: bool

    def finish(self, payload: Mapping[str, Any], **changes: Any) -> ItemState:
        """Change the item as the verb says, plus `changes`; record the action; the new state."""
        status = after(self.item.status, self.verb)
        if status is None:
            # `start` has refused this already; without it a bug would write a wrong status.
            permission.check(self.user, self.verb, self.item)
            raise AssertionError(f"{self.verb} passed the check from {self.item.status}")
        said: dict[str, Any] = dict(payload)
        if status is not self.item.status:
            said |= {"from": self.item.status, "to": status}
        row = self.session.execute(
            update(WorkItem)
            .where(WorkItem.id == self.item.id, WorkItem.version == self.item.version)
            .values(status=status.value, version=WorkItem.version + 1, **changes)
            .returning(WorkItem.version, WorkItem.assigned_to, WorkItem.lease_expires_at)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if row is None:
            raise StaleVersion(
                f"item {self.item.id} changed while {self.verb} was under way; repeat it."
            )
        if row.lease_expires_at is not None and row.lease_expires_at != self.item.lease_expires_at:
            said["lease_expires_at"] = row.lease_expires_at.isoformat()
        record(
            self.session,
            self.user,
            self.actor,
            item_id=self.item.id,
            seq=row.version,
            verb=self.verb,
            payload=said,
            request_id=self.request_id,
        )
        return ItemState(
            self.item.id,
            status,
            row.version,
            self._name(row.assigned_to),
            row.lease_expires_at,
        )

    def earlier_payload(self, request_id: UUID) -> dict[str, Any]:
        """What the action row of a repeated request holds."""
        payload: dict[str, Any] = self.session.execute(
            select(WorkAction.payload).where(WorkAction.request_id == request_id)
        ).scalar_one()
        return payload

    def _name(self, user_id: int | None) -> str | None:
        if user_id == self.item.assigned_to:
            return self.item.holder
        if user_id == self.user.id:
            return self.user.username
        return self.session.scalar(select(User.username).where(User.id == user_id))


def start(
    session: Session,
    verb: Verb,
    item_id: int,
    *,
    actor: Actor,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> Act:
    """Lock the item and check actor, request, version, status, right and lease, in this order.

    Raises NoSuchItem, NoSuchUser, UserDisabled, RequestReused, NotAllowed, StaleVersion,
    IllegalTransition, HeldByAnother or LeaseExpired.
    """
    item = lock(session, item_id)
    with permission.denials_told(actor, verb, item.id):
        user = acting(session, actor)
        repeated = request_id is not None and done_before(
            session, request_id, user, verb, item_id=item.id
        )
        act = Act(session, actor, user, verb, item, request_id, repeated)
        if repeated:
            return act
        permission.check_role(user, verb)
    if expected_version is not None and expected_version != item.version:
        raise StaleVersion(_what_changed(session, item, expected_version))
    permission.check(user, verb, item)
    return act


def lock(session: Session, item_id: int) -> Item:
    """The item's row, locked for the rest of the transaction. Raises NoSuchItem."""
    if not isinstance(item_id, int) or isinstance(item_id, bool):
        raise BadInput(f"an item id is a whole number, not {item_id!r}.")
    return _found(session, item_id, locked=True)


def allowed(session: Session, actor: Actor, item_id: int) -> frozenset[Verb]:
    """What `actor` may do to the item at this moment, for buttons. Raises as `start`.

    The item is not locked: by the time of the act, the answer may be another one.
    """
    user = who(session, actor)
    item = _found(session, item_id, locked=False)
    return frozenset(verb for verb in Verb if permission.can(user, verb, item))


def _found(session: Session, item_id: int, *, locked: bool) -> Item:
    row = None
    if 0 < item_id <= BIGINT_MAX:
        found_by = select(
            WorkItem.id,
            WorkItem.status,
            WorkItem.assigned_to,
            # Not by a join: whose row changes while this waits for the lock would keep the
            # name that was joined before.
            select(User.username)
            .where(User.id == WorkItem.assigned_to)
            .scalar_subquery()
            .label("holder"),
            WorkItem.lease_expires_at,
            (WorkItem.lease_expires_at <= func.clock_timestamp()).label("lapsed"),
            WorkItem.provider_id,
            WorkItem.priority,
            WorkItem.version,
            WorkItem.fingerprint,
            WorkItem.generation,
            WorkItem.cured_at,
        ).where(WorkItem.id == item_id)
        row = session.execute(
            found_by.with_for_update(of=WorkItem) if locked else found_by
        ).one_or_none()
    if row is None:
        raise NoSuchItem(f"there is no work item {item_id}; the inbox lists the items there are.")
    found = Item(**row._mapping)
    return replace(found, status=Status(found.status), lapsed=bool(found.lapsed))


def done_before(
    session: Session, request_id: UUID, user: UserRow, verb: Verb, *, item_id: int | None = None
) -> bool:
    """Was this very act recorded under `request_id`? Raises RequestReused for another one.

    Asked under the item's lock, so that of two equal requests the second sees the first.
    """
    row = session.execute(
        select(WorkAction.work_item_id, WorkAction.action_type, WorkAction.user_id).where(
            WorkAction.request_id == request_id
        )
    ).one_or_none()
    if row is None:
        return False
    if (row.work_item_id, row.action_type, row.user_id) != (
        row.work_item_id if item_id is None else item_id,
        verb.value,
        user.id,
    ):
        raise RequestReused(
            f"request {request_id} was used before, for {row.action_type} of item "
            f"{row.work_item_id}; use a new id for a new act."
        )
    return True


def record(
    session: Session,
    user: UserRow,
    actor: Actor,
    *,
    item_id: int,
    seq: int,
    verb: Verb,
    payload: Mapping[str, Any],
    request_id: UUID | None = None,
) -> None:
    """Write the action row; time, predecessor and hash are the database trigger's to set."""
    session.execute(
        insert(WorkAction).values(
            work_item_id=item_id,
            seq=seq,
            user_id=user.id,
            via=actor.via,
            action_type=verb.value,
            payload=dict(payload),
            request_id=request_id,
        )
    )


def _what_changed(session: Session, item: Item, expected: int) -> str:
    said = f"item {item.id} is at version {item.version}, not {expected}"
    rows = session.execute(
        select(User.username, WorkAction.action_type, WorkAction.created_at)
        .join(User, User.id == WorkAction.user_id)
        .where(WorkAction.work_item_id == item.id, WorkAction.seq > expected)
        .order_by(WorkAction.seq.desc())
        .limit(5)
    ).all()
    if rows:
        acts = ", ".join(
            f"{row.action_type} by {row.username} at {row.created_at:%Y-%m-%d %H:%M:%S} UTC"
            for row in reversed(rows)
        )
        said += f"; since then: {acts}"
    return f"{said}. Read it again and repeat what still applies."
