"""The table of rules, kept in line with the catalogue."""

from __future__ import annotations

from sqlalchemy import func, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from workqueue.models import Rule as RuleRow
from workqueue.rules import RETIRED, RULES, Rule


def list_rules(session: Session) -> None:
    """Write the catalogue into `rules`; ids that are not in it any more stay, as retired.

    Writes nothing where the table says the same already.
    """
    rows = [_row(rule) for rule in (*RULES, *RETIRED)]
    statement = insert(RuleRow).values(rows)
    told = {name: statement.excluded[name] for name in rows[0] if name != "id"}
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_=told,
            where=or_(*(RuleRow.__table__.c[name] != value for name, value in told.items())),
        )
    )
    current = RuleRow.id.in_([rule.id for rule in RULES])
    session.execute(
        update(RuleRow).where(current, RuleRow.retired_at.is_not(None)).values(retired_at=None)
    )
    session.execute(
        update(RuleRow).where(~current, RuleRow.retired_at.is_(None)).values(retired_at=func.now())
    )


def _row(rule: Rule) -> dict[str, object]:
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
    }
