"""Pages, counts and text searches of the inbox on a database that `million` filled.

A table of medians for each filter and text, and the slowest page of all of them.
Run: python -m tests.benchmarks.inbox_speed --rows 1000000
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date

from sqlalchemy.orm import Session

from tests.benchmarks.place import Figure, Place, run
from workqueue.database import Database
from workqueue.inbox import Filter, count, page
from workqueue.lifecycle import Status

SIZE, REPEATS, CAP = 25, 5, 10_000
OPEN = (Status.OPEN,)

FILTERS = {
    "default": Filter.waiting("user1"),
    "everything": Filter(),
    "open": Filter(statuses=OPEN),
    "resolved": Filter(statuses=(Status.RESOLVED,)),
    "resolved and rejected": Filter(statuses=(Status.RESOLVED, Status.REJECTED)),
    "in progress": Filter(statuses=(Status.IN_PROGRESS,)),
    "default, type": Filter(statuses=OPEN, include_mine="user3", queue_types=("MISSING_DATA",)),
    "open, rare type": Filter(statuses=OPEN, queue_types=("DUPLICATE_CHECK",)),
    "open, common rule": Filter(statuses=OPEN, rule_ids=("RECORD_STALE",)),
    "open, rare rule": Filter(statuses=OPEN, rule_ids=("NPI_CHECK_DIGIT",)),
    "open, three rules": Filter(
        statuses=OPEN, rule_ids=("RECORD_STALE", "NPI_CHECK_DIGIT", "ZIP_INVALID")
    ),
    "resolved, rare rule": Filter(statuses=(Status.RESOLVED,), rule_ids=("NPI_CHECK_DIGIT",)),
    "all, rare rule": Filter(rule_ids=("NPI_CHECK_DIGIT",)),
    "open, priority 3": Filter(statuses=OPEN, priorities=(3,)),
    "open, priorities 1 and 5": Filter(statuses=OPEN, priorities=(1, 5)),
    "open, priority 4: none": Filter(statuses=OPEN, priorities=(4,)),
    "open, CA": Filter(statuses=OPEN, states=("CA",)),
    "open, WY": Filter(statuses=OPEN, states=("WY",)),
    "open, AS": Filter(statuses=OPEN, states=("AS",)),
    "open, WY, rare rule": Filter(statuses=OPEN, states=("WY",), rule_ids=("NPI_CHECK_DIGIT",)),
    "open, WY, common rule": Filter(statuses=OPEN, states=("WY",), rule_ids=("PHONE_MISSING",)),
    "open, CA, priority 5": Filter(statuses=OPEN, states=("CA",), priorities=(5,)),
    "user9, all": Filter(assignee="user9"),
    "nobody, open": Filter(statuses=OPEN, assignee="nobody"),
    "open, one day": Filter(
        statuses=OPEN, created_from=date(2026, 1, 5), created_to=date(2026, 1, 5)
    ),
    "one npi": Filter(npi="1000500000"),
    "one provider": Filter(provider_id=77_777),
}

TEXTS = ("smi", "wilson", "smitinlo", "sm", "jo", "xylophon", "qq", "smi mar", "10005", "19")


def median_ms(act: Callable[[], object], repeats: int = REPEATS) -> float:
    """The median of `repeats` runs after one that does not count, in milliseconds."""
    act()
    took = []
    for _ in range(repeats):
        start = time.perf_counter()
        act()
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def pages(session: Session, name: str, wanted: Filter) -> float:
    """Print one line: first, next, previous and last page, counts; the slowest page in ms."""
    first = page(session, wanted, size=SIZE)
    far = page(session, wanted, size=SIZE, last=True)
    acts: list[Callable[[], object] | None] = [
        lambda: page(session, wanted, size=SIZE),
        (lambda: page(session, wanted, size=SIZE, after=first.next)) if first.next else None,
        (lambda: page(session, wanted, size=SIZE, before=far.previous)) if far.previous else None,
        lambda: page(session, wanted, size=SIZE, last=True),
    ]
    took = [median_ms(act) if act else None for act in acts]
    capped = median_ms(lambda: count(session, wanted, cap=CAP))
    exact = median_ms(lambda: count(session, wanted), 1)
    total = count(session, wanted).value
    cells = " ".join("       -" if value is None else f"{value:8.1f}" for value in took)
    print(f"{name:26} {cells} {capped:8.1f} {exact:8.1f} {total:9}", flush=True)
    return max(value for value in took if value is not None)


def measure(place: Place, rows: int) -> list[Figure]:
    """Every filter and every text."""
    url = place.url("app", place.filled(rows))
    print(f"{'ms, median':26}    first     next previous     last   capped    exact     items")
    with Database(url) as database, database.snapshot() as session:
        filtered = {name: pages(session, name, wanted) for name, wanted in FILTERS.items()}
        searched = {}
        for text in TEXTS:
            for which, wanted in (
                ("open", Filter(statuses=OPEN, text=text)),
                ("all", Filter(text=text)),
            ):
                searched[f"{which}, {text}"] = pages(session, f"{which}, text {text!r}", wanted)
    return [
        Figure("page by default, slowest of the four", filtered["default"], "ms", at_most=50),
        *_slowest("page", filtered, 50),
        *_slowest("page of a text search", searched, 200),
    ]


def _slowest(title: str, took: dict[str, float], aim: float) -> list[Figure]:
    name = max(took, key=lambda key: took[key])
    return [
        Figure(f"{title}, median over all filters", statistics.median(took.values()), "ms"),
        Figure(f"{title}, slowest ({name})", took[name], "ms", at_most=aim),
    ]


if __name__ == "__main__":
    run(measure, __doc__)
