"""Loading a file with all columns, beside a bare COPY of it into a table of as many text columns.

By turns on the same server, in databases of their own; then the same file again, which changes
nothing. Run: python -m tests.benchmarks.load_speed --rows 1000000
"""

from __future__ import annotations

import csv
from pathlib import Path

import psycopg2

from tests.benchmarks.place import (
    ACTOR,
    Figure,
    Place,
    Step,
    measured,
    median,
    provider_file,
    run,
)
from workqueue.database import Database
from workqueue.intake import LoadReport, load
from workqueue.settings import Settings

ROUNDS = 3
_TABLES = ("individual_providers", "provider_sources")


def load_file(url: str, path: Path) -> LoadReport:
    """Load one file, as the command does."""
    with Database(url) as database:
        return load(database, [path], actor=ACTOR, settings=Settings(database_url=url))


def bare_copy(libpq: str, path: Path) -> int:
    """COPY the file as it is into a new table; the number of rows."""
    with path.open(encoding="utf-8", newline="") as file:
        width = len(next(csv.reader(file)))
    columns = ", ".join(f"c{number} text" for number in range(1, width + 1))
    connection = psycopg2.connect(libpq)
    with connection, connection.cursor() as cursor, path.open("rb") as lines:
        cursor.execute(f"CREATE TABLE bare ({columns})")
        cursor.copy_expert("COPY bare FROM STDIN (FORMAT csv, HEADER)", lines, size=1 << 20)
        count = cursor.rowcount
    connection.close()
    return count


def measure(place: Place, rows: int) -> list[Figure]:
    """Rounds of both sides, and the sizes that the last one leaves."""
    path = provider_file(rows)
    loads: list[Step] = []
    again: list[Step] = []
    bare: list[Step] = []
    empty = place.empty()
    for _ in range(ROUNDS):
        with place.copy(empty) as name:
            bare.append(measured(bare_copy, place.libpq("owner", name), path))
        with place.copy(empty) as name:
            loads.append(measured(load_file, place.url("app", name), path))
            again.append(measured(load_file, place.url("app", name), path))
            counts = {table: _count(place, name, table) for table in _TABLES}
            sizes = {
                f"{table}, {what}": int(str(place.ask(f"SELECT {size}('{table}')", name)[0][0]))
                for table in _TABLES
                for what, size in (("rows", "pg_table_size"), ("indexes", "pg_indexes_size"))
            }
    report = again[-1].value
    assert isinstance(report, LoadReport)
    megabytes = path.stat().st_size / 1e6
    first, second, copied = (
        median([step.seconds for step in side]) for side in (loads, again, bare)
    )
    loaded = counts["individual_providers"]
    return [
        Figure("file", megabytes, "MB"),
        Figure("bare COPY", copied, "s"),
        Figure("bare COPY", megabytes / copied, "MB/s"),
        Figure("load", first, "s"),
        Figure("load", megabytes / first, "MB/s"),
        Figure("speed of load / bare COPY", copied / first, at_least=0.6),
        Figure("the same file again", second, "s"),
        Figure("the same file again / load", second / first, at_most=1),
        Figure("the same file again: rows changed", report.loaded + report.updated, at_most=0),
        Figure("load: peak memory", max(step.peak_mb for step in loads), "MB"),
        Figure("the same file again: peak memory", max(step.peak_mb for step in again), "MB"),
        Figure("provider rows", loaded),
        *(Figure(f"bytes per row: {name}", size / loaded, "B") for name, size in sizes.items()),
        Figure("bytes per row: in all", sum(sizes.values()) / loaded, "B"),
    ]


def _count(place: Place, name: str, table: str) -> int:
    return int(str(place.ask(f"SELECT count(*) FROM {table}", name)[0][0]))


if __name__ == "__main__":
    run(measure, __doc__)
