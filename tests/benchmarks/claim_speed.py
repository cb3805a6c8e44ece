"""Claim-next with its action row and chain, by 1, 4 and 16 processes, beside pgbench.

pgbench does the same in the plainest SQL: lock a candidate, update it, insert the action, whose
trigger chains it. Twice: as one statement, which is the ceiling, and as a transaction of separate
statements. Run: python -m tests.benchmarks.claim_speed --rows 1000000
"""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import tempfile
import time
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.benchmarks.place import Figure, Place, median, run
from workqueue import embedded
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.lifecycle import Kind
from workqueue.verbs import claim_next_at_once

WORKERS = (1, 4, 16)
SECONDS, ROUNDS = 4, 5
LEASE = timedelta(minutes=15)

_CANDIDATE = """SELECT id FROM work_items
    WHERE status = 'OPEN' AND assigned_to IS NULL AND cured_at IS NULL
    ORDER BY priority, created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"""
_CHANGE = """UPDATE work_items SET status = 'IN_PROGRESS', assigned_to = {user},
    version = version + 1, lease_expires_at = now() + interval '15 minutes'"""
_ACTION = "INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type, payload)"
_PAYLOAD = """jsonb_build_object('lease_expires_at', now() + interval '15 minutes',
    'from', 'OPEN', 'to', 'IN_PROGRESS')"""

SCRIPTS = {
    "one statement": f"""\\set user :client_id + 2
WITH said AS MATERIALIZED (SELECT set_config('app.actor', CAST(:user AS text), true)::bigint AS id),
chosen AS MATERIALIZED ({_CANDIDATE}),
changed AS ({_CHANGE.format(user="said.id")}
    FROM chosen, said WHERE work_items.id = chosen.id
    RETURNING work_items.id, version, said.id AS user_id)
{_ACTION} SELECT id, version, user_id, 'web', 'claim', {_PAYLOAD} FROM changed;
""",
    "separate statements": f"""\\set user :client_id + 2
BEGIN;
SELECT set_config('app.actor', CAST(:user AS text), true);
{_CANDIDATE.replace("SELECT id", "SELECT id AS item")} \\gset
{_CHANGE.format(user=":user")} WHERE id = :item RETURNING version \\gset
{_ACTION} VALUES (:item, :version, :user, 'web', 'claim', {_PAYLOAD});
COMMIT;
""",
}

_gate: Barrier


def _meet(barrier: Barrier) -> None:
    global _gate  # noqa: PLW0603 - a barrier reaches a pool's processes in no other way
    _gate = barrier


def _claim(url: str, worker: int) -> float:
    """Claim until the time is up, as fast as one process can; claims per second."""
    actor = Actor(f"user{worker + 1}", Kind.LOCAL, "cli:benchmark")

    with Database(url) as database:
        claim_next_at_once(database, actor=actor, lease=LEASE)
        _gate.wait()
        begun = time.perf_counter()
        done = 0
        while (took := time.perf_counter() - begun) < SECONDS:
            claim_next_at_once(database, actor=actor, lease=LEASE)
            done += 1
    return done / took


def ours(url: str, workers: int) -> float:
    """Claims per second of all workers together."""
    # Forked, not started afresh: sixteen times the imports would take longer than the claims.
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(workers)
    with context.Pool(workers, _meet, (barrier,)) as pool:
        return sum(pool.starmap(_claim, ((url, number) for number in range(workers)), 1))


def pgbench(url: str, workers: int, script: Path) -> float:
    """The same for a script of pgbench, statements prepared."""
    done = subprocess.run(
        [
            embedded.binaries() / "pgbench",
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={workers}",
            f"--jobs={min(workers, 2)}",
            f"--time={SECONDS}",
            f"--file={script}",
            url,
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    found = re.search(r"tps = ([0-9.]+) \(without", done.stdout)
    assert found, done.stdout
    return float(found[1])


def measure(place: Place, rows: int) -> list[Figure]:
    """All numbers of workers; the sides take turns on one copy, so that both see it alike."""
    figures = []
    template = place.filled(rows)
    with tempfile.TemporaryDirectory() as folder:
        for workers in WORKERS:
            rates: dict[str, list[float]] = {name: [] for name in ("claim_next", *SCRIPTS)}
            with place.copy(template) as name:
                for _ in range(ROUNDS):
                    rates["claim_next"].append(ours(place.url("app", name), workers))
                    for title, text in SCRIPTS.items():
                        script = Path(folder) / f"{title}.sql"
                        script.write_text(text, encoding="utf-8")
                        rates[title].append(pgbench(place.libpq("app", name), workers, script))
            rate = {title: median(found) for title, found in rates.items()}
            figures += [
                Figure(f"{workers:2} processes: claim_next", rate["claim_next"], "claims/s"),
                *(Figure(f"   pgbench, {title}", rate[title], "claims/s") for title in SCRIPTS),
                *(
                    Figure(
                        f"   of pgbench, {title}", rate["claim_next"] / rate[title], at_least=0.5
                    )
                    for title in SCRIPTS
                ),
            ]
    return figures


if __name__ == "__main__":
    run(measure, __doc__)
