"""From records to findings: every rule in one pass, nothing read and nothing written.

The same function serves a full run, the changed records of a load, and one record after an edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from workqueue.fields import FIELDS, SLOTS
from workqueue.rules import sql
from workqueue.rules.catalogue import RULES, rule
from workqueue.rules.engine import Limits, connection
from workqueue.rules.references import References
from workqueue.rules.rule import Rule

FINDINGS: Final = pa.schema(
    [
        ("rule_id", pa.string()),
        ("fingerprint", pa.string()),
        ("provider_id", pa.int64()),
        ("priority", pa.int8()),
        ("evidence", pa.string()),
        ("members", pa.list_(pa.int64())),
    ]
)
"""A finding. `provider_id` is the record, or the smallest id of the group; `members` are the ids
of the group, ascending, NULL for rules about one record. `evidence` is canonical JSON."""

_COLUMNS = ("source", "column_set_id", "contradicted", *(field.name for field in FIELDS))


@dataclass(frozen=True)
class GroupKeys:
    """What other records must be fetched by, to see all members of these records' groups."""

    npis: frozenset[str]
    licenses: frozenset[tuple[str, str]]


def evaluate(
    records: pa.Table,
    *,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
    rules: Sequence[Rule] = RULES,
    limits: Limits | None = None,
) -> pa.Table:
    """The findings of `rules` on `records`, as a table of schema FINDINGS.

    `records` has id (int64), source, column_set_id (int32), contradicted and every field's name;
    text columns are strings, dates date32. `column_sets` gives the known fields of each
    column_set_id. `as_of` is the day in UTC that rules about the clock go by. Order: by rule, then
    as the records stand (group findings by lead record). Groups are those among `records`.
    """
    scope, marked = _prepared(records, column_sets, as_of, references, rules)
    engine = connection(limits or Limits())
    tables = [
        *_record_findings(engine, marked, scope, [each for each in rules if not each.grouped]),
        *_group_findings(engine, marked, scope, [each for each in rules if each.grouped]),
    ]
    return pa.concat_tables([FINDINGS.empty_table(), *tables])


def group_keys(
    records: pa.Table, *, column_sets: Mapping[int, frozenset[str]], limits: Limits | None = None
) -> GroupKeys:
    """The keys by which `records` could belong to groups: NPIs, and (number, state) of licences.

    Junk that no group is made of (NONE, 000000) is left out. Arguments as for `evaluate`.
    """
    npi, license_shared = rule("NPI_DUPLICATE"), rule("LICENSE_SHARED")
    scope, marked = _prepared(
        records, column_sets, date(2000, 1, 1), References(), (npi, license_shared)
    )
    engine = connection(limits or Limits())
    found: list[list[dict[str, str]]] = []
    for each in (npi, license_shared):
        text = sql.keys(each.group, scope) if each.group is not None else None
        found.append(_ask(engine, marked, text).to_pylist() if text else [])
    return GroupKeys(
        npis=frozenset(row["key_npi"] for row in found[0]),
        licenses=frozenset((row["key_number"], row["key_state"]) for row in found[1]),
    )


def _prepared(
    records: pa.Table,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
    rules: Sequence[Rule],
) -> tuple[sql.Scope, pa.Table]:
    """The scope, and the columns that hold something, with the taxonomies looked up."""
    present = [
        name
        for name in _COLUMNS
        if name in records.column_names and records[name].null_count < records.num_rows
    ]
    marked = records.select(["id", *present])
    for number in range(1, SLOTS + 1):
        name = f"taxonomy_code_{number}"
        if name in present and any(each.slots for each in rules):
            required, family = references.mark(marked[name])
            marked = marked.append_column(f"license_required_{number}", required)
            marked = marked.append_column(f"license_family_{number}", family)
    used = pc.unique(records["column_set_id"]).to_pylist()
    return (
        sql.Scope(
            filled=frozenset(marked.column_names),
            column_sets={key: column_sets.get(key, frozenset()) for key in used},
            as_of=as_of,
        ),
        marked,
    )


def _ask(engine: duckdb.DuckDBPyConnection, records: pa.Table, text: str) -> pa.Table:
    engine.register("records", records)
    try:
        found: pa.Table = engine.sql(text).to_arrow_table()
        return found
    finally:
        engine.unregister("records")


def _record_findings(
    engine: duckdb.DuckDBPyConnection, marked: pa.Table, scope: sql.Scope, rules: list[Rule]
) -> list[pa.Table]:
    asked = []
    for each in rules:
        found = sql.conditions(each, scope)
        if found:
            asked.append((each, " OR ".join(condition for condition, _ in found)))
    if not asked or not marked.num_rows:
        return []
    hits = _ask(engine, marked, sql.scan(asked, scope))
    tables = []
    for place, (each, _) in enumerate(asked):
        hit = hits.column(place)
        if pc.any(hit).as_py():
            text = sql.evidence(each, scope)
            needed = ["id", *sorted(sql.names_in((text,)) & scope.filled)]
            tables.append(_one_rule(each, _ask(engine, marked.select(needed).filter(hit), text)))
    return tables


def _one_rule(each: Rule, found: pa.Table) -> pa.Table:
    count = found.num_rows
    prints = pc.binary_join_element_wise(each.id, pc.cast(found["id"], pa.string()), ":")
    return pa.table(
        [
            pa.repeat(pa.scalar(each.id), count),
            prints,
            found["id"],
            found["priority"],
            found["evidence"],
            pa.nulls(count, FINDINGS.field("members").type),
        ],
        schema=FINDINGS,
    )


def _group_findings(
    engine: duckdb.DuckDBPyConnection, marked: pa.Table, scope: sql.Scope, rules: list[Rule]
) -> list[pa.Table]:
    tables = []
    for each in rules:
        text = sql.groups(each.group, scope) if each.group is not None else None
        if text is None or marked.num_rows < 2:
            continue
        found = _ask(engine, marked, text)
        count = found.num_rows
        names = [name for name in found.column_names if name.startswith("key_")]
        tables.append(
            pa.table(
                [
                    pa.repeat(pa.scalar(each.id), count),
                    pc.binary_join_element_wise(each.id, *(found[name] for name in names), ":"),
                    found["provider_id"],
                    pa.repeat(pa.scalar(each.priority, pa.int8()), count),
                    found["evidence"],
                    found["members"],
                ],
                schema=FINDINGS,
            )
        )
    return tables
