"""What people decided: by person and day, and about each rule."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from sqlalchemy import func
from sqlalchemy.orm import Session

from workqueue.inbox import Filter
from workqueue.inbox.query import ITEMS
from workqueue.lifecycle import Verb
from workqueue.metrics.history import ACTIONS, DECIDING, counted, day_of, did, frame, scope, within
from workqueue.models import Rule, User, WorkAction

if TYPE_CHECKING:
    import pandas

# The normal quantile of a two-sided 95 % interval.
_Z: Final = 1.959964
_RESOLVED, _REJECTED = counted(did(Verb.RESOLVE)), counted(did(Verb.REJECT))


def throughput(
    session: Session,
    wanted: Filter | None = None,
    *,
    first: date | None = None,
    last: date | None = None,
) -> pandas.DataFrame:
    """Decisions of each reviewer on each day: day, reviewer, decided, resolved, rejected.

    An item that was reopened and decided again counts again. By day, then name; days without a
    decision have no row.
    """
    day = day_of(ACTIONS.created_at)
    asked = (
        scope(session, wanted)
        .select(
            day.label("day"),
            User.username.label("reviewer"),
            func.count().label("decided"),
            _RESOLVED.label("resolved"),
            _REJECTED.label("rejected"),
        )
        .join(WorkAction.__table__, ACTIONS.work_item_id == ITEMS.id)
        .join(User, User.id == ACTIONS.user_id)
        .where(did(*DECIDING), within(ACTIONS.created_at, first, last))
        .group_by(day, User.username)
        .order_by(day, User.username)
    )
    numbers = dict.fromkeys(("decided", "resolved", "rejected"), "int64")
    return frame(session, asked, day="datetime64[s]", **numbers)


def decisions(
    session: Session,
    wanted: Filter | None = None,
    *,
    first: date | None = None,
    last: date | None = None,
) -> pandas.DataFrame:
    """What people made of the findings of each rule.

    rule_id, label, queue_type, decided, resolved, rejected, reopened (acts in these days), and
    upheld, upheld_low, upheld_high: the share of decisions that were resolve and not reject, from
    0 to 1, with its 95 % interval by Wilson's score (E. B. Wilson, JASA 22, 1927); NaN where
    nothing was decided. The rules with the most decisions first; those with none of these acts
    have no row.
    """
    told = scope(session, wanted).select(
        ITEMS.rule_id,
        Rule.title.label("label"),
        ITEMS.queue_type,
        counted(did(*DECIDING)).label("decided"),
        _RESOLVED.label("resolved"),
        _REJECTED.label("rejected"),
        counted(did(Verb.REOPEN)).label("reopened"),
    )
    asked = (
        told.join(WorkAction.__table__, ACTIONS.work_item_id == ITEMS.id)
        .join(Rule, Rule.id == ITEMS.rule_id)
        .where(did(*DECIDING, Verb.REOPEN), within(ACTIONS.created_at, first, last))
        .group_by(ITEMS.rule_id, Rule.title, ITEMS.queue_type)
        .order_by(counted(did(*DECIDING)).desc(), ITEMS.rule_id, ITEMS.queue_type)
    )
    numbers = dict.fromkeys(("decided", "resolved", "rejected", "reopened"), "int64")
    return _with_shares(frame(session, asked, **numbers))


def _with_shares(made: pandas.DataFrame) -> pandas.DataFrame:
    decided = made["decided"].where(made["decided"] > 0).astype("float64")
    share = made["resolved"] / decided
    spread = _Z**2 / decided
    middle = (share + spread / 2) / (1 + spread)
    reach = (spread * (share * (1 - share) + spread / 4)) ** 0.5 / (1 + spread)
    return made.assign(upheld=share, upheld_low=middle - reach, upheld_high=middle + reach)
