"""Bring changed rows into the records that they belong to, set by set, in the caller's transaction.

The rules of it: see `merge`.
"""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa

from workqueue.fields import BY_NAME, Form
from workqueue.intake.store import BY_INDEX, Cursor, Target, column_set_id, copy_in


def merge(
    cursor: Cursor, target: Target, rows: pa.Table, *, deactivation: bool = False
) -> set[int]:
    """Bring changed rows (with a column `provider_id`) into the records they belong to.

    Only fields of the file count. A file without some field that the record is known by is
    partial: its blanks leave values alone. Under a correction the effective value stays, and the
    correction learns what the source says now. What was said before goes to the history. A
    `deactivation` never blanks, and leaves the record's provenance as it is. Answers the ids of
    the providers that changed.
    """
    if rows.num_rows == 0:
        return set()
    names = target.fields
    typed = ", ".join(
        f"{name} {'date' if BY_NAME[name].form is Form.DATE else 'text'}" for name in names
    )
    cursor.execute(
        "CREATE TEMP TABLE intake_rows (provider_id bigint PRIMARY KEY, line bigint,"
        f" row_hash uuid, as_received jsonb, {typed}) ON COMMIT DROP"
    )
    copy_in(
        cursor,
        "intake_rows",
        pa.table(
            {
                "provider_id": rows["provider_id"],
                "line": rows["_line"],
                "row_hash": rows["_hash"],
                "as_received": rows["_received"],
                **{name: rows[name] for name in names},
            }
        ),
    )
    cursor.execute(BY_INDEX)
    # A correction that is being made at this moment is waited for, and then respected.
    cursor.execute(
        "SELECT id FROM individual_providers WHERE id IN (SELECT provider_id FROM intake_rows)"
        " ORDER BY id FOR UPDATE"
    )
    _knowledge(cursor, target, always_partial=deactivation)
    cursor.execute(_compare(names))
    cursor.execute("SELECT provider_id FROM intake_changes")
    changed = {int(row[0]) for row in cursor.fetchall()}
    if changed:
        _apply(cursor, target, provenance=not deactivation)
    cursor.execute("DROP TABLE intake_rows, intake_changes, intake_known")
    return changed


def _knowledge(cursor: Cursor, target: Target, *, always_partial: bool) -> None:
    """For each set of fields among the records: is the file partial for it, and the union."""
    cursor.execute(
        "SELECT id, fields FROM column_sets WHERE id IN (SELECT p.column_set_id"
        " FROM individual_providers p JOIN intake_rows n ON n.provider_id = p.id)"
    )
    told = set(target.fields)
    known: list[tuple[int, bool, int]] = [
        (
            set_id,
            always_partial or not set(fields) <= told,
            column_set_id(cursor, tuple(told | set(fields))),
        )
        for set_id, fields in cursor.fetchall()
    ]
    cursor.execute(
        "CREATE TEMP TABLE intake_known (column_set_id integer, partial boolean,"
        " union_id integer) ON COMMIT DROP"
    )
    for row in known:
        cursor.execute("INSERT INTO intake_known VALUES (%s, %s, %s)", row)


def _compare(names: tuple[str, ...]) -> str:
    """SQL: `intake_changes`, one row for each record that differs or becomes better known.

    `former` and `latter` hold the source's old and new value of each field that differs, `live`
    the source's value under each correction.
    """
    values = ", ".join(
        f"('{name}', CASE WHEN o.live ? '{name}' THEN o.live->>'{name}' ELSE p.{name}::text END,"
        f" n.{name}::text)"
        for name in names
    )
    return f"""
        CREATE TEMP TABLE intake_changes ON COMMIT DROP AS
        SELECT n.provider_id, k.partial, k.union_id, o.live, d.former, d.latter
        FROM intake_rows n
        JOIN individual_providers p ON p.id = n.provider_id
        JOIN intake_known k ON k.column_set_id = p.column_set_id
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(field, current_source_value) AS live
            FROM provider_overrides
            WHERE provider_id = p.id AND withdrawn_at IS NULL) o
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(v.field, v.old) AS former,
                   jsonb_object_agg(v.field, v.new) AS latter
            FROM (VALUES {values}) v (field, old, new)
            WHERE v.old IS DISTINCT FROM v.new AND NOT (k.partial AND v.new IS NULL)) d
        WHERE d.former IS NOT NULL OR k.union_id <> p.column_set_id"""


def _apply(cursor: Cursor, target: Target, *, provenance: bool) -> None:
    cursor.execute(
        """
        INSERT INTO provider_source_history (provider_id, run_id, former)
        SELECT c.provider_id, %s, jsonb_strip_nulls(jsonb_build_object(
                   'run_id', s.run_id, 'line', s.line, 'as_received', s.as_received))
               || jsonb_build_object('values', c.former)
        FROM intake_changes c JOIN provider_sources s USING (provider_id)
        WHERE c.former IS NOT NULL ORDER BY c.provider_id""",
        (target.run_id,),
    )
    assigned = ", ".join(
        f"{name} = CASE WHEN c.former ? '{name}' AND (c.live ? '{name}') IS NOT TRUE"
        f" THEN n.{name} ELSE p.{name} END"
        for name in target.fields
    )
    cursor.execute(
        f"UPDATE individual_providers p SET column_set_id = c.union_id, {assigned}"
        " FROM intake_changes c JOIN intake_rows n USING (provider_id)"
        " WHERE p.id = c.provider_id"
    )
    cursor.execute(
        """
        UPDATE provider_overrides o
        SET current_source_value = v.value, source_changed_at = now()
        FROM intake_changes c, LATERAL jsonb_each_text(c.latter) v
        WHERE c.live IS NOT NULL AND o.provider_id = c.provider_id AND o.field = v.key
          AND o.withdrawn_at IS NULL"""
    )
    if provenance:
        cursor.execute(_PROVENANCE, _provenance_values(target))


# Raw texts of fields that this row says nothing about are kept.
_PROVENANCE: Final = """
    UPDATE provider_sources s
    SET run_id = %(run_id)s, line = n.line, column_set_id = %(column_set_id)s,
        row_hash = n.row_hash,
        as_received = nullif(coalesce(kept.texts, '{}') || coalesce(n.as_received, '{}'), '{}')
    FROM intake_changes c JOIN intake_rows n USING (provider_id)
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(e.key, e.value) AS texts
        FROM provider_sources old, LATERAL jsonb_each(old.as_received) e
        WHERE old.provider_id = c.provider_id AND old.as_received IS NOT NULL
          AND (e.key <> ALL (%(fields)s) OR (c.partial AND to_jsonb(n)->>e.key IS NULL))) kept
    WHERE s.provider_id = c.provider_id
"""


def _provenance_values(target: Target) -> dict[str, Any]:
    return {
        "run_id": target.run_id,
        "column_set_id": target.column_set_id,
        "fields": list(target.fields),
    }
