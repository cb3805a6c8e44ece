"""Findings against items: what is new, changed, gone or back, each with its action row.

A finding is compared with the newest item of its fingerprint. A machine creates, refreshes, cures,
closes and revives its own; it never reverses a person's decision: what a person has closed comes
back as a new item only, when the evidence has changed or the problem had been gone in between. An
item that somebody holds is never closed, only marked as cured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Final

import pyarrow as pa
import pyarrow.csv as pacsv
from sqlalchemy import text
from sqlalchemy.orm import Session

from workqueue.accounts import SYSTEM, Actor, UserRow, acting
from workqueue.lifecycle import Verb
from workqueue.verbs import judging
from workqueue.verbs.sweeping import GONE

_BLOCK = 50_000
# A re-check is a dozen statements: parsed once per process, not once per edit.
_sql = cache(text)
MACHINE_ACTS = (
    Verb.CREATE,
    Verb.REFRESH,
    Verb.CURE,
    Verb.RECUR,
    Verb.CLOSE,
    Verb.REVIVE,
)
_STAGED: Final = ("fingerprint", "rule_id", "provider_id", "priority", "evidence", "members")


@dataclass(frozen=True)
class OfRecords:
    """Scope of a re-check: all that the rules say of these records, and of these groups.

    `providers` are record ids, `groups` fingerprints. Items of theirs without a finding are gone,
    where they are of one of `rules`, the ids of those that were asked; None: of any.
    """

    providers: frozenset[int]
    groups: frozenset[str]
    rules: frozenset[str] | None = None


@dataclass(frozen=True)
class Compared:
    """Scope of a full run, whose findings were compared with the items of one snapshot.

    The findings given are those that may ask for an act, with a column `item_id` (int64, NULL for
    a fingerprint without an item). `items` has the items they speak of and the items without a
    finding: item_id (int64), seen_version (int32). `snapshot_xmin` is `pg_snapshot_xmin` of the
    snapshot, as text.
    """

    items: pa.Table
    snapshot_xmin: str


@dataclass(frozen=True)
class Counts:
    """How many items each act befell; `new` includes what came back after a person's decision."""

    new: int = 0
    refreshed: int = 0
    closed: int = 0
    reopened: int = 0
    cured: int = 0
    recurred: int = 0


_COUNTED: Final = {
    "new": "new",
    Verb.REFRESH: "refreshed",
    Verb.CLOSE: "closed",
    Verb.REVIVE: "reopened",
    Verb.CURE: "cured",
    Verb.RECUR: "recurred",
}


def content_hashes(findings: pa.Table) -> pa.Array:
    """MD5 of each finding's evidence and members, as hexadecimal text."""
    evidence = findings["evidence"].to_pylist()
    told = findings["members"].to_pylist() if findings["members"].null_count < len(findings) else ()
    for place, members in enumerate(told):
        if members is not None:
            evidence[place] += ",".join(map(str, members))
    return pa.array(
        [hashlib.md5(said.encode(), usedforsecurity=False).hexdigest() for said in evidence],
        pa.string(),
    )


def reconcile(
    session: Session,
    findings: pa.Table,
    *,
    scope: OfRecords | Compared,
    actor: Actor = SYSTEM,
    run_id: int | None = None,
) -> Counts:
    """Bring the items in `scope` into line with `findings` (schema `rules.FINDINGS`).

    Writes as `actor`, the system, and gives the transaction back to whoever was acting in it.
    A second call with the same findings writes nothing. The caller owns the transaction.
    """
    with _acting_meanwhile(session, actor) as system:
        values = {"system": system.id, "via": actor.via, "run": run_id, "gone": GONE}
        few = isinstance(scope, OfRecords)
        session.execute(_sql(judging.TABLES + (judging.BY_INDEX if few else "")))
        _stage(session, findings, scope)
        if findings.num_rows:
            session.execute(_sql(judging.DISMISS))
        befallen = {row.act: row.items for row in session.execute(_sql(judging.JUDGE), values)}
        for act, statement in judging.ACTS.items():
            if act in befallen:
                session.execute(text(statement), values)
        if befallen.keys() & judging.SEEN_AGAIN:
            session.execute(_sql(judging.LEAVE))
            session.execute(_sql(judging.JOIN))
        if findings.num_rows:
            befallen["new"] = session.scalar(_sql(judging.CREATE), values)
        if few:
            session.execute(_sql(judging.AS_USUAL))
        return Counts(**{name: befallen.get(act, 0) for act, name in _COUNTED.items()})


def befallen_items(session: Session) -> dict[str, tuple[int, ...]]:
    """Ids of the items that the last `reconcile` of this transaction acted on, by name of Counts.

    For a re-check, which has a handful; ascending.
    """
    found: dict[str, list[int]] = {}
    rows = session.execute(_sql("SELECT act, item_id FROM wq_judged ORDER BY item_id"))
    for row in rows:
        if row.act in _COUNTED:
            found.setdefault(_COUNTED[row.act], []).append(row.item_id)
    return {name: tuple(ids) for name, ids in found.items()}


def befallen_rules(session: Session) -> dict[str, dict[str, int]]:
    """By rule, how many items the last `reconcile` of this transaction acted on, by name of Counts.

    Rules none of whose items it touched are left out.
    """
    found: dict[str, dict[str, int]] = {}
    for row in session.execute(_sql(judging.BY_RULE)):
        if row.act in _COUNTED:
            found.setdefault(row.rule_id, {})[_COUNTED[row.act]] = row.items
    return found


@contextmanager
def _acting_meanwhile(session: Session, actor: Actor) -> Iterator[UserRow]:
    before = session.scalar(_sql("SELECT current_setting('app.actor', true)"))
    yield acting(session, actor)
    session.execute(_sql("SELECT set_config('app.actor', :before, true)"), {"before": before or ""})


def _stage(session: Session, findings: pa.Table, scope: OfRecords | Compared) -> None:
    """Fill wq_found and wq_known, lock the known items, link each finding to its item."""
    staged = findings.select(_STAGED).append_column("hash", content_hashes(findings))
    if isinstance(scope, OfRecords):
        _copy(session, "wq_found", staged)
        session.execute(
            _sql(judging.KNOWN_OF_RECORDS),
            {
                "providers": sorted(scope.providers),
                "groups": sorted(scope.groups),
                "rules": None if scope.rules is None else sorted(scope.rules),
            },
        )
        session.execute(_sql(judging.LOCK))
        session.execute(_sql(judging.LINK))
        return
    _copy(session, "wq_found", staged.append_column("item_id", findings["item_id"]))
    _copy(session, "wq_known", scope.items.select(["item_id", "seen_version"]))
    session.execute(_sql(judging.ANALYZE))
    session.execute(_sql(judging.LOCK))
    session.execute(
        _sql(judging.FORGET_TOUCHED), {"machine_acts": [verb.value for verb in MACHINE_ACTS]}
    )
    session.execute(_sql(judging.FORGET_EDITED), {"snapshot_xmin": scope.snapshot_xmin})


def _copy(session: Session, table: str, rows: pa.Table) -> None:
    """COPY `rows` into `table`, in blocks, so that the text of a million rows is never whole."""
    columns = ", ".join(rows.column_names)
    # The driver's own cursor: SQLAlchemy knows no COPY. It is in the session's transaction.
    with closing(session.connection().connection.cursor()) as cursor:
        for start in range(0, rows.num_rows, _BLOCK):
            block = rows.slice(start, _BLOCK)
            if "members" in block.column_names:
                place = block.column_names.index("members")
                block = block.set_column(place, "members", _as_arrays(block["members"]))
            lines = BytesIO()
            pacsv.write_csv(block, lines, pacsv.WriteOptions(include_header=False))
            lines.seek(0)
            cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)", lines)


def _as_arrays(members: pa.ChunkedArray) -> pa.Array:
    """Lists of ids as PostgreSQL writes arrays, such as {1,2}."""
    if members.null_count == len(members):
        return pa.nulls(len(members), pa.string())
    return pa.array(
        [
            None if ids is None else "{" + ",".join(map(str, ids)) + "}"
            for ids in members.to_pylist()
        ],
        pa.string(),
    )
