"""Write the rows of one block: new ones by COPY, known ones by set-based comparison.

All of it happens in the caller's transaction, on the raw cursor: COPY has no other door.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Final

import psycopg2.extensions
import pyarrow as pa
import pyarrow.csv as pa_csv

from workqueue.intake.records import Reject

Cursor = psycopg2.extensions.cursor

_COPY_STEP: Final = 1 << 20
# The temporary tables have no statistics; without this, each block would read whole tables.
BY_INDEX: Final = """
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;
    SET LOCAL enable_seqscan = off
"""


# The name index takes new entries in large portions; the last block leaves it as small as usual.
_SETTINGS: Final = """
    SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '64MB';
    SET LOCAL gin_pending_list_limit = '{pending}'
"""


@dataclass(frozen=True)
class Target:
    """Where rows of this load go: source, run, the fields of the file and their set's id.

    `by_npi` says that the source's key is the NPI, as in NPPES.
    """

    source_id: int
    by_npi: bool
    run_id: int
    column_set_id: int
    fields: tuple[str, ...]


@dataclass
class Tally:
    """What became of the records of a block or a whole file."""

    read: int = 0
    loaded: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    skipped: int = 0
    normalised: dict[str, int] = field(default_factory=dict)


def prepare(cursor: Cursor, *, last: bool) -> None:
    """Settings for the transaction of one block, or of the last block of a file.

    It is committed without waiting for the disk: a block lost in a crash is lost together with
    its offset, and read again.
    """
    cursor.execute(_SETTINGS.format(pending="4MB" if last else "64MB"))


def copy_in(cursor: Cursor, table: str, rows: pa.Table) -> None:
    """COPY Arrow rows into the columns of the same names. NULL stays NULL; "" cannot occur."""
    buffer = io.BytesIO()
    pa_csv.write_csv(rows, buffer, pa_csv.WriteOptions(include_header=False))
    buffer.seek(0)
    columns = ", ".join(rows.column_names)
    cursor.copy_expert(
        f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT csv)", buffer, size=_COPY_STEP
    )


def column_set_id(cursor: Cursor, fields: tuple[str, ...]) -> int:
    """The id of a set of fields, made if need be."""
    wanted = sorted(fields)
    for _ in range(2):
        cursor.execute("SELECT id FROM column_sets WHERE fields = %s", (wanted,))
        found = cursor.fetchone()
        if found:
            return int(found[0])
        cursor.execute(
            "INSERT INTO column_sets (fields) VALUES (%s) ON CONFLICT DO NOTHING", (wanted,)
        )
    raise LookupError("a column set was neither found nor made")


def add_new(cursor: Cursor, target: Target, rows: pa.Table) -> None:
    """Insert providers and their provenance for rows that no earlier file brought."""
    count = rows.num_rows
    if count == 0:
        return
    cursor.execute(
        # The name of the sequence in a query of its own: it is looked up once, not for each row.
        "SELECT array_agg(nextval((SELECT pg_get_serial_sequence('individual_providers', 'id')"
        "::regclass))) FROM generate_series(1, %s)",
        (count,),
    )
    ids = pa.array(cursor.fetchall()[0][0], pa.int64())
    source = _constant(target.source_id, count)
    columns = _constant(target.column_set_id, count)
    # Columns that are blank throughout the block, such as the upper slots, need not be sent.
    filled = [name for name in target.fields if rows[name].null_count < count]
    copy_in(
        cursor,
        "individual_providers",
        pa.table(
            {
                "id": ids,
                "source_id": source,
                "column_set_id": columns,
                **{name: rows[name] for name in filled},
            }
        ),
    )
    copy_in(
        cursor,
        "provider_sources",
        pa.table(
            {
                "provider_id": ids,
                "run_id": _constant(target.run_id, count),
                "line": rows["_line"],
                "source_id": source,
                "column_set_id": columns,
                "occurrence": rows["_occurrence"],
                "source_key": rows["_key"],
                "row_hash": rows["_hash"],
                "as_received": rows["_received"],
            }
            # In the order of the unique index: neighbours go to the same page of it.
        ).sort_by("source_key"),
    )


def _constant(value: int, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.int64()), count)


def find_known(cursor: Cursor, target: Target, rows: pa.Table) -> list[tuple[int, int | None]]:
    """Rows that are new or changed: position in `rows`, and the provider's id or None if new."""
    cursor.execute(
        'CREATE TEMP TABLE intake_keys (place integer, source_key text COLLATE "C",'
        " occurrence integer, row_hash uuid) ON COMMIT DROP"
    )
    copy_in(
        cursor,
        "intake_keys",
        pa.table(
            {
                "place": pa.array(range(rows.num_rows), pa.int32()),
                "source_key": rows["_key"],
                "occurrence": rows["_occurrence"],
                "row_hash": rows["_hash"],
            }
        ),
    )
    cursor.execute(BY_INDEX)
    cursor.execute(
        "SELECT k.place, s.provider_id FROM intake_keys k"
        " LEFT JOIN provider_sources s ON s.source_id = %s AND s.source_key = k.source_key"
        " AND s.occurrence = k.occurrence"
        " WHERE s.row_hash IS DISTINCT FROM k.row_hash ORDER BY k.place",
        (target.source_id,),
    )
    return cursor.fetchall()


def find_deactivated(cursor: Cursor, target: Target, rows: pa.Table) -> list[tuple[int, int]]:
    """The providers that deactivation rows name: position in `rows` and provider id."""
    cursor.execute(
        'CREATE TEMP TABLE intake_npis (place integer, npi text COLLATE "C") ON COMMIT DROP'
    )
    copy_in(
        cursor,
        "intake_npis",
        pa.table({"place": pa.array(range(rows.num_rows), pa.int32()), "npi": rows["npi"]}),
    )
    cursor.execute(BY_INDEX)
    found = (
        "SELECT provider_id AS id FROM provider_sources WHERE source_key = k.npi"
        if target.by_npi
        else "SELECT id FROM individual_providers WHERE npi = k.npi"
    )
    # OFFSET 0 keeps the order: in a first load the records have no statistics either, and the
    # other way round the whole source would be read for each block, and each block for its rows.
    cursor.execute(
        f"SELECT k.place, p.id FROM intake_npis k, LATERAL ({found} AND source_id = %s OFFSET 0) p"
        " ORDER BY k.place",
        (target.source_id,),
    )
    return cursor.fetchall()


def add_deactivated(cursor: Cursor, target: Target, rows: pa.Table) -> None:
    """Keep the NPIs that NPPES says are deactivated, of providers that it has told nothing of."""
    if rows.num_rows == 0:
        return
    cursor.execute(
        'CREATE TEMP TABLE intake_gone (place integer, npi text COLLATE "C",'
        " deactivation_date date) ON COMMIT DROP"
    )
    places = pa.array(range(rows.num_rows), pa.int32())
    told = {name: rows[name] for name in ("npi", "deactivation_date")}
    copy_in(cursor, "intake_gone", pa.table({"place": places, **told}))
    # A report may name one NPI twice: the later line counts.
    cursor.execute(
        "INSERT INTO nppes_deactivations (npi, deactivation_date, run_id)"
        " SELECT DISTINCT ON (npi) npi, deactivation_date, %s FROM intake_gone"
        " WHERE npi IS NOT NULL AND deactivation_date IS NOT NULL ORDER BY npi, place DESC"
        " ON CONFLICT (npi) DO UPDATE SET deactivation_date = excluded.deactivation_date,"
        " run_id = excluded.run_id"
        " WHERE nppes_deactivations.deactivation_date <> excluded.deactivation_date",
        (target.run_id,),
    )


def add_rejects(cursor: Cursor, target: Target, rejects: list[Reject]) -> None:
    """Keep the lines that could not be loaded."""
    if rejects:
        copy_in(
            cursor,
            "intake_rejects",
            pa.table(
                {
                    "run_id": _constant(target.run_id, len(rejects)),
                    "line": pa.array([reject.line for reject in rejects], pa.int64()),
                    "reason": pa.array([reject.reason for reject in rejects]),
                    "raw": pa.array([reject.raw for reject in rejects]),
                }
            ),
        )
