"""What is open at this moment, and how old it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Float, Select, and_, cast, func, literal, select, true, values
from sqlalchemy import column as named
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import Session

from workqueue.inbox import Filter
from workqueue.inbox.query import ITEMS
from workqueue.lifecycle import LIVE
from workqueue.metrics.history import frame, quantile, scope, seconds, whole_number
from workqueue.models import QueueType

if TYPE_CHECKING:
    import pandas

_DAY: Final = 86_400.0
BANDS: Final = ("under 1 day", "1 to 7 days", "7 to 30 days", "30 to 90 days", "over 90 days")
_BOUNDS: Final = (1.0, 7.0, 30.0, 90.0)


def ageing(session: Session, wanted: Filter | None = None) -> pandas.DataFrame:
    """How old what is open now is: queue_type, label, items, median_days, p90_days, oldest_days.

    The age of an item is the time since it was created, in days of 24 hours; reopening does not
    make it young. `p90_days`: nine of ten are younger. By queue type; those with open items only.
    """
    age = _age_in_days()
    asked = (
        scope(session, wanted)
        .select(
            ITEMS.queue_type,
            QueueType.label,
            func.count().label("items"),
            quantile(0.5, age).label("median_days"),
            quantile(0.9, age).label("p90_days"),
            func.max(age).label("oldest_days"),
        )
        .join(QueueType, QueueType.code == ITEMS.queue_type)
        .where(_open())
        .group_by(ITEMS.queue_type, QueueType.label)
        .order_by(ITEMS.queue_type)
    )
    days = dict.fromkeys(("median_days", "p90_days", "oldest_days"), "float64")
    return frame(session, asked, items="int64", **days)


def age_bands(session: Session, wanted: Filter | None = None) -> pandas.DataFrame:
    """How many items open now are how old: queue_type, label, band, items.

    `band` is one of BANDS, as an ordered category; the upper end is not in it. Ages as in
    `ageing`. By queue type, then age; every band has a row for each type with open items.
    """
    import pandas  # noqa: PLC0415 - half a second that only notebooks need

    place = func.width_bucket(_age_in_days(), array([literal(bound, Float) for bound in _BOUNDS]))
    found = (
        scope(session, wanted)
        .select(ITEMS.queue_type, place.label("place"), func.count().label("n"))
        .where(_open())
        .group_by(ITEMS.queue_type, place)
        .cte("found")
    )
    types = select(found.c.queue_type).distinct().subquery("types")
    bands = values(named("place"), named("band"), name="bands").data(list(enumerate(BANDS)))
    asked: Select[Any] = (
        select(
            types.c.queue_type,
            QueueType.label,
            bands.c.band,
            whole_number(found.c.n).label("items"),
        )
        .select_from(types)
        .join(bands, true())
        .join(QueueType, QueueType.code == types.c.queue_type)
        .outerjoin(
            found,
            and_(found.c.queue_type == types.c.queue_type, found.c.place == bands.c.place),
        )
        .order_by(types.c.queue_type, bands.c.place)
    )
    made = frame(session, asked, items="int64")
    made["band"] = pandas.Categorical(made["band"], categories=BANDS, ordered=True)
    return made


def _open() -> ColumnElement[bool]:
    return ITEMS.status.in_([status.value for status in LIVE])


def _age_in_days() -> ColumnElement[float]:
    return cast(seconds(func.now() - ITEMS.created_at) / _DAY, Float)
