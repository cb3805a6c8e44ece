"""READ: the rules there are, with what is open of each and why one is off or failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from workqueue.lifecycle import LIVE, Status
from workqueue.models import DetectionRunRule, ReferenceList, WorkItem
from workqueue.models import Rule as RuleRow
from workqueue.own import Own
from workqueue.rules import RULES, Rule, why_off
from workqueue.verbs import knowledge


@dataclass(frozen=True)
class ListedRule:
    """A rule as people see it. `off_because` and `last_error` are None where all is well.

    `needs` names a reference list, `own` tells the operator's rules from WorkQueue's, `open` and
    `in_progress` count items. `last_error` is what the rule failed with in the last run that asked
    it.
    """

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
    last_error: str | None


def rules_listed(session: Session, mine: Own | None = None) -> tuple[ListedRule, ...]:
    """Every rule that is not retired: those of WorkQueue in their order, then the operator's by id.

    Own rules are those that the last detection knew, or `mine`, as the files are now, and those
    whose files cannot be read.
    """
    there = frozenset(
        session.scalars(select(ReferenceList.name).where(ReferenceList.superseded_at.is_(None)))
    )
    items = _items(session)
    last = _last_results(session)
    found = {rule.id: rule for rule in knowledge.own_rules(session)}
    unread: dict[str, str] = {}
    if mine is not None:
        unread = _unread(session, mine)
        found = {rule_id: rule for rule_id, rule in found.items() if rule_id in unread}
        found |= {rule.id: rule for rule in mine.all}
    builtin = [(rule, False) for rule in RULES]
    listed = []
    for rule, own in (*builtin, *((found[rule_id], True) for rule_id in sorted(found))):
        status, error = last.get(rule.id, ("", ""))
        off = why_off(rule.needs) if rule.needs and rule.needs not in there else None
        if own and mine is None and status == "OFF":
            off = off or error
        counts = items.get(rule.id, {})
        listed.append(
            _listed(
                rule,
                own=own,
                off=unread.get(rule.id) or off,
                open_and_held=(counts.get(Status.OPEN, 0), counts.get(Status.IN_PROGRESS, 0)),
                error=error if status == "FAILED" else None,
            )
        )
    return tuple(listed)


def _listed(
    rule: Rule, *, own: bool, off: str | None, open_and_held: tuple[int, int], error: str | None
) -> ListedRule:
    return ListedRule(
        id=rule.id,
        version=rule.version,
        queue_type=rule.queue_type,
        priority=rule.priority,
        title=rule.title,
        exit_condition=rule.exit_condition,
        source=rule.source,
        needs=rule.needs,
        off_because=off,
        own=own,
        open=open_and_held[0],
        in_progress=open_and_held[1],
        last_error=error,
    )


def _unread(session: Session, mine: Own) -> dict[str, str]:
    """Own rules that the table knows and `mine` does not have, with why."""
    rows = session.execute(
        select(RuleRow.id, RuleRow.origin).where(RuleRow.origin != "", RuleRow.retired_at.is_(None))
    )
    told = {row.id: mine.why_missing(row.origin) for row in rows if row.id not in mine.origins}
    return {rule_id: said for rule_id, said in told.items() if said is not None}


def _items(session: Session) -> Mapping[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for rule_id, status, items in session.execute(
        select(WorkItem.rule_id, WorkItem.status, func.count())
        .where(WorkItem.status.in_(sorted(LIVE)))
        .group_by(WorkItem.rule_id, WorkItem.status)
    ):
        found.setdefault(rule_id, {})[status] = items
    return found


def _last_results(session: Session) -> dict[str, tuple[str, str]]:
    """Status and error of each rule in the last run that asked it."""
    rows = session.execute(
        select(DetectionRunRule.rule_id, DetectionRunRule.status, DetectionRunRule.error)
        .ext(distinct_on(DetectionRunRule.rule_id))
        .order_by(DetectionRunRule.rule_id, DetectionRunRule.run_id.desc())
    )
    return {row.rule_id: (row.status, row.error) for row in rows}
