"""What the system does about leases that ended and items whose problem is gone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from workqueue.accounts import SYSTEM, acting
from workqueue.lifecycle import Status, Verb, after

# An item that somebody is working on at this moment is skipped: its holder is acting.
_EXPIRE = text("""
WITH lapsed AS MATERIALIZED (
    SELECT item.id, item.lease_expires_at, holder.username
    FROM work_items item JOIN "user" holder ON holder.id = item.assigned_to
    WHERE item.status = :held AND item.lease_expires_at <= statement_timestamp()
    ORDER BY item.id
    FOR UPDATE OF item SKIP LOCKED
), changed AS (
    UPDATE work_items item
    SET status = :after, assigned_to = NULL, lease_expires_at = NULL, version = item.version + 1
    FROM lapsed WHERE item.id = lapsed.id
    RETURNING item.id, item.version, item.cured_at, lapsed.username, lapsed.lease_expires_at
), recorded AS (
    INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type, payload)
    SELECT id, version, :system, :via, :verb, jsonb_build_object(
        'from', :held, 'to', :after, 'taken_from', username, 'lease_ended_at', lease_expires_at)
    FROM changed ORDER BY id
)
SELECT id, cured_at IS NOT NULL AS cured FROM changed ORDER BY id
""")

_CLOSE_CURED = text("""
WITH gone AS MATERIALIZED (
    SELECT id FROM work_items
    WHERE id = ANY(:ids) AND status = :open AND cured_at IS NOT NULL
    ORDER BY id
    FOR UPDATE
), changed AS (
    UPDATE work_items item
    SET status = :after, resolved_at = clock_timestamp(), resolved_by = :system, notes = :note,
        version = item.version + 1
    FROM gone WHERE item.id = gone.id
    RETURNING item.id, item.version
), recorded AS (
    INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type, payload)
    SELECT id, version, :system, :via, :verb,
           jsonb_build_object('from', :open, 'to', :after, 'note', :note)
    FROM changed ORDER BY id
)
SELECT id FROM changed ORDER BY id
""")

GONE = "The problem is gone."


def expire_leases(session: Session) -> int:
    """Set free every item whose lease has ended, by the system; how many there were.

    Those whose problem is gone are closed at once. The system stays the acting user of the
    transaction.
    """
    system = acting(session, SYSTEM)
    freed = session.execute(
        _EXPIRE,
        {
            "held": Status.IN_PROGRESS.value,
            "after": _after(Status.IN_PROGRESS, Verb.EXPIRE),
            "verb": Verb.EXPIRE.value,
            "system": system.id,
            "via": SYSTEM.via,
        },
    ).all()
    close_cured(session, [row.id for row in freed if row.cured])
    return len(freed)


def close_cured(session: Session, item_ids: Sequence[int]) -> tuple[int, ...]:
    """Close those of the OPEN items whose problem is gone, by the system; the ids closed.

    The system stays the acting user of the transaction.
    """
    if not item_ids:
        return ()
    system = acting(session, SYSTEM)
    closed = session.scalars(
        _CLOSE_CURED,
        {
            "ids": list(item_ids),
            "open": Status.OPEN.value,
            "after": _after(Status.OPEN, Verb.CLOSE),
            "verb": Verb.CLOSE.value,
            "note": GONE,
            "system": system.id,
            "via": SYSTEM.via,
        },
    )
    return tuple(closed)


def _after(status: Status, verb: Verb) -> str:
    led = after(status, verb)
    if led is None:
        raise AssertionError(f"the life cycle no longer has {verb} from {status}")
    return led.value
