"""Histories at chosen times: real verbs, and afterwards the times of what they wrote.

The trigger sets the time of an action; as the superuser, with the triggers off, a test spreads
what just happened over the past and chains it again, so that the history stays unbroken.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.factories import make_items
from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.database import Database

_KINDS = (
    # rule, queue type, share of 200 items
    ("PHONE_MISSING", "MISSING_DATA", 0.8),
    ("LICENSE_MISSING", "MISSING_DATA", 0.2),
    ("ZIP_INVALID", "VALIDATION_FLAG", 0.6),
    ("NPI_DUPLICATE", "DUPLICATE_CHECK", 0.15),
)

_MOVE = text("""
UPDATE work_actions SET created_at = :moment WHERE work_item_id = :item AND seq = :seq
""")

_MOVE_ITEM = text("""
UPDATE work_items i SET
    created_at = (SELECT created_at FROM work_actions WHERE work_item_id = i.id AND seq = 1),
    resolved_at = CASE WHEN resolved_at IS NULL THEN NULL ELSE (
        SELECT max(created_at) FROM work_actions WHERE work_item_id = i.id
            AND action_type IN ('resolve', 'reject', 'close')) END
WHERE id = ANY(:items)
""")

_CHAIN = text("""
WITH RECURSIVE chained AS (
    SELECT id, work_item_id, seq, work_action_hash(NULL, work_item_id, seq, user_id, via,
               action_type, payload, request_id, created_at) AS hash, NULL::bytea AS prev_hash
    FROM work_actions WHERE seq = 1 AND work_item_id = ANY(:items)
    UNION ALL
    SELECT a.id, a.work_item_id, a.seq, work_action_hash(c.hash, a.work_item_id, a.seq, a.user_id,
               a.via, a.action_type, a.payload, a.request_id, a.created_at), c.hash
    FROM chained c JOIN work_actions a ON a.work_item_id = c.work_item_id AND a.seq = c.seq + 1
)
UPDATE work_actions a SET hash = c.hash, prev_hash = c.prev_hash FROM chained c WHERE a.id = c.id
""")


def spread(superuser: Database, times: dict[int, Sequence[datetime]]) -> None:
    """Give the actions of each item, by seq, these times."""
    with superuser.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        moved = [
            {"item": item, "seq": seq, "moment": moment}
            for item, moments in times.items()
            for seq, moment in enumerate(moments, 1)
        ]
        session.execute(_MOVE, moved)
        session.execute(_MOVE_ITEM, {"items": list(times)})
        session.execute(_CHAIN, {"items": list(times)})


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of March 2026, UTC."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def lived(database: Database, superuser: Database, people: Mapping[str, Actor]) -> int:
    """Some 40 days of a queue: items of three types, most decided by three people; how many.

    The last day of the history is today. Random, but the same each time.
    """
    draw, today = random.Random(7), datetime.now(UTC).replace(hour=0, minute=0)
    times: dict[int, list[datetime]] = {}
    for rule_id, queue_type, share in _KINDS:
        items = make_items(database, int(200 * share), rule_id=rule_id, queue_type=queue_type)
        for item in items:
            begun = today - timedelta(days=40 * draw.random() ** 1.5)
            act = _life(item, draw, people)
            for step in act:
                database.run(step)
            waits = [timedelta(0), timedelta(hours=draw.lognormvariate(2, 1))]
            waits.append(timedelta(minutes=draw.lognormvariate(2.5, 0.8)))
            waits.append(timedelta(hours=30))
            moments = [begun + sum(waits[: n + 1], timedelta(0)) for n in range(len(act) + 1)]
            times[item] = [min(moment, datetime.now(UTC)) for moment in moments]
    spread(superuser, times)
    return len(times)


def _life(
    item: int, draw: random.Random, people: Mapping[str, Actor]
) -> list[Callable[[Session], object]]:
    # Nothing, or claim and decide, and of the decisions some are taken back.
    actor = people[draw.choice(["ruth", "ruth", "rob", "lea"])]
    if draw.random() < 0.25:
        return []
    lease = timedelta(minutes=15)
    steps: list[Callable[[Session], object]] = [
        lambda s: verbs.claim(s, item, actor=actor, lease=lease)
    ]
    if draw.random() < 0.2:
        steps.append(lambda s: verbs.reject(s, item, actor=actor, reason="is right"))
    else:
        steps.append(lambda s: verbs.resolve(s, item, actor=actor))
    if draw.random() < 0.06:
        steps.append(lambda s: verbs.reopen(s, item, actor=people["lea"], reason="is not"))
    return steps
