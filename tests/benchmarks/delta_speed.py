"""A weekly delta, then the run that looks at what it changed; the same again with nothing new.

Some 3 % of the rows of the loaded file come again with other values: names, phones, licences,
addresses, NPIs. Then a full run, which must have nothing left to do.
Run: python -m tests.benchmarks.delta_speed --rows 1000000
"""

from __future__ import annotations

import csv
import random
import time
from pathlib import Path

from tests.benchmarks.detection_speed import run_detection
from tests.benchmarks.load_speed import load_file
from tests.benchmarks.place import (
    ACTOR,
    AS_OF,
    FILES,
    SEED,
    Figure,
    Place,
    measured,
    provider_file,
    run,
)
from workqueue.database import Database
from workqueue.detection import DetectReport, detect

SHARE = 0.03
_PHONE = "Provider Business Practice Location Address Telephone Number"
_LICENSE = "Provider License Number_1"


def delta_file(rows: int) -> Path:
    """A file with other values for some of the providers of the generated one."""
    path = FILES / f"npidata_pfile_20260601-20260607_{rows}_{SEED}.csv"
    if path.exists():
        return path
    rng = random.Random(SEED)
    with (
        provider_file(rows).open(encoding="utf-8", newline="") as whole,
        path.open("w", encoding="utf-8", newline="") as part,
    ):
        lines = csv.DictReader(whole)
        written = csv.DictWriter(part, lines.fieldnames or (), quoting=csv.QUOTE_ALL)
        written.writeheader()
        last: dict[str, str] = {}
        for line in lines:
            if line["Entity Type Code"] != "1" or rng.random() >= SHARE:
                continue
            for name in (_PHONE, _LICENSE, "Provider Last Name (Legal Name)"):
                chance = rng.random()
                if chance < 0.1:
                    line[name] = ""
                elif chance < 0.4 and last:
                    line[name] = last[name]
            last = line
            line["Last Update Date"] = "05/30/2026"
            written.writerow(line)
    return path


def run_in_full(url: str) -> DetectReport:
    """A run that looks at every record."""
    with Database(url) as database:
        return detect(database, actor=ACTOR, as_of=AS_OF, full=True)


def measure(place: Place, rows: int) -> list[Figure]:
    """Load, look at the changes, look again, and look at everything."""
    path = delta_file(rows)
    with place.copy(place.detected(rows)) as name:
        url = place.url("app", name)
        loading = measured(load_file, url, path)
        begun = time.perf_counter()
        steps = [measured(run_detection, url) for _ in range(3)]
        took = time.perf_counter() - begun
        whole = measured(run_in_full, url)
    first, *again = [step.value for step in steps]
    last = whole.value
    assert isinstance(first, DetectReport)
    assert isinstance(last, DetectReport)
    assert not first.full
    left = last.new + last.refreshed + last.closed + last.reopened + last.cured + last.recurred
    acted = first.new + first.refreshed + first.closed + first.reopened
    looked = [report.looked_at for report in again if isinstance(report, DetectReport)]
    return [
        Figure("load of the delta", loading.seconds, "s"),
        Figure("records looked at", first.looked_at),
        Figure("items changed", acted),
        *(Figure(f"changes: {part}", value, "s") for part, value in first.timings.items()),
        Figure("changes: in all", steps[0].seconds, "s", at_most=10),
        Figure("changes: peak memory", steps[0].peak_mb, "MB"),
        Figure("nothing new: in all", min(step.seconds for step in steps[1:]), "s", at_most=1),
        Figure("nothing new: records looked at", min(looked)),
        Figure("three runs with their processes", took, "s"),
        Figure("full run after it: in all", whole.seconds, "s"),
        Figure("full run after it: items changed", left, at_most=0),
    ]


if __name__ == "__main__":
    run(measure, __doc__)
