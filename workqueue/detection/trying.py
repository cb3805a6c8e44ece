"""Trying a rule: how many items it would raise now, with examples; no item is written."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

import duckdb
import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from workqueue.accounts import Actor, acting_with
from workqueue.database import Database
from workqueue.detection.asking import Asked, answers
from workqueue.detection.fetch import Snapshot, fetch_items, fetch_records
from workqueue.errors import BadInput, NoSuchRule
from workqueue.fields import full_name
from workqueue.lifecycle import Duty
from workqueue.models import IndividualProvider
from workqueue.own import Own, Script
from workqueue.rules import RULES, SECONDS, Rule, words
from workqueue.verbs import knowledge
from workqueue.verbs.reconcile import content_hashes

# As verbs.judging decides: what a person dismissed with this very evidence stays dismissed, what a
# person has closed comes back when the evidence differs or the problem had been gone in between.
_NEW: Final = """
SELECT count(*) FROM found LEFT JOIN item ON item.fingerprint = found.fingerprint AND item.newest
WHERE NOT EXISTS (SELECT 1 FROM item old WHERE old.fingerprint = found.fingerprint
                  AND old.hash = found.hash AND 'REJECTED' = old.status)
  AND (item.fingerprint IS NULL
       OR ('REJECTED' = item.status AND item.hash <> found.hash)
       OR ('RESOLVED' = item.status AND NOT item.closed_by_system
           AND (item.cured OR item.hash <> found.hash)))
"""


@dataclass(frozen=True)
class Example:
    """A record that the rule would raise an item for; of a group the record with the lowest id."""

    provider_id: int
    npi: str | None
    provider: str
    words: str


@dataclass(frozen=True)
class Trial:
    """What a rule finds now: `count` findings, of which `new` would be new items."""

    rule_id: str
    count: int
    new: int
    examples: tuple[Example, ...]


def try_rule(  # noqa: PLR0913 - keyword-only, each with its own meaning
    database: Database,
    rule_id: str,
    *,
    actor: Actor,
    examples: int = 10,
    mine: Own | None = None,
    seconds: float = SECONDS,
    as_of: date | None = None,
) -> Trial:
    """Ask one rule of all records and write no item; findings with the highest priority first.

    Own rules are those that the last detection knew, or `mine`, as the files are now. Raises
    NotAllowed without the right to detect, NoSuchRule, and BadInput where the rule is off, fails or
    takes longer than `seconds`.
    """
    with database.transaction() as session:
        acting_with(session, actor, Duty.DETECT)
        rule, script = _chosen(session, rule_id, mine)
        column_sets = knowledge.column_sets(session)
        references = knowledge.references(session)
    asked = Asked((rule,) if script is None else (), (script,) if script else (), {}, {}, seconds)
    done = answers(
        Snapshot(
            fetch_records(database.libpq_url, asked.rules, asked.more_fields),
            pa.table({}),
            xmin="0",
        ),
        asked,
        column_sets=column_sets,
        as_of=as_of or datetime.now(UTC).date(),
        references=references,
    )
    if said := done.failed.get(rule_id) or done.off.get(rule_id):
        raise BadInput(f"rule {rule_id} cannot be asked: {said}")
    findings = done.findings.filter(pa.compute.equal(done.findings["rule_id"], rule_id))
    new = _new(findings, fetch_items(database.libpq_url, rule_id))
    order = [("priority", "ascending"), ("provider_id", "ascending")]
    first = findings.sort_by(order).slice(0, examples).to_pylist()
    with database.snapshot() as session:
        return Trial(rule_id, findings.num_rows, new, _examples(session, rule, first))


def _chosen(session: Session, rule_id: str, mine: Own | None) -> tuple[Rule, Script | None]:
    """The rule of that id, and its script where it has one."""
    own = mine.all if mine is not None else knowledge.own_rules(session)
    known = {rule.id: rule for rule in (*RULES, *own)}
    rule = known.get(rule_id)
    if rule is None:
        said = f"there is no rule {rule_id!r:.60}"
        near = difflib.get_close_matches(rule_id.upper(), sorted(known), n=3, cutoff=0.5)
        said += f"; near are {', '.join(near)}." if near else "; `workqueue rules` lists them."
        raise NoSuchRule(said)
    if rule.checks or rule.group is not None:
        return rule, None
    scripts = mine.scripts if mine is not None else ()
    for script in scripts:
        if rule in script.rules:
            return rule, script
    raise BadInput(f"rule {rule_id} is not asked by an expression; it cannot be tried here.")


def _new(findings: pa.Table, items: pa.Table) -> int:
    found = findings.select(["fingerprint"]).append_column("hash", content_hashes(findings))
    with duckdb.connect(":memory:") as engine:
        engine.register("found", found)
        engine.register("item", items)
        ((count,),) = engine.sql(_NEW).fetchall()
    return int(count)


def _examples(
    session: Session, rule: Rule, findings: Iterable[dict[str, object]]
) -> tuple[Example, ...]:
    first = list(findings)
    table = IndividualProvider.__table__
    rows = session.execute(
        select(
            table.c.id,
            table.c.npi,
            table.c.last_name,
            table.c.first_name,
            table.c.middle_name,
            table.c.credential,
        ).where(table.c.id.in_([each["provider_id"] for each in first]))
    )
    people = {row.id: row for row in rows}
    told = []
    for each in first:
        row = people[each["provider_id"]]
        name = full_name(row.last_name, row.first_name, row.middle_name, row.credential)
        said = words(rule.id, json.loads(str(each["evidence"])), rule)
        told.append(Example(row.id, row.npi, name, said))
    return tuple(told)
