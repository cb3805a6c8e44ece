"""How long duplicates take: python -m tests.benchmarks.duplicates_speed [--rows 100000].

A full search with a model that there is, the same with the estimation before it, and a search
around 30,000 changed records, each in a process of its own. On a machine that does other things
besides, the seconds of processor time tell more than those of the clock: both are printed.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.duplicates_truth import planted
from tests.benchmarks.place import FILES, Figure, Step, load_average, measured
from workqueue.duplicates import Model, find

SEED = 1
CHANGED = 30_000
_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Timed:
    """A search: findings, records asked, seconds by clock and processor; and its model as told."""

    findings: int
    asked: int
    clock: float
    processor: float
    records_mb: float
    model: dict[str, object]


def records(rows: int) -> pa.Table:
    """The generated records, kept in the temp folder for next time."""
    FILES.mkdir(exist_ok=True)
    path = FILES / f"duplicates_{rows}_{SEED}.parquet"
    if not path.exists():
        pq.write_table(planted(SEED, rows).records, path)
    return pq.read_table(path)


def search(rows: int, told: dict[str, object] | None, changed: int) -> Timed:
    """Search all `rows`, or around so many of them; without a model told, estimate one first."""
    table = records(rows)
    ids = None
    if changed:
        ids = frozenset(Random(SEED).sample(range(1, table.num_rows + 1), changed))
    model = Model(**told) if told else None  # type: ignore[arg-type]
    begun, busy = time.perf_counter(), time.process_time()
    found = find(table, model=model, changed=ids)
    return Timed(
        findings=found.findings.num_rows,
        asked=len(found.asked or ()),
        clock=time.perf_counter() - begun,
        processor=time.process_time() - busy,
        records_mb=table.nbytes / _BYTES,
        model=vars(found.model),
    )


def _timed(step: Step) -> Timed:
    # By name: in a script that runs as a module the class here is not the class there.
    return Timed(**vars(step.value))


def _figures(title: str, step: Step, at_most: float | None) -> list[Figure]:
    done = _timed(step)
    return [
        Figure(f"{title}: time", done.clock, "s", at_most=at_most),
        Figure(f"{title}: processor time", done.processor, "s"),
        Figure(f"{title}: peak memory, records and all", step.peak_mb, "MB", at_most=2048),
        Figure(f"{title}: findings", done.findings),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    held = records(rows).nbytes / _BYTES
    print(f"{rows:,} people, {held:,.0f} MB of records; load {load_average()} before")
    first = measured(search, rows, None, 0)
    model = _timed(first).model
    again = measured(search, rows, model, 0)
    part = measured(search, rows, model, min(CHANGED, rows // 10))
    asked = _timed(part).asked
    for figure in (
        *_figures("estimate and search", first, 60),
        *_figures("search", again, 60),
        *_figures(f"around {asked:,} records", part, 10),
    ):
        print(figure.line())
    print(f"load {load_average()} after")


if __name__ == "__main__":
    main()
