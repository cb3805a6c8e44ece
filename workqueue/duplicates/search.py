"""From records to findings: pairs are scored, pairs become groups, groups become findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from workqueue.duplicates import compared
from workqueue.duplicates.clusters import Edge, clusters
from workqueue.duplicates.estimating import estimate
from workqueue.duplicates.findings import Writer
from workqueue.duplicates.identity import Known, Placed, place
from workqueue.duplicates.linking import Linking
from workqueue.duplicates.model import Model, compare_by, crowded
from workqueue.rules import FINDINGS, Limits, rule
from workqueue.rules.engine import Engine

LIKELY_FROM: Final = 10.0
POSSIBLE_FROM: Final = 4.0
"""Bits of the strongest pair from which a group is likely, or at least possible, to be one person.

Chosen on 100,000 generated people of seed 2, where from 10 bits precision is .991 at a recall of
.961, and from 4 bits recall is .978 at a precision of .963. On those of seed 1, from 10 bits:
precision .988, recall .964, F1 .976; from 4 bits: .952, .976, .964
(`tests/benchmarks/duplicates_quality.py`).
"""

SCHEMA: Final = FINDINGS.append(pa.field("basis", pa.string()))
"""FINDINGS, and `basis`: what decides in place of the evidence whether a finding is the same."""

_LIMITS: Final = Limits(memory_mb=1000)


@dataclass(frozen=True)
class Found:
    """The findings (SCHEMA), and the model that they were made with, with its crowded keys.

    `asked` are the ids that were looked at in an incremental search: the items of which one is a
    member are in scope, and no others. None: all.
    """

    findings: pa.Table
    model: Model
    asked: frozenset[int] | None


def find(
    records: pa.Table,
    *,
    model: Model | None,
    known: Sequence[Known] = (),
    changed: frozenset[int] | None = None,
    limits: Limits = _LIMITS,
) -> Found:
    """The groups among `records` that look like one person, one finding each.

    `records` has id (int64) and the fields of `compared.FIELDS`; without `model` one is estimated.
    `known` are the items about groups that there are. With `changed`, ids that were added, changed
    or removed since the last search with this model, only their groups are sought, past and
    present: the same findings as those of a full search about them.
    """
    connection = Engine(limits).connection
    try:
        compared.make(connection, records)
        newly: frozenset[tuple[str, str]] = frozenset()
        if model is None:
            model, changed = estimate(connection), None
        else:
            newly = crowded(connection, model.crowded)
            model = model.with_crowded(newly)
            if changed is not None and newly:
                changed |= _holders(connection, newly)
            compare_by(connection, model)
        linking = Linking(connection, "compared", model.settings, model.population)
        if changed is None:
            pairs, asked = linking.score(POSSIBLE_FROM), None
        else:
            pairs, asked = _around(connection, linking, _with_former(changed, known))
        return Found(_findings(connection, records, pairs, model, known), model, asked)
    finally:
        connection.close()


def _holders(
    connection: duckdb.DuckDBPyConnection, crowds: frozenset[tuple[str, str]]
) -> frozenset[int]:
    """The records that have one of these keys: the pairs that it found are lost to them."""
    found: set[int] = set()
    for name in sorted({key for key, _ in crowds}):
        values = [value for key, value in crowds if key == name]
        rows = connection.execute(
            f"SELECT id FROM made WHERE {compared.KEYS[name]} IN (SELECT unnest(?))", [values]
        ).fetchall()
        found.update(record for (record,) in rows)
    return frozenset(found)


def _with_former(changed: frozenset[int], known: Sequence[Known]) -> frozenset[int]:
    """`changed` with all members of the items that one of them is a member of."""
    both = set(changed)
    for item in known:
        if not changed.isdisjoint(item.digests):
            both.update(item.digests)
    return frozenset(both)


def _around(
    connection: duckdb.DuckDBPyConnection, linking: Linking, ids: frozenset[int]
) -> tuple[pa.Table, frozenset[int]]:
    """All pairs of the groups that `ids` belong to, and the records asked: outwards until done."""
    asked: set[int] = set()
    waiting = set(ids)
    tables = []
    while waiting:
        connection.register("wanted", pa.table({"id": pa.array(sorted(waiting), pa.int64())}))
        connection.execute(
            "CREATE OR REPLACE TABLE part AS SELECT * FROM compared "
            "WHERE id IN (SELECT id FROM wanted)"
        )
        connection.unregister("wanted")
        pairs = linking.score(POSSIBLE_FROM, among="part")
        tables.append(pairs)
        asked |= waiting
        waiting = {*pairs["id_l"].to_pylist(), *pairs["id_r"].to_pylist()} - asked
    return pa.concat_tables(tables), frozenset(asked)


def _edges(pairs: pa.Table) -> list[Edge]:
    """Each pair once, whichever way round and however often it was found."""
    edges: dict[tuple[int, int], Edge] = {}
    columns = (pairs[name].to_pylist() for name in ("id_l", "id_r", "match_weight"))
    for row, (one, other, weight) in enumerate(zip(*columns, strict=True)):
        a, b = min(one, other), max(one, other)
        edges.setdefault((a, b), Edge(a, b, weight, row))
    return list(edges.values())


def _findings(
    connection: duckdb.DuckDBPyConnection,
    records: pa.Table,
    pairs: pa.Table,
    model: Model,
    known: Sequence[Known],
) -> pa.Table:
    edges = _edges(pairs)
    ids = sorted({record for edge in edges for record in (edge.a, edge.b)})
    writer = Writer(connection, records, pairs, model, ids)
    placed = place([writer.group(each) for each in clusters(edges)], known)
    rows = [_row(each, writer.evidence(each.group)) for each in placed]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _row(placed: Placed, evidence: str) -> dict[str, object]:
    likely = placed.group.weight >= LIKELY_FROM
    asked = rule("DUPLICATE_LIKELY" if likely else "DUPLICATE_POSSIBLE")
    return {
        "rule_id": asked.id,
        "fingerprint": placed.fingerprint,
        "provider_id": placed.group.ids[0],
        "priority": asked.priority,
        "evidence": evidence,
        "members": list(placed.group.ids),
        "basis": placed.basis,
    }


def count(records: pa.Table) -> int:
    """How many of `records` are not deactivated, and so take part."""
    off, on = records["deactivation_date"], records["reactivation_date"]
    gone = pc.and_kleene(pc.is_valid(off), pc.or_kleene(pc.is_null(on), pc.less(on, off)))
    some: int = pc.sum(pc.cast(gone, pa.int64())).as_py() or 0
    return int(records.num_rows) - some
