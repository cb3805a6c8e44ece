"""Work items for tests, as detection would leave them: clean records without a phone.

Written by the system user under the app role, so that the audit trigger checks every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from workqueue.accounts import SYSTEM, acting
from workqueue.database import Database
from workqueue.fields import FIELDS

RULE_ID = "PHONE_MISSING"

_RULE = text("""
INSERT INTO rules (id, version, queue_type, priority, attribute, grouped, title, exit_condition,
                   source)
VALUES (:rule_id, 1, :queue_type, 2, 'practice_phone', false, 'No phone',
        'The practice has a phone.', 'tests')
ON CONFLICT (id) DO NOTHING
""")

_PROVENANCE = text("""
WITH source AS (
    INSERT INTO sources (name) VALUES ('TEST') ON CONFLICT (name) DO NOTHING RETURNING id
), columns AS (
    INSERT INTO column_sets (fields) VALUES (:fields) ON CONFLICT (fields) DO NOTHING RETURNING id
)
SELECT (SELECT id FROM source), (SELECT id FROM columns)
""")

_RUN = text("""
INSERT INTO intake_runs (source_id, column_set_id, kind, file_name, file_size, file_digest,
                         status, finished_at, user_id, via)
SELECT s.id, c.id, 'providers', 'test.csv', 0, 'none', 'DONE', now(), :user_id, 'system'
FROM sources s, column_sets c WHERE s.name = 'TEST' AND c.fields = :fields
RETURNING id, source_id, column_set_id
""")

# Luhn over 80840 and the nine digits, as in the announcement of the NPI standard.
_PROVIDERS = text("""
WITH numbered AS (
    SELECT n, (100000000 + :first + n)::text AS stem FROM generate_series(1, :count) n
), digits AS (
    SELECT n, stem, 24 + sum(CASE WHEN at % 2 = 1 THEN (2 * d) / 10 + (2 * d) % 10 ELSE d END)
        AS total
    FROM numbered, LATERAL (
        SELECT at, substr(stem, at, 1)::int AS d FROM generate_series(1, 9) at
    ) each
    GROUP BY n, stem
), added AS (
    INSERT INTO individual_providers (
        source_id, column_set_id, npi, last_name, first_name, credential, sex,
        practice_address_1, practice_city, practice_state, practice_zip, practice_country,
        enumeration_date, last_update_date, certification_date,
        taxonomy_code_1, license_number_1, license_state_1, taxonomy_primary_1)
    SELECT :source_id, :column_set_id, stem || ((10 - total % 10) % 10), 'SANDERS', 'MARTHA',
           'MD', 'F', '12 MAIN STREET', 'KEARNEY', 'NE', '688472944', 'US',
           current_date - 900, current_date - 30, current_date - 30,
           '207Q00000X', 'NE' || stem, 'NE', 'Y'
    FROM digits ORDER BY n
    RETURNING id, npi
)
INSERT INTO provider_sources (
    provider_id, run_id, line, source_id, column_set_id, occurrence, source_key, row_hash)
SELECT id, :run_id, row_number() OVER (ORDER BY id) + 1, :source_id, :column_set_id, 1, npi,
       md5(npi)::uuid
FROM added
RETURNING provider_id
""")

_ITEMS = text("""
WITH made AS (
    INSERT INTO work_items (
        provider_id, queue_type, priority, rule_id, fingerprint, evidence, evidence_hash)
    SELECT id, :queue_type, :priority, :rule_id, :rule_id || ':' || id, '{}', md5('{}')::uuid
    FROM unnest(CAST(:providers AS bigint[])) id ORDER BY id
    RETURNING id, provider_id
), members AS (
    INSERT INTO work_item_providers (work_item_id, provider_id) SELECT id, provider_id FROM made
), actions AS (
    INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type, payload)
    SELECT id, 1, :user_id, 'system', 'create', jsonb_build_object('to', 'OPEN')
    FROM made ORDER BY id
)
SELECT id FROM made ORDER BY id
""")


def make_providers(session: Session, count: int) -> list[int]:
    """`count` clean records, but for the phone that they lack; their ids."""
    system = acting(session, SYSTEM)
    fields = sorted(field.name for field in FIELDS)
    session.execute(_PROVENANCE, {"fields": fields})
    run = session.execute(_RUN, {"fields": fields, "user_id": system.id}).one()
    first = session.scalar(text("SELECT count(*) FROM individual_providers"))
    bound = {
        "first": first,
        "count": count,
        "run_id": run.id,
        "source_id": run.source_id,
        "column_set_id": run.column_set_id,
    }
    return sorted(session.scalars(_PROVIDERS, bound))


def make_items(
    database: Database,
    count: int = 1,
    *,
    rule_id: str = RULE_ID,
    queue_type: str = "MISSING_DATA",
    priority: int = 2,
) -> list[int]:
    """`count` OPEN items, each about a record of its own; their ids in order of age."""
    with database.transaction() as session:
        providers = make_providers(session, count)
        session.execute(_RULE, {"rule_id": rule_id, "queue_type": queue_type})
        made = session.scalars(
            _ITEMS,
            {
                "providers": providers,
                "queue_type": queue_type,
                "rule_id": rule_id,
                "priority": priority,
                "user_id": acting(session, SYSTEM).id,
            },
        )
        return list(made)


def row(database: Database, item_id: int) -> Mapping[str, Any]:
    """The item's row as it is now."""
    with database.transaction() as session:
        found = session.execute(
            text("SELECT * FROM work_items WHERE id = :id"), {"id": item_id}
        ).one()
        return dict(found._mapping)


def actions(database: Database, item_id: int) -> list[Mapping[str, Any]]:
    """The item's action rows by seq, each with the name of its user."""
    with database.transaction() as session:
        found = session.execute(
            text(
                'SELECT a.*, u.username FROM work_actions a JOIN "user" u ON u.id = a.user_id '
                "WHERE work_item_id = :id ORDER BY seq"
            ),
            {"id": item_id},
        )
        return [dict(row._mapping) for row in found]


def lapse(database: Database, *item_ids: int) -> None:
    """Put the end of the items' leases into the past."""
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE work_items SET lease_expires_at = now() - interval '1 minute' "
                "WHERE id = ANY(:ids) AND status = 'IN_PROGRESS'"
            ),
            {"ids": list(item_ids)},
        )


def cure(database: Database, item_id: int) -> None:
    """Mark an item's problem as gone, as detection does under a holder."""
    with database.transaction() as session:
        system = acting(session, SYSTEM)
        session.execute(
            text(
                "WITH changed AS (UPDATE work_items SET cured_at = now(), version = version + 1 "
                "WHERE id = :id RETURNING id, version) "
                "INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type) "
                "SELECT id, version, :user_id, 'system', 'cure' FROM changed"
            ),
            {"id": item_id, "user_id": system.id},
        )
