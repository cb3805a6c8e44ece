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

# Has a full file of NPPES been loaded? Its name begins the period with the first NPI.
NPPES_COMPLETE: Final = """
EXISTS (SELECT FROM intake_runs run JOIN sources source ON source.id = run.source_id
        WHERE source.name = 'NPPES' AND run.kind = 'providers' AND run.status = 'DONE'
          AND run.file_name ~ 'npidata_pfile_(20050523-|demo)')
"""
# What NPPES says of the NPIs of records of other sources: one row for each record whose NPI has
# the form of one. Nothing is absent from NPPES until a full file of it has been loaded. A
# deactivated NPI that NPPES never told a record of is in `nppes_deactivations`.
NPPES_SAYS: Final = f"""
SELECT own.id AS provider_id,
       CASE WHEN nppes.live THEN 'ACTIVE' WHEN nppes.live IS NOT NULL OR gone.npi IS NOT NULL
            THEN 'DEACTIVATED' WHEN complete.yes THEN 'ABSENT' END AS nppes_status,
       CAST(coalesce(nppes.deactivated_on, gone.deactivation_date) AS text) AS nppes_deactivated_on,
       nppes.replacement AS nppes_replacement
FROM individual_providers own
JOIN sources its_source ON its_source.id = own.source_id AND its_source.name <> 'NPPES'
CROSS JOIN (SELECT {NPPES_COMPLETE} AS yes) complete
LEFT JOIN LATERAL (
    SELECT bool_or(said.deactivation_date IS NULL
                   OR coalesce(said.reactivation_date >= said.deactivation_date, false)) AS live,
           max(said.deactivation_date) AS deactivated_on, max(said.replacement_npi) AS replacement
    FROM individual_providers said
    WHERE said.npi = own.npi
      AND said.source_id = (SELECT source.id FROM sources source WHERE source.name = 'NPPES')
) nppes ON true
LEFT JOIN nppes_deactivations gone ON gone.npi = own.npi
WHERE own.npi ~ '^[12][0-9]{{{{9}}}}$' {{which}}
"""
NPPES_COLUMNS: Final = ("nppes_status", "nppes_deactivated_on", "nppes_replacement")


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
