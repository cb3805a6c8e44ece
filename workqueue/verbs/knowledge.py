"""What the rules are given beside a record: known fields, reference lists, contradictions.

Read here for a full run and for the re-check of one record alike, so that both see the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Text, and_, cast, select
from sqlalchemy.orm import Session

from workqueue.fields import FIELDS
from workqueue.models import ColumnSet, ReferenceEntry, ReferenceList
from workqueue.models import Rule as RuleRow
from workqueue.rules import RULES, References, Rule, definition, needed_columns

# One row per record whose source has come to say something else than what a live correction
# replaced, without agreeing with the correction: the names of those fields.
CONTRADICTED: Final = """
SELECT provider_id, string_agg(field, ',' ORDER BY field) AS contradicted
FROM provider_overrides
WHERE withdrawn_at IS NULL AND current_source_value IS DISTINCT FROM replaced_value
  AND current_source_value IS DISTINCT FROM value {which}
GROUP BY provider_id
"""


def fields_needed(rules: Sequence[Rule] = RULES) -> tuple[str, ...]:
    """The names of the fields that `rules` speak of, in the order of the catalogue of fields."""
    wanted = set(needed_columns(rules))
    return tuple(field.name for field in FIELDS if field.name in wanted)


def own_rules(session: Session) -> tuple[Rule, ...]:
    """The operator's rules as the last detection knew them, those of scripts included."""
    texts = session.scalars(
        select(cast(RuleRow.definition, Text))
        .where(RuleRow.definition.is_not(None), RuleRow.retired_at.is_(None))
        .order_by(RuleRow.id)
    )
    return tuple(definition.from_json(text) for text in texts)


def column_sets(session: Session) -> dict[int, frozenset[str]]:
    """The names of the known fields by column_set_id."""
    rows = session.execute(select(ColumnSet.id, ColumnSet.fields))
    return {row.id: frozenset(row.fields) for row in rows}


def references(session: Session, keys: Iterable[str] | None = None) -> References:
    """The reference lists that the operator has loaded, whole or only their entries of `keys`."""
    wanted = ReferenceEntry.list_id == ReferenceList.id
    if keys is not None:
        wanted = and_(wanted, ReferenceEntry.key.in_(sorted(keys)))
    rows = session.execute(
        select(ReferenceList.name, ReferenceEntry.key, ReferenceEntry.detail)
        .outerjoin(ReferenceEntry, wanted)
        .where(ReferenceList.superseded_at.is_(None))
    )
    lists: dict[str, dict[str, Any]] = {}
    for name, key, detail in rows:
        entries = lists.setdefault(name, {})
        if key is not None:
            entries[key] = detail
    return References(lists)
