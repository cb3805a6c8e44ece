"""From records to findings: every rule in one pass, nothing read and nothing written.

The same function serves a full run, the changed records of a load, and one record after an edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.rules import sql
from workqueue.rules.batch import Batch, prepared
from workqueue.rules.catalogue import RULES, rule
from workqueue.rules.engine import Limits
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


@dataclass(frozen=True)
class GroupKeys:
    """What other records must be fetched by, to see all members of these records' groups."""

    npis: frozenset[str]
    licenses: frozenset[tuple[str, str]]


def evaluate(  # noqa: PLR0913 - each argument is a different kind of thing
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
    text columns are strings, dates date32; columns beyond `needed_columns` may be left out.
    `column_sets` gives the known fields of each column_set_id. `as_of` is the day in UTC that rules
    about the clock go by. Order: by rule, then by record. Groups are those among `records`. Rules
    that need a reference list which `references` does not have are left out.
    """
    rules = [each for each in rules if each.needs is None or references.has(each.needs)]
    batch = prepared(records, column_sets, as_of, references, limits or Limits())
    tables = _record_findings(batch, [each for each in rules if not each.grouped])
    if records.num_rows > 1:
        tables += _group_findings(batch, [each for each in rules if each.grouped])
    return pa.concat_tables([FINDINGS.empty_table(), *tables])


def needed_columns(rules: Sequence[Rule] = RULES) -> tuple[str, ...]:
    """The columns that `records` must have for `rules`; evaluate takes a missing one for blank."""
    return ("id", *sorted(sql.names_of(rules)))


def group_keys(
    records: pa.Table, *, column_sets: Mapping[int, frozenset[str]], limits: Limits | None = None
) -> GroupKeys:
    """The keys by which `records` could belong to groups: NPIs, and (number, state) of licences.

    Junk that no group is made of (NONE, 000000) is left out. Arguments as for `evaluate`.
    """
    batch = prepared(records, column_sets, date(2000, 1, 1), References(), limits or Limits())
    npis, licenses = (_keys(batch, each) for each in ("NPI_DUPLICATE", "LICENSE_SHARED"))
    return GroupKeys(
        npis=frozenset(row["key_npi"] for row in npis),
        licenses=frozenset((row["key_number"], row["key_state"]) for row in licenses),
    )


def _keys(batch: Batch, rule_id: str) -> list[dict[str, str]]:
    group = rule(rule_id).group
    text = sql.keys(group, batch.scope) if group is not None else None
    found: list[dict[str, str]] = batch.ask(text).to_pylist() if text else []
    return found


def _record_findings(batch: Batch, rules: list[Rule]) -> list[pa.Table]:
    asked, question = sql.scan(tuple(rules), batch.scope)
    if not asked:
        return []
    hits = batch.ask(question)
    tables = []
    for each, holds in zip(asked, hits.columns[2:], strict=True):
        # By id, never by position: DuckDB's threads may answer in another order than asked.
        hit = hits["id"].filter(pc.and_kleene(holds, hits["live"]))
        if len(hit):
            tables.append(_one_rule(each, batch.ask(sql.evidence(each, batch.scope), hit)))
    return tables


def _one_rule(each: Rule, found: pa.Table) -> pa.Table:
    count = found.num_rows
    found = found.sort_by("id")
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


def _group_findings(batch: Batch, rules: list[Rule]) -> list[pa.Table]:
    tables = []
    for each in rules:
        text = sql.groups(each.group, batch.scope) if each.group is not None else None
        if text is not None:
            tables.append(_one_group_rule(each, batch.ask(text)))
    return tables


def _one_group_rule(each: Rule, found: pa.Table) -> pa.Table:
    count = found.num_rows
    found = found.sort_by("provider_id")
    keys = [found[name] for name in found.column_names if name.startswith("key_")]
    return pa.table(
        [
            pa.repeat(pa.scalar(each.id), count),
            pc.binary_join_element_wise(each.id, *keys, ":"),
            found["provider_id"],
            pa.repeat(pa.scalar(each.priority, pa.int8()), count),
            found["evidence"],
            found["members"],
        ],
        schema=FINDINGS,
    )
