"""Fills a migrated, empty database with providers, items and actions by SQL, for benchmarks.

The shape follows what detection leaves behind: most items come from a few runs and share their
creation time, stale records outnumber everything else, and some rules and states are very rare.
Actions are chained by the same function as the trigger's, which is off meanwhile (superuser).
"""

from __future__ import annotations

from sqlalchemy import text

from workqueue.database import Database

RULES = (
    # id, queue type, priority, share of all items in parts of 10,000
    ("RECORD_STALE", "VALIDATION_FLAG", 5, 6000),
    ("LICENSE_MISSING", "MISSING_DATA", 1, 400),
    ("PHONE_INVALID", "VALIDATION_FLAG", 2, 900),
    ("PHONE_MISSING", "MISSING_DATA", 2, 1200),
    ("ZIP_INVALID", "VALIDATION_FLAG", 2, 700),
    ("PO_BOX_PRACTICE", "VALIDATION_FLAG", 2, 500),
    ("NAME_SUSPICIOUS", "VALIDATION_FLAG", 2, 250),
    ("NPI_DUPLICATE", "DUPLICATE_CHECK", 1, 30),
    ("LICENSE_SHARED", "DUPLICATE_CHECK", 1, 19),
    ("NPI_CHECK_DIGIT", "VALIDATION_FLAG", 1, 1),
)

PROVIDERS = """
INSERT INTO sources (name) VALUES ('NPPES');
INSERT INTO column_sets (fields) VALUES ('{npi,last_name}');
INSERT INTO individual_providers
    (source_id, column_set_id, npi, last_name, first_name, middle_name, credential,
     practice_state, practice_city, practice_phone, enumeration_date)
SELECT 1, 1, (1000000000 + n)::text, syllable(n, 3), syllable(n + 7919, 2),
       CASE WHEN n % 3 = 0 THEN chr(65 + (n % 26)::int) END,
       (ARRAY['MD', 'DO', 'NP', NULL])[1 + n % 4],
       CASE WHEN n % 50000 = 0 THEN 'AS' WHEN n % 500 = 0 THEN 'WY'
            ELSE (ARRAY['CA','NY','TX','FL','PA','IL','OH','MA','MI','WA'])
                 [1 + floor(power(draw(n), 2) * 10)::int] END,
       'SPRINGFIELD', '5415550' || lpad((n % 1000)::text, 3, '0'), '2010-01-01'
FROM generate_series(1, :rows) n;
INSERT INTO intake_runs (source_id, column_set_id, kind, file_name, file_size, file_digest,
                         status, finished_at, user_id, via)
VALUES (1, 1, 'providers', 'million.csv', 0, 'none', 'DONE', now(), 1, 'system');
INSERT INTO provider_sources
    (provider_id, run_id, line, source_id, column_set_id, occurrence, source_key, row_hash)
SELECT id, 1, id + 1, 1, 1, 1, npi, md5(npi)::uuid FROM individual_providers;
"""

# Pure functions of the row number, so that every run builds the same database.
FUNCTIONS = """
CREATE FUNCTION pg_temp.draw(n bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS
    $$ SELECT (hashint8(n)::bigint + 2147483648) / 4294967296.0 $$;
CREATE FUNCTION pg_temp.syllable(n bigint, parts int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg((ARRAY['SMI','JO','MAR','TIN','LO','PEZ','GAR','CIA','WIL','SON','BRO',
        'KEN','LEE','AN','DER','HAR','RIS','CLA','NGU','YEN','ROD','RI','GUE','THO','MAS','TAY',
        'LOR','MO','ORE','DAV'])[1 + floor(power(pg_temp.draw(n * 31 + part), 1.6) * 30)::int], '')
    FROM generate_series(1, parts) part $$;
"""

ITEMS = """
INSERT INTO work_items
    (provider_id, queue_type, status, priority, created_at, assigned_to, lease_expires_at,
     resolved_at, resolved_by, notes, rule_id, fingerprint, evidence, evidence_hash, version)
SELECT provider, r.queue_type, s.status,
       CASE WHEN n % 200 = 7 THEN 3 ELSE r.priority END,
       '2026-01-01T06:00Z'::timestamptz + CASE WHEN n % 10 < 9 THEN (n % 3) * interval '7 days'
            ELSE n % 17280000 * interval '1 second' END,
       CASE WHEN s.status = 'OPEN' THEN NULL ELSE 2 + n % 20 END,
       CASE WHEN s.status = 'IN_PROGRESS' THEN now() + interval '15 minutes' END,
       CASE WHEN s.status IN ('RESOLVED', 'REJECTED') THEN '2026-03-01T12:00Z'::timestamptz END,
       CASE WHEN s.status IN ('RESOLVED', 'REJECTED') THEN 2 + n % 20 END,
       CASE WHEN s.status = 'RESOLVED' THEN 'Checked by phone, "corrected", line' ELSE '' END,
       r.id, r.id || ':' || n, jsonb_build_object('value', '541555' || n, 'field', 'phone'),
       md5(n::text)::uuid,
       CASE s.status WHEN 'OPEN' THEN 1 WHEN 'IN_PROGRESS' THEN 2 ELSE 3 END
FROM generate_series(1, :rows) n
CROSS JOIN LATERAL (SELECT 1 + (hashint8(n + 99)::bigint + 2147483648) % :rows) p (provider)
CROSS JOIN LATERAL (SELECT (hashint8(n * 3 + 1)::bigint + 2147483648) % 10000) d (share)
JOIN shares r ON d.share >= r.low AND d.share < r.high
CROSS JOIN LATERAL (SELECT CASE WHEN n % 1000 < 1 THEN 'IN_PROGRESS' WHEN n % 100 < 85 THEN 'OPEN'
    WHEN n % 100 < 96 THEN 'RESOLVED' ELSE 'REJECTED' END) s (status);
"""

ACTIONS = """
INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type, payload, created_at, hash)
SELECT id, 1, 1, 'system', 'create', '{}', created_at,
       work_action_hash(NULL, id, 1, 1, 'system', 'create', '{}', NULL, created_at)
FROM work_items;
"""

# How the items that are not OPEN came to be so.
LATER_ACTIONS = """
INSERT INTO work_actions
    (work_item_id, seq, user_id, via, action_type, payload, created_at, prev_hash, hash)
SELECT item.id, last.seq + 1, item.assigned_to, 'web', act.type, act.payload, act.at, last.hash,
       work_action_hash(last.hash, item.id, last.seq + 1, item.assigned_to, 'web', act.type,
                        act.payload, NULL, act.at)
FROM work_items item
JOIN work_actions last ON last.work_item_id = item.id AND last.seq = :seq
CROSS JOIN LATERAL (
    SELECT CASE WHEN :seq = 1 THEN 'claim' WHEN item.status = 'RESOLVED' THEN 'resolve'
                ELSE 'reject' END AS type,
           CASE WHEN :seq = 1 THEN '{"from": "OPEN", "to": "IN_PROGRESS"}'::jsonb
                ELSE jsonb_build_object('from', 'IN_PROGRESS', 'to', item.status) END AS payload,
           '2026-03-01T11:50Z'::timestamptz + :seq * interval '5 minutes' AS at) act
WHERE item.version > :seq;
"""


def populate(superuser: Database, rows: int) -> None:
    """Put `rows` providers and items, with their actions, into the empty database.

    Takes some minutes for a million. Needs a superuser: the triggers are off while it runs. Users
    are user1 to user20, ids 2 to 21.
    """
    low = 0
    shares = []
    for name, queue_type, priority, share in RULES:
        shares.append((name, queue_type, priority, low, low + share))
        low += share
    with superuser.transaction() as session:
        run = session.connection().exec_driver_sql
        run("SET LOCAL session_replication_role = replica")
        run(FUNCTIONS)
        run(
            "CREATE TEMP TABLE shares (id text, queue_type text, priority int, low int, high int)"
            " ON COMMIT DROP"
        )
        for row in shares:
            run("INSERT INTO shares VALUES (%s, %s, %s, %s, %s)", row)
        run(
            "INSERT INTO rules (id, version, queue_type, priority, attribute, grouped, title,"
            " exit_condition, source) SELECT id, 1, queue_type, priority, 'npi', false,"
            " initcap(replace(id, '_', ' ')), 'The value is right.', 'Benchmark' FROM shares"
        )
        run(
            "INSERT INTO \"user\" (username, role) SELECT 'user' || n, 'reviewer'"
            " FROM generate_series(1, 20) n"
        )
        providers = PROVIDERS.replace("syllable(", "pg_temp.syllable(").replace(
            "draw(n)", "pg_temp.draw(n)"
        )
        for statements in (providers, ITEMS, ACTIONS):
            session.execute(text(statements), {"rows": rows})
        for seq in (1, 2):
            session.execute(text(LATER_ACTIONS), {"seq": seq})
    with superuser.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
