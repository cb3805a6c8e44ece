"""The metrics on a queue of a year: each frame, under the analyst role.

The database of `million` with a life for every item: created over 400 days, half of them claimed
and decided some hours later, one in twenty reopened, one in ten closed by the system.
Run: python -m tests.benchmarks.metrics_speed --rows 1000000
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.benchmarks.place import Figure, Place, measured, median, run
from workqueue import metrics
from workqueue.database import Database
from workqueue.inbox import Filter

ROUNDS = 3
Frames = dict[str, list[float]]

_LIFE = """
CREATE TEMP TABLE life ON COMMIT DROP AS
SELECT id, 2 + id % 20 AS user_id, now() - (hashint8(id)::bigint + 2147483648) % 34560000
           * interval '1 second' AS born,
       id % 2 = 0 AS decided, id % 20 = 0 AS reopened, id % 10 = 1 AS gone
FROM work_items;
UPDATE work_actions a SET created_at = born FROM life WHERE life.id = a.work_item_id;
UPDATE work_items i SET
    created_at = born, version = v.n, lease_expires_at = NULL,
    status = CASE WHEN decided AND NOT reopened OR gone THEN 'RESOLVED' ELSE 'OPEN' END,
    resolved_by = CASE WHEN decided AND NOT reopened OR gone THEN user_id END,
    resolved_at = CASE WHEN decided AND NOT reopened OR gone THEN born + interval '5 hours' END
FROM life CROSS JOIN LATERAL (SELECT CASE WHEN reopened THEN 4 WHEN decided THEN 3
    WHEN gone THEN 2 ELSE 1 END) v (n) WHERE life.id = i.id;
INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type, payload, created_at, hash)
SELECT id, seq, CASE WHEN act = 'close' THEN 1 ELSE user_id END, 'benchmark', act, '{}',
       born + seq * interval '1 hour' + id % 3000 * interval '1 second', sha256('')
FROM life CROSS JOIN LATERAL (VALUES
    (2, 'claim', decided), (3, CASE WHEN id % 6 = 0 THEN 'reject' ELSE 'resolve' END, decided),
    (4, 'reopen', reopened), (2, 'close', gone)) acts (seq, act, done)
WHERE done ORDER BY id, seq;
"""


def lived(place: Place, rows: int) -> str:
    """The name of the database with these lives."""

    def fill(name: str) -> None:
        with Database(place.url("superuser", name)) as superuser:
            with superuser.transaction() as session:
                session.execute(text("SET LOCAL session_replication_role = replica"))
                session.connection().exec_driver_sql(_LIFE.replace("%", "%%"))
            autocommit = superuser.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            with autocommit as connection:
                connection.execute(text("VACUUM FULL ANALYZE"))

    return place.made(f"lived_{rows}", fill, place.filled(rows))


def reading(url: str) -> Frames:
    """Milliseconds of each frame, every round in a snapshot of its own."""
    month = datetime.now(UTC).date() - timedelta(days=30)
    one_type = Filter(queue_types=("MISSING_DATA",))
    asked: dict[str, Callable[[Session], object]] = {
        "backlog": metrics.backlog,
        "backlog, one queue type": lambda s: metrics.backlog(s, one_type),
        "flow": metrics.flow,
        "ageing": metrics.ageing,
        "age bands": metrics.age_bands,
        "time to claim": metrics.time_to_claim,
        "time to resolve": metrics.time_to_resolve,
        "time to resolve by day": partial(metrics.time_to_resolve, by="day"),
        "time to resolve by reviewer, 30 days": partial(
            metrics.time_to_resolve, by="reviewer", first=month
        ),
        "throughput": metrics.throughput,
        "throughput, 30 days": partial(metrics.throughput, first=month),
        "decisions": metrics.decisions,
    }
    took: Frames = {name: [] for name in asked}
    with Database(url) as database:
        for _ in range(ROUNDS):
            for name, ask in asked.items():
                with database.snapshot() as session:
                    begun = time.perf_counter()
                    ask(session)
                    took[name].append((time.perf_counter() - begun) * 1000)
    return took


def measure(place: Place, rows: int) -> list[Figure]:
    """Every frame, by median, and all of them together as a notebook reads them."""
    step = measured(reading, place.url("analyst", lived(place, rows)))
    assert isinstance(step.value, dict)
    each = {name: median(took) for name, took in step.value.items()}
    slowest = 5_000 if rows <= 1_000_000 else None
    return [
        *(Figure(name, took, "ms", at_most=slowest) for name, took in each.items()),
        Figure("all of them", sum(each.values()) / 1000, "s"),
        Figure("peak memory", step.peak_mb, "MB"),
    ]


if __name__ == "__main__":
    run(measure, __doc__)
