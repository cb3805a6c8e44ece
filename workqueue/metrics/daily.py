"""Day by day: how much is open, how much was opened and closed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Date,
    Select,
    Subquery,
    and_,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.orm import Session

from workqueue.inbox import Filter
from workqueue.inbox.query import ITEMS
from workqueue.metrics.history import (
    ACTIONS,
    CLOSING,
    DECIDING,
    OPENING,
    counted,
    day_of,
    did,
    frame,
    scope,
    whole_number,
    within,
)
from workqueue.models import QueueType, WorkAction

if TYPE_CHECKING:
    import pandas

_A_DAY: Final[ColumnElement[Any]] = literal_column("interval '1 day'")


def backlog(
    session: Session,
    wanted: Filter | None = None,
    *,
    first: date | None = None,
    last: date | None = None,
) -> pandas.DataFrame:
    """Items open at the end of each day: day, queue_type, label, open.

    `open` is everything opened up to the end of the day less everything closed up to then, counted
    from action rows. Every day from the first of the history until today has a row for each queue
    type that ever had an item; today's row is as of now. By day, then queue type.
    """
    days = _days(session, wanted)
    return frame(
        session, _chosen(days, first, last, days.c.open), day="datetime64[s]", open="int64"
    )


def flow(
    session: Session,
    wanted: Filter | None = None,
    *,
    first: date | None = None,
    last: date | None = None,
) -> pandas.DataFrame:
    """Items opened and closed on each day: day, queue_type, label, opened, closed, decided.

    `opened` counts new and reopened ones, `closed` all that were closed, `decided` those of them
    that a person resolved or rejected; the others closed by themselves when their problem was
    gone. An item counts each time it is opened or closed. Rows as in `backlog`.
    """
    days = _days(session, wanted)
    numbers = (days.c.opened, days.c.closed, days.c.decided)
    return frame(
        session,
        _chosen(days, first, last, *numbers),
        day="datetime64[s]",
        **{number.name: "int64" for number in numbers},
    )


def _chosen(days: Subquery, first: date | None, last: date | None, *numbers: Any) -> Select[Any]:
    # `within` speaks of moments; midnight of a day in UTC is one.
    midnight = func.timezone("UTC", days.c.day.op("+")(literal_column("time '00:00'")))
    return (
        select(days.c.day, days.c.queue_type, QueueType.label, *numbers)
        .join(QueueType, QueueType.code == days.c.queue_type)
        .where(within(midnight, first, last))
        .order_by(days.c.day, days.c.queue_type)
    )


def _days(session: Session, wanted: Filter | None) -> Subquery:
    # All days of the history, since what is open on one depends on all before it.
    moves = _moves(session, wanted)
    every_day = _calendar(moves)
    types = select(moves.c.queue_type).distinct().subquery("types")
    opened, closed = whole_number(moves.c.opened), whole_number(moves.c.closed)
    running = func.sum(opened - closed).over(
        partition_by=types.c.queue_type, order_by=every_day.c.day
    )
    return (
        select(
            every_day.c.day,
            types.c.queue_type,
            opened.label("opened"),
            closed.label("closed"),
            whole_number(moves.c.decided).label("decided"),
            whole_number(running).label("open"),
        )
        .select_from(every_day)
        .join(types, true())
        .outerjoin(
            moves, and_(moves.c.day == every_day.c.day, moves.c.queue_type == types.c.queue_type)
        )
        .subquery("days")
    )


def _calendar(moves: CTE) -> Subquery:
    beginning = select(func.min(moves.c.day)).scalar_subquery()
    days = func.generate_series(beginning, day_of(func.now()), _A_DAY).column_valued("moment")
    return select(cast(days, Date).label("day")).subquery("calendar")


def _moves(session: Session, wanted: Filter | None) -> CTE:
    day = day_of(ACTIONS.created_at)
    return (
        scope(session, wanted)
        .select(
            day.label("day"),
            ITEMS.queue_type,
            counted(did(*OPENING)).label("opened"),
            counted(did(*CLOSING)).label("closed"),
            counted(did(*DECIDING)).label("decided"),
        )
        .join(WorkAction.__table__, ACTIONS.work_item_id == ITEMS.id)
        .where(did(*OPENING, *CLOSING))
        .group_by(day, ITEMS.queue_type)
        .cte("moves")
    )
