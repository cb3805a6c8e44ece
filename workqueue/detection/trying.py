"""The rules as a person sees them, and trying one without writing anything."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow.compute as pc
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workqueue.accounts import Actor, acting_with
from workqueue.database import Database
from workqueue.detection.fetch import fetch
from workqueue.errors import BadInput
from workqueue.lifecycle import LIVE, Duty, Status
from workqueue.models import WorkItem
from workqueue.rules import RULES, evaluate, rule, words
from workqueue.verbs import knowledge


@dataclass(frozen=True)
class ListedRule:
    """A rule with its items; `off_because` says why it is not asked, `last_error` why it failed."""

    id: str
    version: int
    queue_type: str
    priority: int
    title: str
    exit_condition: str
    source: str
    needs: str | None
    off_because: str | None
    own: bool
    open: int
    in_progress: int
    last_error: str


@dataclass(frozen=True)
class Trial:
    """What a rule would raise now; examples are (provider_id, npi, provider, words)."""

    rule_id: str
    count: int
    new: int
    examples: tuple[tuple[int, str | None, str, str], ...]


def rules_listed(session: Session) -> tuple[ListedRule, ...]:
    """Every rule in use."""
    counts: dict[tuple[str, str], int] = {
        (row.rule_id, row.status): row.number
        for row in session.execute(
            select(WorkItem.rule_id, WorkItem.status, func.count().label("number"))
            .where(WorkItem.status.in_(sorted(LIVE)))
            .group_by(WorkItem.rule_id, WorkItem.status)
        )
    }
    return tuple(
        ListedRule(
            id=each.id,
            version=each.version,
            queue_type=each.queue_type,
            priority=each.priority,
            title=each.title,
            exit_condition=each.exit_condition,
            source=each.source,
            needs=None,
            off_because=None,
            own=False,
            open=counts.get((each.id, Status.OPEN), 0),
            in_progress=counts.get((each.id, Status.IN_PROGRESS), 0),
            last_error="",
        )
        for each in RULES
    )


def try_rule(database: Database, rule_id: str, *, actor: Actor, examples: int = 10) -> Trial:
    """What `rule_id` would raise now, and the first of it; writes nothing.

    Raises NotAllowed without the right to detect, BadInput for an unknown rule.
    """
    if rule_id not in {each.id for each in RULES}:
        raise BadInput(f"there is no rule {rule_id!r}; `workqueue rules` lists them.")
    with database.transaction() as session:
        acting_with(session, actor, Duty.DETECT)
        column_sets = knowledge.column_sets(session)
        references = knowledge.references(session)
    snapshot = fetch(database.libpq_url)
    findings = evaluate(
        snapshot.records,
        column_sets=column_sets,
        as_of=datetime.now(UTC).date(),
        references=references,
        rules=[rule(rule_id)],
    )
    known = pc.is_in(findings["fingerprint"], value_set=snapshot.items["fingerprint"])
    first = findings.slice(0, examples).to_pylist()
    whose = {
        row["id"]: row
        for row in snapshot.records.select(["id", "npi", "last_name", "first_name"])
        .filter(pc.is_in(snapshot.records["id"], pc.unique(findings["provider_id"][:examples])))
        .to_pylist()
    }
    return Trial(
        rule_id,
        findings.num_rows,
        findings.num_rows - (pc.sum(known).as_py() or 0),
        tuple(_example(each, whose[each["provider_id"]]) for each in first),
    )


def _example(
    finding: dict[str, object], record: dict[str, str | None]
) -> tuple[int, str | None, str, str]:
    named = ", ".join(part for part in (record["last_name"], record["first_name"]) if part)
    said = words(str(finding["rule_id"]), json.loads(str(finding["evidence"])))
    return int(str(finding["provider_id"])), record["npi"], named or "(no name)", said
