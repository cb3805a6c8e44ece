"""Times an export of every item against bare COPY, on a database that `million` filled.

Run: python -m tests.benchmarks.export_speed POSTGRESQL-ADDRESS. Aims at a million rows: within 1.5
times a bare COPY of the same columns, and at most 100 MB of memory. Prints; asserts nothing.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from workqueue.accounts import local
from workqueue.database import Database
from workqueue.export import export_items
from workqueue.inbox import Filter
from workqueue.settings import psycopg2_url

# The same rows and columns, without guard, quotes, CRLF, ISO times, digest and manifest.
PLAIN = """
COPY (SELECT w.id, p.npi, p.last_name || ', ' || p.first_name, p.practice_state, w.rule_id, r.title,
             r.exit_condition, w.queue_type, w.status, w.priority, w.created_at, h.username,
             w.resolved_at, c.username, w.notes, w.evidence, w.version, w.version,
             encode(a.hash, 'hex')
      FROM work_items w JOIN individual_providers p ON p.id = w.provider_id
      JOIN rules r ON r.id = w.rule_id
      LEFT JOIN "user" h ON h.id = w.assigned_to LEFT JOIN "user" c ON c.id = w.resolved_by
      LEFT JOIN work_actions a ON a.work_item_id = w.id AND a.seq = w.version
      ORDER BY w.id) TO STDOUT (FORMAT csv, HEADER)
"""
TABLE = "COPY work_items TO STDOUT (FORMAT csv, HEADER)"


def bare(database: Database, out: Path, query: str) -> float:
    """Seconds of a COPY into a file by psycopg2."""
    start = time.perf_counter()
    with database.snapshot() as session, out.open("wb") as file:
        connection = session.connection().connection.driver_connection
        assert connection is not None
        with connection.cursor() as cursor:
            cursor.copy_expert(query, file)
    return time.perf_counter() - start


def main() -> None:
    """Three rounds of each; the memory is the highest of this process, all rounds included."""
    with Database(psycopg2_url(sys.argv[1])) as database, tempfile.TemporaryDirectory() as folder:
        with database.snapshot() as session:
            rows = session.scalar(text("SELECT count(*) FROM work_items"))
        print(f"{rows} items")
        for _ in range(3):
            table = bare(database, Path(folder, "table.csv"), TABLE)
            plain = bare(database, Path(folder, "plain.csv"), PLAIN)
            print(f"bare COPY: table {table:.2f} s, same columns {plain:.2f} s", flush=True)
            for form in ("csv", "jsonl"):
                start = time.perf_counter()
                out = Path(folder, f"items.{form}")
                export_items(database, Filter(), out, actor=local(), form=form, overwrite=True)
                took = time.perf_counter() - start
                print(
                    f"{form}: {took:.2f} s, {took / plain:.2f} of bare COPY, "
                    f"{out.stat().st_size / 2**20:.0f} MB",
                    flush=True,
                )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
