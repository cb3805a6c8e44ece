"""Histories at chosen times: real verbs, and afterwards the times of what they wrote.

The trigger sets the time of an action; as the superuser, with the triggers off, a test spreads
what just happened over the past and chains it again, so that the history stays unbroken.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text

from workqueue.database import Database

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
