"""How long items wait until they are claimed and until they are decided."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session, aliased

from workqueue.errors import BadInput
from workqueue.inbox import Filter
from workqueue.inbox.query import ITEMS
from workqueue.lifecycle import Verb
from workqueue.metrics.history import (
    ACTIONS,
    DECIDING,
    day_of,
    did,
    frame,
    quantile,
    scope,
    seconds,
    within,
)
from workqueue.models import QueueType, Rule, User

if TYPE_CHECKING:
    import pandas

By = Literal["queue_type", "rule_id", "reviewer", "day"]
_HOUR: Final = 3_600.0
_MINUTE: Final = 60.0


def time_to_claim(
    session: Session,
    wanted: Filter | None = None,
    *,
    by: By = "queue_type",
    first: date | None = None,
    last: date | None = None,
) -> pandas.DataFrame:
    """From creation to the first claim: the column `by`, label, items, median_hours, p90_hours.

    Elapsed hours, nights and weekends included. An item counts once, on the day of its first claim
    and for the reviewer who made it; what was never claimed does not count. Days and queue types
    in their order, rules and reviewers with the most items first.
    """
    created, claimed = _created(), _first("claimed", Verb.CLAIM)
    waited = seconds(claimed.c.created_at - created.c.created_at) / _HOUR
    chosen = scope(session, wanted)
    asked = (
        _grouped(by, chosen.select(), claimed, *_spread(waited, "hours"))
        .join(created, and_(created.c.work_item_id == ITEMS.id, created.c.seq == 1))
        .where(within(claimed.c.created_at, first, last))
    )
    return _framed(session, asked, by)


def time_to_resolve(
    session: Session,
    wanted: Filter | None = None,
    *,
    by: By = "queue_type",
    first: date | None = None,
    last: date | None = None,
) -> pandas.DataFrame:
    """From creation to the first decision, and how long the work on it took.

    The column `by`, label, items, median_hours, p90_hours: elapsed hours from creation to the
    first resolve or reject. median_minutes, p90_minutes: elapsed minutes from the first claim to
    that decision, which is the working time where nobody let the item lie in between. An item
    counts once, on the day of its first decision and for the reviewer who took it, whatever
    happens to it later, so that past figures stay; items that closed by themselves do not count.
    Order as in `time_to_claim`.
    """
    created, claimed = _created(), _first("claimed", Verb.CLAIM)
    decided = _first("decided", *DECIDING)
    took = seconds(decided.c.created_at - created.c.created_at) / _HOUR
    worked = seconds(decided.c.created_at - claimed.c.created_at) / _MINUTE
    numbers = (*_spread(took, "hours"), *_spread(worked, "minutes"))
    asked = (
        _grouped(by, scope(session, wanted).select(), decided, *numbers)
        .join(claimed, claimed.c.work_item_id == ITEMS.id)
        .join(created, and_(created.c.work_item_id == ITEMS.id, created.c.seq == 1))
        .where(within(decided.c.created_at, first, last))
    )
    return _framed(session, asked, by)


def _created() -> Subquery:
    return select(ACTIONS.work_item_id, ACTIONS.seq, ACTIONS.created_at).subquery("created")


def _first(name: str, *verbs: Verb) -> Subquery:
    # The earliest of these acts of each item, and who did it.
    return (
        select(ACTIONS.work_item_id, ACTIONS.user_id, ACTIONS.created_at)
        .ext(distinct_on(ACTIONS.work_item_id))
        .where(did(*verbs))
        .order_by(ACTIONS.work_item_id, ACTIONS.seq)
        .subquery(name)
    )


def _spread(length: ColumnElement[float], unit: str) -> tuple[ColumnElement[float], ...]:
    return (
        quantile(0.5, length).label(f"median_{unit}"),
        quantile(0.9, length).label(f"p90_{unit}"),
    )


def _grouped(by: By, items: Select[Any], ended: Subquery, *numbers: Any) -> Select[Any]:
    # `ended` is the act that the clock stops at: its day and its person count.
    if by not in get_args(By):
        raise BadInput(f"durations are told by {', '.join(get_args(By))}, not by {by!r:.60}.")
    person, rule, kind = aliased(User), aliased(Rule), aliased(QueueType)
    day = day_of(ended.c.created_at)
    key, label = {
        "queue_type": (ITEMS.queue_type, kind.label),
        "rule_id": (ITEMS.rule_id, rule.title),
        "reviewer": (person.username, person.username),
        "day": (day, func.to_char(day, "YYYY-MM-DD")),
    }[by]
    items_counted = func.count().label("items")
    order = [items_counted.desc()] if by in ("rule_id", "reviewer") else []
    return (
        items.add_columns(key.label(by), label.label("label"), items_counted, *numbers)
        .join(ended, ended.c.work_item_id == ITEMS.id)
        .join(person, person.id == ended.c.user_id)
        .join(rule, rule.id == ITEMS.rule_id)
        .join(kind, kind.code == ITEMS.queue_type)
        .group_by(key, label)
        .order_by(*order, key)
    )


def _framed(session: Session, asked: Select[Any], by: By) -> pandas.DataFrame:
    types = {"day": "datetime64[s]"} if by == "day" else {}
    numbers = {
        column.name: "int64" if column.name == "items" else "float64"
        for column in asked.selected_columns
        if column.name not in (by, "label")
    }
    return frame(session, asked, **types, **numbers)
