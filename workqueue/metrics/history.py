"""What the metrics share: whose history is read, which verbs mean what, days, and frames."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Float,
    Select,
    and_,
    cast,
    func,
    select,
    text,
    true,
)
from sqlalchemy.orm import Session

from workqueue.errors import BadInput
from workqueue.inbox import Filter
from workqueue.inbox.query import Branch, whole
from workqueue.lifecycle import CLOSED, LIVE, TRANSITIONS, Right, Role, Status, Verb, right
from workqueue.models import WorkAction

if TYPE_CHECKING:
    import pandas


def _leading(before: frozenset[Status], behind: frozenset[Status]) -> tuple[Verb, ...]:
    """The verbs that lead from one set of states into the other."""
    found = (verb for (old, verb), new in TRANSITIONS.items() if old in before and new in behind)
    return tuple(dict.fromkeys(found))


ACTIONS: Final = WorkAction.__table__.c
OPENING: Final = (Verb.CREATE, *_leading(CLOSED, LIVE))
CLOSING: Final = _leading(LIVE, CLOSED)
DECIDING: Final = tuple(verb for verb in CLOSING if right(Role.SYSTEM, verb) is Right.NEVER)
SUITED: Final = frozenset(
    {"queue_types", "rule_ids", "priorities", "states", "created_from", "created_to"}
)
# Under the names of the tables, so that conditions on these are conditions on what both roles
# may read: the analyst's views.
_VIEWS: Final = tuple(
    select(text("*"))
    .select_from(text(view))
    .cte(name)
    .prefix_with("NOT MATERIALIZED", dialect="postgresql")
    for name, view in (
        ("work_items", "work_items_analyst"),
        ("work_actions", "work_actions_analyst"),
        ("user", "users_analyst"),
    )
)


def scope(session: Session, wanted: Filter | None) -> Branch:
    """The items that are meant. Raises BadInput for a condition that does not suit metrics."""
    chosen = wanted or Filter()
    unsuited = sorted(chosen.as_dict().keys() - SUITED)
    if unsuited:
        raise BadInput(
            f"metrics tell what happened to items over time, and {', '.join(unsuited)} would cut "
            f"that history in two; restrict by {', '.join(sorted(SUITED))}."
        )
    return whole(session, chosen)


def did(*verbs: Verb) -> ColumnElement[bool]:
    """Whether an action is one of these."""
    return ACTIONS.action_type.in_([verb.value for verb in verbs])


def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows of a group meet the condition."""
    return func.count().filter(condition)


def day_of(moment: ColumnElement[Any]) -> ColumnElement[date]:
    """The day of a moment, in UTC."""
    return cast(func.timezone("UTC", moment), Date)


def within(
    moment: ColumnElement[Any], first: date | None, last: date | None
) -> ColumnElement[bool]:
    """Whether a moment is in these days. Raises BadInput for days that are none."""
    # A Filter knows what a day is, and when it begins and ends.
    days = Filter(created_from=first, created_to=last)
    return and_(
        true(),
        *([moment >= days.created_since] if days.created_since else []),
        *([moment < days.created_before] if days.created_before else []),
    )


def seconds(span: ColumnElement[Any]) -> ColumnElement[float]:
    """The length of an interval."""
    return cast(func.extract("epoch", span), Float)


def quantile(share: float, of: ColumnElement[float]) -> ColumnElement[float]:
    """The quantile of a group, interpolated between neighbours as numpy does by default."""
    return func.percentile_cont(share).within_group(of)


def whole_number(value: ColumnElement[Any]) -> ColumnElement[int]:
    """A sum of counts, which PostgreSQL would give as numeric."""
    return cast(func.coalesce(value, 0), BigInteger)


def frame(session: Session, asked: Select[Any], **types: str) -> pandas.DataFrame:
    """The rows as a DataFrame whose columns have these types, also where there are none."""
    import pandas  # noqa: PLC0415 - half a second that only notebooks need

    found = session.execute(asked.add_cte(*_VIEWS))
    made = pandas.DataFrame([tuple(row) for row in found], columns=list(found.keys()))
    return made.astype(types)
