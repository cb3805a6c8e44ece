"""The table of rules, kept in line with the catalogue and the operator's own rules."""

from __future__ import annotations

import json

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from workqueue.models import Rule as RuleRow
from workqueue.own import Own
from workqueue.rules import RETIRED, RULES, Rule, definition


def list_rules(session: Session, mine: Own) -> dict[str, str]:
    """Write the catalogue and `mine` into `rules`; ids that are in neither stay, as retired.

    An own rule whose file is there and cannot be read, or was not looked for, is not retired: the
    answer has these, with their origins. Writes nothing where the table says the same already.
    """
    rows = [_row(rule) for rule in (*RULES, *RETIRED)]
    rows += [_row(rule, mine.origins[rule.id]) for rule in mine.all]
    kept = _kept(session, mine)
    statement = insert(RuleRow).values(rows)
    told = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_=told,
            where=or_(
                *(RuleRow.__table__.c[name].is_distinct_from(value) for name, value in told.items())
            ),
        )
    )
    listed = [rule.id for rule in (*RULES, *mine.all)]
    current = RuleRow.id.in_([*listed, *kept])
    session.execute(
        update(RuleRow).where(current, RuleRow.retired_at.is_not(None)).values(retired_at=None)
    )
    session.execute(
        update(RuleRow).where(~current, RuleRow.retired_at.is_(None)).values(retired_at=func.now())
    )
    return kept


def _kept(session: Session, mine: Own) -> dict[str, str]:
    there = session.execute(
        select(RuleRow.id, RuleRow.origin).where(RuleRow.origin != "", RuleRow.retired_at.is_(None))
    )
    return {
        row.id: row.origin
        for row in there
        if row.id not in mine.origins and mine.why_missing(row.origin) is not None
    }


def _row(rule: Rule, origin: str = "") -> dict[str, object]:
    return {
        "id": rule.id,
        "version": rule.version,
        "queue_type": rule.queue_type,
        "priority": rule.priority,
        "attribute": rule.attribute,
        "grouped": rule.grouped,
        "title": rule.title,
        "exit_condition": rule.exit_condition,
        "source": rule.source,
        "origin": origin,
        "definition": json.loads(definition.as_json(rule)) if origin else None,
    }
