"""Is the history unbroken? The hash chains of all items, recomputed from what is stored.

Each action row's hash covers its content and the hash of the row before it in the same item, in
the canonical form of `work_action_hash` (first migration). The form is repeated here on purpose:
whoever could change that function in the database must not be able to make `verify` agree. A
removed tail shows because an item's version is the seq of its newest action; an item that was
changed without an action, because status and holder are what its actions made them. A whole history
rewritten by a superuser shows only against a digest kept outside (`heads_digest`, which exports
write into their manifest).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Select, func, literal, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from workqueue.database import Database
from workqueue.models import WorkAction, WorkItem

# work_action_hash as an expression over `a`, so that every row is not a function call.
_HASH = """sha256(coalesce(a.prev_hash, ''::bytea) || convert_to(jsonb_build_array(
    a.work_item_id, a.seq, a.user_id, a.via, a.action_type, a.payload, a.request_id,
    (extract(epoch FROM a.created_at) * 1000000)::bigint)::text, 'UTF8'))"""

# Each action but the first must have its predecessor and repeat that one's hash; with the unique
# (work_item_id, seq) this makes every history gapless from 1.
_WRONG = f"""
       a.hash IS DISTINCT FROM {_HASH}
    OR (a.seq = 1) IS DISTINCT FROM (a.prev_hash IS NULL)
    OR (a.seq > 1 AND p.hash IS NULL)
    OR p.hash <> a.prev_hash
    OR i.id IS NULL
    OR a.seq > i.version
"""

_JOINED = """
FROM work_actions a
LEFT JOIN work_actions p ON p.work_item_id = a.work_item_id AND p.seq = a.seq - 1
LEFT JOIN work_items i ON i.id = a.work_item_id
"""

_ACTIONS = text(f"SELECT count(*) AS rows, min(a.id) FILTER (WHERE {_WRONG}) AS first {_JOINED}")

_ONE = text(f"""
SELECT a.id, a.work_item_id, a.seq, CASE
    WHEN i.id IS NULL THEN 'its work item is gone'
    WHEN a.seq > 1 AND p.hash IS NULL
        THEN format('the action before it, seq %s, is missing', a.seq - 1)
    WHEN a.seq > i.version
        THEN format('the item stands at version %s and does not know of it', i.version)
    WHEN a.hash IS DISTINCT FROM {_HASH} THEN 'its content does not fit its hash'
    ELSE 'it does not continue the action before it' END AS reason
{_JOINED} WHERE a.id = :id
""")

# What the newest action makes of the item; where that one changes nothing of the kind, the newest
# that does, looked up by index. Who resolves or rejects an item is who holds it.
_STATUS = """CASE WHEN a.action_type = 'create' THEN 'OPEN'
    WHEN a.payload ? 'to' THEN a.payload ->> 'to'
    ELSE coalesce((
        SELECT b.payload ->> 'to' FROM work_actions b
        WHERE b.work_item_id = i.id AND b.payload ? 'to' ORDER BY b.seq DESC LIMIT 1), 'OPEN') END
"""
_HOLDER = """CASE WHEN a.action_type IN ('claim', 'resolve', 'reject') THEN a.user_id
    WHEN a.action_type IN ('create', 'release', 'expire', 'reopen') THEN NULL
    ELSE (
        SELECT CASE b.action_type WHEN 'claim' THEN b.user_id WHEN 'assign' THEN (
            SELECT u.id FROM "user" u WHERE u.username = b.payload ->> 'assigned_to') END
        FROM work_actions b WHERE b.work_item_id = i.id
          AND b.action_type IN ('create', 'claim', 'assign', 'release', 'expire', 'reopen')
        ORDER BY b.seq DESC LIMIT 1) END
"""

# `=` and not max(seq): one hash join instead of a sort. A head beyond the version is found above.
_ITEMS = text(f"""
SELECT min(i.id) FROM work_items i
LEFT JOIN work_actions a ON a.work_item_id = i.id AND a.seq = i.version
WHERE a.id IS NULL OR i.status <> {_STATUS} OR i.assigned_to IS DISTINCT FROM {_HOLDER}
""")

_ITEM = text(f"""
SELECT NULL::bigint AS id, i.id AS work_item_id, newest.seq, CASE
    WHEN newest.seq IS NULL THEN 'the item has no action at all'
    WHEN a.id IS NULL
        THEN format('the item stands at version %s, its newest action is seq %s: '
                    'the end is missing', i.version, newest.seq)
    WHEN i.status <> {_STATUS}
        THEN format('the item is %s, and its actions say %s', i.status, {_STATUS})
    ELSE format('the item is assigned to user %s, and its actions say %s',
                coalesce(i.assigned_to::text, 'nobody'), coalesce(({_HOLDER})::text, 'nobody'))
    END AS reason
FROM work_items i
LEFT JOIN work_actions a ON a.work_item_id = i.id AND a.seq = i.version
CROSS JOIN LATERAL (
    SELECT max(seq) AS seq FROM work_actions WHERE work_item_id = i.id) newest
WHERE i.id = :id
""")

# The plan that reads everything once, on all processors the server allows.
_PLAN = {
    "max_parallel_workers_per_gather": "4",
    "min_parallel_table_scan_size": "0",
    "parallel_setup_cost": "0",
    "parallel_tuple_cost": "0",
    "enable_nestloop": "off",
    "enable_mergejoin": "off",
    "work_mem": "128MB",
    "jit": "off",
    "statement_timeout": "0",
}
_CHUNK = 10_000


@dataclass(frozen=True)
class Broken:
    """The first place where the history is broken.

    `id` is the action's; None where the end of an item's history is missing or the item is not what
    its history says, with `seq` the newest action that is left (None: not one).
    """

    id: int | None
    work_item_id: int
    seq: int | None
    reason: str


@dataclass(frozen=True)
class Verification:
    """Whether every chain is unbroken, over how many action rows, and where the first break is."""

    ok: bool
    rows: int
    first_broken: Broken | None

    def first_broken_dict(self) -> dict[str, Any] | None:
        """The first break for JSON: id, work_item_id, seq, reason; None where there is none."""
        return None if self.first_broken is None else asdict(self.first_broken)

    def words(self) -> str:
        """The finding as one sentence."""
        broken = self.first_broken
        if broken is None:
            return f"unbroken: {self.rows:,} action rows verified."
        action = "" if broken.id is None else f" action {broken.id} (seq {broken.seq}):"
        return f"item {broken.work_item_id},{action} {broken.reason}."


def verify(source: Database | Session) -> Verification:
    """Recompute every hash and follow every chain; the lowest broken action id is named.

    Where no action is broken, the first item is named whose history has no end or that contradicts
    it in status or holder. A Database is read in one
    snapshot of its own; a Session as its transaction sees it.
    """
    if isinstance(source, Session):
        return _verify(source)
    with source.snapshot() as session:
        return _verify(session)


def _verify(session: Session) -> Verification:
    with _planned(session):
        found = session.execute(_ACTIONS).one()
        item_id = session.execute(_ITEMS).scalar() if found.first is None else None
    broken = None
    if found.first is not None:
        broken = Broken(**session.execute(_ONE, {"id": found.first}).one()._mapping)
    elif item_id is not None:
        broken = Broken(**session.execute(_ITEM, {"id": item_id}).one()._mapping)
    return Verification(broken is None, found.rows, broken)


@contextmanager
def _planned(session: Session) -> Iterator[None]:
    former = {name: session.scalar(func.current_setting(name)) for name in _PLAN}
    _set_all(session, _PLAN)
    yield
    # Not in a finally: after an error the transaction is over, and the settings with it.
    _set_all(session, former)


def _set_all(session: Session, settings: Mapping[str, str]) -> None:
    session.execute(
        select(*(func.set_config(name, value, True) for name, value in settings.items()))
    )


def heads_digest(session: Session, item_ids: Select[int] | None = None) -> str:
    """SHA-256, in hex, over the heads of the chains of `item_ids` (a SELECT; None: all items).

    One line for each item, by id: `ID VERSION HASH` and a line feed, HASH being the newest
    action's in hex. Kept outside the database it shows any later change of the history.
    """
    line = func.concat(
        WorkItem.id, " ", WorkItem.version, " ", func.encode(WorkAction.hash, "hex"), "\n"
    )
    chunk = WorkItem.id // _CHUNK
    heads = (
        select(func.string_agg(line, aggregate_order_by(literal(""), WorkItem.id)))
        .join(
            WorkAction,
            (WorkAction.work_item_id == WorkItem.id) & (WorkAction.seq == WorkItem.version),
        )
        .group_by(chunk)
        .order_by(chunk)
    )
    if item_ids is not None:
        heads = heads.where(WorkItem.id.in_(item_ids))
    digest = hashlib.sha256()
    for lines in session.execute(heads, execution_options={"yield_per": 10}).scalars():
        digest.update(lines.encode())
    return digest.hexdigest()
