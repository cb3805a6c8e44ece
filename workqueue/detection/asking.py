"""The rules of one run: the catalogue, the operator's own, and what each of them answered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from workqueue import own
from workqueue.database import Database
from workqueue.models import DetectionRunRule, QueueType
from workqueue.rules import (
    RULES,
    Evaluation,
    References,
    Rule,
    RuleFailed,
    evaluate_each,
    live_records,
)
from workqueue.settings import Settings
from workqueue.verbs.reconcile import befallen_rules


@dataclass(frozen=True)
class Asked:
    """What a run asks: expressions and scripts; `missing` are own rules that could not be read.

    `missing` tells why by rule id, or by file where it was never known which rule is in it; `off`
    are the own rules that this process was not told to read.
    """

    rules: tuple[Rule, ...]
    scripts: tuple[own.Script, ...]
    missing: Mapping[str, str]
    off: Mapping[str, str]
    seconds: float

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all rules, in order, those that could not be read left out."""
        return tuple(rule.id for rule in self.all_rules)

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The same rules themselves."""
        return (*self.rules, *(each for one in self.scripts for each in one.rules))

    @property
    def more_fields(self) -> frozenset[str]:
        """The fields that the scripts want to see."""
        return frozenset(name for script in self.scripts for name in script.fields)


def own_rules(database: Database, settings: Settings) -> own.Own:
    """The operator's rules as their files and installed scripts are now."""
    with database.transaction() as session:
        kinds = frozenset(session.scalars(select(QueueType.code)))
    return own.load(settings.rules, kinds, settings.rule_seconds)


def asked(mine: own.Own, kept: Mapping[str, str], settings: Settings) -> Asked:
    """What to ask; `kept` are the own rules that the table still lists, without a file now."""
    unread = {rule_id: mine.why_missing(origin) or "" for rule_id, origin in kept.items()}
    off = {rule_id: said for rule_id, said in unread.items() if said == own.UNSET}
    missing = {rule_id: said for rule_id, said in unread.items() if rule_id not in off}
    missing |= {origin: said for origin, said in mine.broken.items() if origin not in kept.values()}
    if settings.rules is not None and mine.folder_fault:
        missing["WORKQUEUE_RULES"] = mine.folder_fault
    return Asked((*RULES, *mine.rules), mine.scripts, missing, off, settings.rule_seconds)


def answers(
    records: pa.Table,
    asking: Asked,
    *,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
) -> Evaluation:
    """What every rule finds in `records`; one that fails or takes too long stops no other."""
    done = evaluate_each(
        records,
        column_sets=column_sets,
        as_of=as_of,
        references=references,
        rules=asking.rules,
        seconds=asking.seconds,
    )
    tables = [done.findings]
    for script in asking.scripts:
        start = time.perf_counter()
        try:
            seen = live_records(records, script.fields, column_sets=column_sets)
            if seen.num_rows:
                tables.append(own.findings(script, seen, asking.seconds))
        except RuleFailed as failure:
            done.failed.update({rule.id: str(failure) for rule in script.rules})
        else:
            taken = (time.perf_counter() - start) / len(script.rules)
            done.seconds.update({rule.id: taken for rule in script.rules})
    return Evaluation(
        pa.concat_tables(tables),
        failed={**done.failed, **asking.missing},
        off={**done.off, **asking.off},
        seconds=done.seconds,
    )


def found_by_rule(findings: pa.Table) -> Mapping[str, int]:
    """How many findings each rule has."""
    counts = findings["rule_id"].value_counts().to_pylist()
    return Counter({each["values"]: each["counts"] for each in counts})


def write_results(
    session: Session,
    run_id: int,
    asking: Asked,
    done: Evaluation,
    found: Mapping[str, int],
) -> None:
    """Keep what became of each rule in the run, after `reconcile` in the same transaction."""
    acts = befallen_rules(session)
    rows: list[dict[str, Any]] = []
    for rule_id in dict.fromkeys((*asking.ids, *done.failed, *done.off)):
        error = done.failed.get(rule_id) or done.off.get(rule_id, "")
        status = "FAILED" if rule_id in done.failed else "OFF" if error else "DONE"
        befallen = acts.get(rule_id, {})
        rows.append(
            {
                "run_id": run_id,
                "rule_id": rule_id,
                "status": status,
                "found": found.get(rule_id, 0),
                "new": befallen.get("new", 0),
                "closed": befallen.get("closed", 0),
                "seconds": round(done.seconds.get(rule_id, 0.0), 4),
                "error": error,
            }
        )
    session.execute(insert(DetectionRunRule), rows)
