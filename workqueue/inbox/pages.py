"""Pages by keyset, counts, ids and frames of a Filter."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Subquery,
    func,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from workqueue.errors import BadInput
from workqueue.fields import full_name
from workqueue.inbox.filter import MAX_ID, Filter
from workqueue.inbox.query import ITEMS, KEY, PROVIDERS, Branch, branches, whole
from workqueue.models import IndividualProvider, Rule, User, WorkItem

if TYPE_CHECKING:
    import pandas

MAX_PAGE: Final = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 0001-01-01 to 9999-12-31 in microseconds from the epoch
_MOMENTS = (-62_135_596_800_000_000, 253_402_300_799_999_999)

# The values of an order's columns in one row; its id is the last.
Key = tuple[Any, ...]


class Order(StrEnum):
    """In which order items are listed; each has its reverse."""

    PRIORITY = "priority"
    PRIORITY_REVERSED = "priority-reversed"
    OLDEST = "oldest"
    NEWEST = "newest"

    @property
    def columns(self) -> tuple[ColumnElement[Any], ...]:
        """The columns that are sorted by: priority before age, or age alone."""
        return KEY if self in {Order.PRIORITY, Order.PRIORITY_REVERSED} else KEY[1:]

    @property
    def descending(self) -> bool:
        """Whether all columns run from high to low."""
        return self in {Order.PRIORITY_REVERSED, Order.NEWEST}


@dataclass(frozen=True)
class InboxRow:
    """One work item as a line of the inbox; times are UTC, `provider` is LAST, FIRST M, CRED."""

    id: int
    npi: str | None
    provider: str
    state: str | None
    rule_id: str
    title: str
    queue_type: str
    status: str
    priority: int
    created_at: datetime
    assigned_to: str | None
    lease_expires_at: datetime | None
    cured: bool
    version: int


@dataclass(frozen=True)
class Page:
    """Rows in order; `next` is given as `after`, `previous` as `before`; None: there is none."""

    rows: tuple[InboxRow, ...]
    next: str | None
    previous: str | None

    @property
    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.next is not None

    @property
    def has_previous(self) -> bool:
        """Whether there is a page before this one."""
        return self.previous is not None


@dataclass(frozen=True)
class Count:
    """How many items match; `capped`: there are more than `value`."""

    value: int
    capped: bool


def page(  # noqa: PLR0913 - three of them are the ways to say which page
    session: Session,
    wanted: Filter,
    *,
    size: int,
    order: Order = Order.PRIORITY,
    after: str | None = None,
    before: str | None = None,
    last: bool = False,
) -> Page:
    """The first page, the one after or before a cursor, or the last, of `size` (1 to 1000) rows.

    A cursor is a place in the order, good for any filter, and for the reverse of the order.
    Where nothing is left behind it, the last page answers; where less than a page is left before
    it, the first. Raises BadInput for a broken cursor, one of another order, or a wrong size.
    """
    if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= MAX_PAGE:
        raise BadInput(f"a page has 1 to {MAX_PAGE} rows, not {size!r:.60}.")
    if (after is not None) + (before is not None) + last > 1:
        raise BadInput("ask for the page after, before, or the last: one of them.")
    walk = _Walk(session, branches(session, wanted), order)
    if after is not None:
        keys = walk.keys(size + 1, _decoded(after, order))
        if keys:
            less = bool(walk.keys(1, keys[0], backwards=True))
            return _page(session, keys[:size], more=len(keys) > size, less=less)
    if before is not None:
        keys = walk.keys(size + 1, _decoded(before, order), backwards=True)
        if len(keys) >= size:
            more = bool(walk.keys(1, keys[0]))
            return _page(session, keys[:size][::-1], more=more, less=len(keys) > size)
    backwards = last or after is not None
    keys = walk.keys(size + 1, backwards=backwards)
    beyond = len(keys) > size
    if backwards:
        return _page(session, keys[:size][::-1], more=False, less=beyond)
    return _page(session, keys[:size], more=beyond, less=False)


def rows(session: Session, item_ids: Sequence[int]) -> tuple[InboxRow, ...]:
    """The present lines of at most 1000 items, in the order given; unknown ids are left out."""
    if len(item_ids) > MAX_PAGE:
        raise BadInput(f"ask for at most {MAX_PAGE} items at once, not {len(item_ids)}.")
    return _rows(session, [each for each in item_ids if 0 < each <= MAX_ID])


def matching(session: Session, wanted: Filter, item_ids: Sequence[int]) -> set[int]:
    """Which of at most 1000 items match the filter now."""
    if len(item_ids) > MAX_PAGE:
        raise BadInput(f"ask for at most {MAX_PAGE} items at once, not {len(item_ids)}.")
    if not item_ids:
        return set()
    asked = [each for each in item_ids if 0 < each <= MAX_ID]
    found = whole(session, wanted).select(ITEMS.id).where(ITEMS.id.in_(asked))
    return set(session.scalars(found))


def count(session: Session, wanted: Filter, *, cap: int | None = None) -> Count:
    """How many items match: exactly, or up to `cap`, which is quick however many there are."""
    if cap is not None and (isinstance(cap, bool) or not isinstance(cap, int) or cap < 1):
        raise BadInput(f"a count is capped at a whole number from 1, not {cap!r:.60}.")
    one = [branch.select(literal(1).label("one")) for branch in branches(session, wanted)]
    if cap is None:
        parts = [select(func.count().label("n")).select_from(each.subquery()) for each in one]
        return Count(int(session.scalar(select(func.sum(_union(parts).c.n))) or 0), capped=False)
    several = _union([select(each.limit(cap + 1).subquery()) for each in one])
    limited = select(several.c.one).limit(cap + 1).subquery()
    found = session.scalar(select(func.count()).select_from(limited)) or 0
    return Count(min(found, cap), capped=found > cap)


def ids(session: Session, wanted: Filter) -> list[int]:
    """The ids of all matching items, in order."""
    keys = _union([branch.select(*KEY) for branch in branches(session, wanted)])
    return list(session.scalars(select(keys.c.id).order_by(*keys.c)))


def frame(session: Session, wanted: Filter) -> pandas.DataFrame:
    """All matching items as a DataFrame with the columns of InboxRow, times UTC."""
    import pandas  # noqa: PLC0415 - half a second that only notebooks need

    keys = _union([branch.select(*KEY) for branch in branches(session, wanted)])
    rows = [_row(each) for each in session.execute(_lines(keys))]
    names = [field.name for field in fields(InboxRow)]
    made = pandas.DataFrame([[getattr(row, name) for name in names] for row in rows], columns=names)
    for moment in ("created_at", "lease_expires_at"):
        made[moment] = pandas.to_datetime(made[moment], utc=True)
    return made


def _union(parts: Sequence[Select[Any]]) -> Subquery:
    return parts[0].subquery("part") if len(parts) == 1 else union_all(*parts).subquery("part")


@dataclass(frozen=True)
class _Walk:
    # The way through the branches of a filter in an order.
    session: Session
    found: Sequence[Branch]
    order: Order

    def keys(self, limit: int, place: Key | None = None, *, backwards: bool = False) -> list[Key]:
        # Up to `limit` keys beyond the place (or from the end), nearest first.
        columns = self.order.columns
        falling = backwards != self.order.descending
        parts = []
        for branch in self.found:
            part = branch.select(*columns)
            if place is not None:
                here, there = tuple_(*columns), tuple_(*_bound(place, columns))
                part = part.where(here < there if falling else here > there)
            ordered = [column.desc() for column in columns] if falling else list(columns)
            # As a subquery of its own, each branch stops after `limit` rows.
            parts.append(select(part.order_by(*ordered).limit(limit).subquery()))
        union = _union(parts)
        merged = [column.desc() for column in union.c] if falling else list(union.c)
        chosen = self.session.execute(select(union).order_by(*merged).limit(limit))
        return [tuple(row) for row in chosen]


def _bound(key: Key, columns: Sequence[ColumnElement[Any]]) -> list[Any]:
    return [literal(value, column.type) for value, column in zip(key, columns, strict=True)]


def _page(session: Session, keys: Sequence[Key], *, more: bool, less: bool) -> Page:
    return Page(
        rows=_rows(session, [key[-1] for key in keys]),
        next=_encoded(keys[-1]) if more else None,
        previous=_encoded(keys[0]) if less else None,
    )


def _rows(session: Session, item_ids: Sequence[int]) -> tuple[InboxRow, ...]:
    wanted = select(ITEMS.id).where(ITEMS.id.in_(item_ids)).subquery("part")
    lines = {row.id: row for row in session.execute(_lines(wanted))}
    return tuple(_row(lines[each]) for each in item_ids if each in lines)


def _lines(keys: Subquery) -> Select[Any]:
    return (
        select(
            ITEMS.id,
            PROVIDERS.npi,
            PROVIDERS.last_name,
            PROVIDERS.first_name,
            PROVIDERS.middle_name,
            PROVIDERS.credential,
            PROVIDERS.practice_state,
            ITEMS.rule_id,
            Rule.title,
            ITEMS.queue_type,
            ITEMS.status,
            ITEMS.priority,
            ITEMS.created_at,
            User.username,
            ITEMS.lease_expires_at,
            ITEMS.cured_at.is_not(None).label("cured"),
            ITEMS.version,
        )
        .select_from(keys)
        .join(WorkItem.__table__, ITEMS.id == keys.c.id)
        .join(IndividualProvider.__table__, PROVIDERS.id == ITEMS.provider_id)
        .join(Rule, Rule.id == ITEMS.rule_id)
        .outerjoin(User, User.id == ITEMS.assigned_to)
        .order_by(*KEY)
    )


def _row(row: Row[Any]) -> InboxRow:
    return InboxRow(
        id=row.id,
        npi=row.npi,
        provider=full_name(row.last_name, row.first_name, row.middle_name, row.credential),
        state=row.practice_state,
        rule_id=row.rule_id,
        title=row.title,
        queue_type=row.queue_type,
        status=row.status,
        priority=row.priority,
        created_at=row.created_at,
        assigned_to=row.username,
        lease_expires_at=row.lease_expires_at,
        cured=row.cured,
        version=row.version,
    )


def _encoded(key: Key) -> str:
    *priority, created_at, item_id = key
    moment = (created_at - _EPOCH) // timedelta(microseconds=1)
    told = json.dumps([*priority, moment, item_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def _decoded(cursor: str, order: Order) -> Key:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        told = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True)[:100])
        *priority, moment, item = told
        whole = all(type(part) is int for part in told) and len(told) == len(order.columns)
    except (AttributeError, TypeError, ValueError, RecursionError, binascii.Error):
        whole, priority, moment, item = False, [], 0, 0
    if not (
        whole
        and all(1 <= each <= 5 for each in priority)
        and _MOMENTS[0] <= moment <= _MOMENTS[1]
        and 1 <= item <= MAX_ID
    ):
        raise BadInput("the place in the list cannot be read; start again from the first page.")
    return (*priority, _EPOCH + timedelta(microseconds=moment), item)
