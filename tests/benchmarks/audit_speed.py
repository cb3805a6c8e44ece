"""The audit: verifying every action row, and exporting every item, beside bare COPY.

COPY writes the same rows and columns by the same joins (`export_speed.PLAIN`), and once only
`work_items` as it is. Run: python -m tests.benchmarks.audit_speed --rows 1000000
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.benchmarks.export_speed import PLAIN, TABLE, bare
from tests.benchmarks.place import ACTOR, Figure, Place, measured, median, run
from workqueue.audit import verify
from workqueue.database import Database
from workqueue.export import export_items
from workqueue.inbox import Filter

ROUNDS = 3


def verifying(url: str) -> tuple[int, list[float]]:
    """Rows, and seconds of each round. Raises AssertionError where the history is broken."""
    took = []
    with Database(url) as database:
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            found = verify(database)
            took.append(time.perf_counter() - begun)
            assert found.ok, found.words()
    return found.rows, took


def exporting(url: str, out: Path) -> float:
    """Seconds of one export of all items."""
    with Database(url) as database:
        begun = time.perf_counter()
        export_items(database, Filter(), out, actor=ACTOR, overwrite=True)
        return time.perf_counter() - begun


def copying(url: str, out: Path, query: str) -> float:
    """Seconds of one bare COPY."""
    with Database(url) as database:
        return bare(database, out, query)


def measure(place: Place, rows: int) -> list[Figure]:
    """Verify, then rounds of export and both COPYs, each in a process of its own."""
    name = place.filled(rows)
    url = place.url("app", name)
    verified = measured(verifying, url)
    assert isinstance(verified.value, tuple)
    count, took = verified.value
    exports, plain, table, peaks = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for query, seconds in ((PLAIN, plain), (TABLE, table)):
                step = measured(copying, url, Path(folder, "copy.csv"), query)
                seconds.append(float(str(step.value)))
            step = measured(exporting, url, Path(folder, "items.csv"))
            exports.append(float(str(step.value)))
            peaks.append(step.peak_mb)
    return [
        Figure("verify: action rows", count),
        Figure("verify", median(took), "s"),
        Figure("verify, for each million rows", median(took) / count * 1e6, "s", at_most=6),
        Figure("verify: peak memory", verified.peak_mb, "MB"),
        Figure("bare COPY of work_items", median(table), "s"),
        Figure("bare COPY of the same query", median(plain), "s"),
        Figure("export of all items", median(exports), "s"),
        Figure("export / bare COPY", median(exports) / median(plain), at_most=1.5),
        Figure("export: peak memory", max(peaks), "MB", at_most=100),
    ]


if __name__ == "__main__":
    run(measure, __doc__)
