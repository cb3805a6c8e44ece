"""From records to findings: every rule in one pass, nothing read and nothing written.

Where the pass fails or takes too long the rules are asked one by one, so that those at fault are
named and the others go on.

The same function serves a full run, the changed records of a load, and one record after an edit.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.rules import grouping, sql
from workqueue.rules.batch import Batch, prepared
from workqueue.rules.catalogue import RULES
from workqueue.rules.engine import Limits
from workqueue.rules.isolation import (
    SECONDS,
    Evaluation,
    RuleFailed,
    check_priorities,
    named,
    why_off,
)
from workqueue.rules.keys import fingerprint_of
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


def evaluate(  # noqa: PLR0913 - each argument is a different kind of thing
    records: pa.Table,
    *,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
    rules: Sequence[Rule] = RULES,
    groups: Collection[str] | None = None,
    limits: Limits | None = None,
) -> pa.Table:
    """The findings of `rules` on `records`, as a table of schema FINDINGS.

    `records` has id (int64), source, column_set_id (int32), contradicted and every field's name;
    text columns are strings, dates date32; columns beyond `needed_columns` may be left out.
    `column_sets` gives the known fields of each column_set_id. `as_of` is the day in UTC that rules
    about the clock go by. Order: by rule, then by record. Groups are those among `records`, of the
    rules whose ids are in `groups`, by default of all. Raises RuleFailed naming each rule that
    cannot be asked; a rule whose reference list is missing finds nothing.
    """
    done = evaluate_each(
        records,
        column_sets=column_sets,
        as_of=as_of,
        references=references,
        rules=rules,
        groups=groups,
        limits=limits,
        seconds=None,
    )
    if done.failed:
        told = "; ".join(f"{rule_id} {said}" for rule_id, said in done.failed.items())
        raise RuleFailed(f"a rule cannot be asked: {told}")
    return done.findings


def evaluate_each(  # noqa: PLR0913 - as evaluate
    records: pa.Table,
    *,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
    rules: Sequence[Rule] = RULES,
    groups: Collection[str] | None = None,
    limits: Limits | None = None,
    seconds: float | None = SECONDS,
) -> Evaluation:
    """As `evaluate`, but a rule that fails or takes longer than `seconds` stops no other.

    None for `seconds` means no limit of time.
    """
    off = {
        each.id: why_off(each.needs)
        for each in rules
        if each.needs is not None and not references.has(each.needs)
    }
    asked = [each for each in rules if each.id not in off]
    batch = prepared(records, column_sets, as_of, references, limits or Limits())
    asking = _Asking(batch, seconds)
    tables = _record_findings(asking, [each for each in asked if each.checks])
    if records.num_rows > 1:
        shared = [each for each in asked if groups is None or each.id in groups]
        tables += _group_findings(asking, shared)
    findings = pa.concat_tables([FINDINGS.empty_table(), *tables])
    return Evaluation(findings, asking.failed, off, asking.spent)


@dataclass(frozen=True)
class _Asking:
    """The records, how long a rule may take, and what became of each rule so far."""

    batch: Batch
    seconds: float | None
    failed: dict[str, str] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def rules(self, *asked: Rule) -> Iterator[None]:
        """The time of the block is that of `asked`; what it raises is left to the caller."""
        # A pass over all rules shares its reading out: it is no sum of what each would take.
        limit = self.seconds and self.seconds * (1 + (len(asked) - 1) / 20)
        start = time.perf_counter()
        with named(self.batch.limits, limit):
            yield
        for each in asked:
            taken = (time.perf_counter() - start) / len(asked)
            self.spent[each.id] = self.spent.get(each.id, 0.0) + taken

    def fail(self, each: Rule, failure: RuleFailed) -> None:
        """Keep in words why `each` has no answer."""
        self.failed[each.id] = str(failure)
        self.spent.pop(each.id, None)


def needed_columns(rules: Sequence[Rule] = RULES) -> tuple[str, ...]:
    """The columns that `records` must have for `rules`; evaluate takes a missing one for blank."""
    return ("id", *sorted(sql.names_of(rules)))


def live_records(
    records: pa.Table,
    fields: tuple[str, ...],
    *,
    column_sets: Mapping[int, frozenset[str]],
    limits: Limits | None = None,
) -> pa.Table:
    """id, source and `fields` of the live records of which those fields are known, by id.

    As the rules see them: text without blanks around it, NULL where there is nothing.
    """
    batch = prepared(records, column_sets, date(2000, 1, 1), References(), limits or Limits())
    text = sql.live(fields, batch.scope)
    if text is None:
        return records.select(["id"]).slice(0, 0)
    return batch.ask(text).sort_by("id")


def _record_findings(asking: _Asking, rules: list[Rule]) -> list[pa.Table]:
    tables = []
    for each, hit in _hits(asking, rules):
        if not len(hit):
            continue
        try:
            with asking.rules(each):
                found = asking.batch.ask(sql.evidence(each, asking.batch.scope), hit)
            check_priorities(found)
        except RuleFailed as failure:
            asking.fail(each, failure)
        else:
            tables.append(_one_rule(each, found))
    return tables


def _hits(asking: _Asking, rules: list[Rule]) -> list[tuple[Rule, pa.ChunkedArray]]:
    """The rules that could be asked, each with the ids of the records that it hits."""
    asked, question = sql.scan(tuple(rules), asking.batch.scope)
    if not asked:
        return []
    try:
        with asking.rules(*asked):
            hits = asking.batch.ask(question)
    except RuleFailed as failure:
        if len(asked) > 1:
            # Where a question may run into the limit of time, it should do so once.
            size = 1 if asking.seconds else (len(asked) + 1) // 2
            parts = (list(asked[at : at + size]) for at in range(0, len(asked), size))
            return [found for part in parts for found in _hits(asking, part)]
        asking.fail(asked[0], failure)
        return []
    # By id, never by position: DuckDB's threads may answer in another order than asked.
    return [
        (each, hits["id"].filter(pc.and_kleene(holds, hits["live"])))
        for each, holds in zip(asked, hits.columns[2:], strict=True)
    ]


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


def _group_findings(asking: _Asking, rules: list[Rule]) -> list[pa.Table]:
    tables = []
    for each in rules:
        text = grouping.groups(each.group, asking.batch.scope) if each.group is not None else None
        if text is None:
            continue
        try:
            with asking.rules(each):
                found = asking.batch.ask(text)
        except RuleFailed as failure:
            asking.fail(each, failure)
        else:
            tables.append(_one_group_rule(each, found))
    return tables


def _one_group_rule(each: Rule, found: pa.Table) -> pa.Table:
    count = found.num_rows
    found = found.sort_by("provider_id")
    keys = [found[name] for name in found.column_names if name.startswith("key_")]
    return pa.table(
        [
            pa.repeat(pa.scalar(each.id), count),
            pc.binary_join_element_wise(fingerprint_of(each.id), *keys, ":"),
            found["provider_id"],
            pa.repeat(pa.scalar(each.priority, pa.int8()), count),
            found["evidence"],
            found["members"],
        ],
        schema=FINDINGS,
    )
