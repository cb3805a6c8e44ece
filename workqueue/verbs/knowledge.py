"""What the rules are given beside a record: known fields, reference lists, contradictions.

Read here for a full run and for the re-check of one record alike, so that both see the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from workqueue.fields import BY_NAME, FIELDS, SLOTS
from workqueue.models import ColumnSet, ReferenceEntry, ReferenceList
from workqueue.rules import RULES, References, Rule
from workqueue.rules.sql import names_in

LICENSE_LIST: Final = "licence-required"

# What a group's evidence tells of its members, and what says that a record is deactivated.
_ALWAYS = ("npi", "last_name", "first_name", "deactivation_date", "reactivation_date")

# One row per record whose source has come to say something else than what a live correction
# replaced, without agreeing with the correction: the names of those fields.
CONTRADICTED: Final = """
SELECT provider_id, string_agg(field, ',' ORDER BY field) AS contradicted
FROM provider_overrides
WHERE withdrawn_at IS NULL AND current_source_value IS DISTINCT FROM replaced_value
  AND current_source_value IS DISTINCT FROM value {which}
GROUP BY provider_id
"""


def fields_needed(rules: Iterable[Rule] = RULES) -> tuple[str, ...]:
    """The names of the fields that `rules` speak of, in the order of the catalogue of fields."""
    texts: list[str] = list(_ALWAYS)
    for rule in rules:
        texts += rule.expressions()
        for check in rule.checks:
            texts += (*check.fields, *check.shows)
        if rule.group is not None:
            texts += rule.group.fields
    spoken = "\n".join(texts)
    slots = "\n".join(spoken.replace("{n}", str(number)) for number in range(1, SLOTS + 1))
    found = names_in((slots,)) & set(BY_NAME)
    return tuple(field.name for field in FIELDS if field.name in found)


def column_sets(session: Session) -> dict[int, frozenset[str]]:
    """The names of the known fields by column_set_id."""
    rows = session.execute(select(ColumnSet.id, ColumnSet.fields))
    return {row.id: frozenset(row.fields) for row in rows}


def references(session: Session) -> References:
    """The reference lists that the operator has loaded; without one, the rules' own table."""
    list_id = session.scalar(
        select(ReferenceList.id).where(
            ReferenceList.name == LICENSE_LIST, ReferenceList.superseded_at.is_(None)
        )
    )
    if list_id is None:
        return References()
    rows = session.execute(
        select(ReferenceEntry.key, ReferenceEntry.detail).where(ReferenceEntry.list_id == list_id)
    )
    return References.from_pairs((row.key, bool(row.detail.get("required"))) for row in rows)
