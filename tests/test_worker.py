"""The worker as a process of its own: requests, the clock, being stopped, killed and cut off."""

from __future__ import annotations

import importlib.resources
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.command import PROGRAM, answer, run
from tests.detection.records import add, clean, items
from tests.standstill import held_up
from workqueue import runs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import NotAllowed
from workqueue.runs import Run, Standing

ROOT = Path(__file__).resolve().parents[1]
People = dict[str, Actor]


@contextmanager
def working(
    environment: Mapping[str, str], *arguments: str, cron: str = "off"
) -> Iterator[subprocess.Popen[str]]:
    """A worker, ended at the end of the block."""
    process = subprocess.Popen(
        [PROGRAM, "worker", *arguments],
        env={**environment, "WORKQUEUE_DETECT_CRON": cron},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        said, _ = process.communicate(timeout=60)
        assert "Traceback" not in said, said


def standing(database: Database) -> Standing:
    with database.snapshot() as session:
        return runs.standing(session)


def ask(database: Database, who: Actor) -> runs.Asked:
    return database.run(lambda session: runs.ask(session, actor=who))


def until(
    database: Database, met: Callable[[Standing], bool], seconds: float = 60.0
) -> tuple[Run, ...]:
    """The newest runs once `met` is; fails where it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = standing(database)
        if met(now):
            return now.newest
        time.sleep(0.1)
    raise AssertionError(f"it did not come to that: {standing(database)}")


def ended(number: int) -> Callable[[Standing], bool]:
    """Whether `number` runs have ended, and none waits or is under way."""
    return lambda now: (
        len(now.newest) == number and all(each.finished_at is not None for each in now.newest)
    )


def test_what_is_asked_for_is_run(
    database: Database, environment: dict[str, str], people: People
) -> None:
    """A manager's request waits without a worker, and is run, for the manager, by the next one."""
    add(database, clean(practice_phone=None))
    asked = ask(database, people["max"])
    assert not asked.merged
    now = standing(database)
    assert now.waiting is not None
    assert not now.worker
    with working(environment) as process:
        until(database, lambda now: now.worker)
        until(database, ended(1))
        # Long enough for a second job to show itself.
        time.sleep(7)
        (done,) = standing(database).newest
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "1 new items" in said
    assert (done.id, done.status, done.who) == (asked.run_id, "DONE", "max")
    assert done.counts["new"] == 1
    assert len(items(database, "PHONE_MISSING")) == 1
    assert not standing(database).worker


def test_requests_that_wait_are_one(
    database: Database, environment: dict[str, str], people: People
) -> None:
    """Two requests make one run; one that comes while it is under way makes another."""
    first = ask(database, people["max"])
    second = ask(database, people["ada"])
    assert second == runs.Asked(first.run_id, merged=True)
    with Database(database.url) as other, working(environment):
        (only,) = until(database, ended(1))
        assert only.who == "max"
        third = ask(other, people["ada"])
        assert third.run_id != first.run_id
        newest, _ = until(database, ended(2))
    assert (newest.id, newest.who, newest.status) == (third.run_id, "ada", "DONE")


def test_many_ask_at_once(database: Database, people: People) -> None:
    """Eight requests at the same moment are one waiting run and one job."""
    answers: list[runs.Asked] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(database, people["max"])))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each.run_id for each in answers}) == 1
    assert [each.merged for each in answers].count(False) == 1
    with database.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs.procrastinate_jobs")) == 1


@pytest.mark.parametrize("who", ["ruth", "lea", "ann"])
def test_who_may_not_detect_may_not_ask(database: Database, people: People, who: str) -> None:
    """A role without the right to detect is refused, and the denial is kept."""
    with pytest.raises(NotAllowed, match="may not detect"):
        ask(database, people[who])
    assert standing(database).newest == ()
    with database.transaction() as session:
        kept = session.scalars(
            text("SELECT detail->>'duty' FROM security_events WHERE event = 'denied'")
        )
        assert list(kept) == ["detect"]
        assert session.scalar(text("SELECT count(*) FROM jobs.procrastinate_jobs")) == 0


def test_a_killed_run_is_begun_anew(
    database: Database,
    superuser_database: Database,
    environment: dict[str, str],
    people: People,
) -> None:
    """After kill -9 in the middle of a run the next worker finishes it, for whoever asked."""
    add(database, clean(practice_phone=None))
    first = ask(database, people["max"])
    with held_up(superuser_database) as go_on, working(environment) as process:
        until(database, lambda now: now.running is not None and now.running.step != "")
        process.kill()
        process.wait()
        go_on()
        until(database, lambda now: now.running is None, 10)
        (dead,) = standing(database).newest
        assert (dead.status, dead.silent) == ("RUNNING", True)
        with working(environment):
            newest, before = until(database, ended(2))
    assert (before.id, before.status) == (first.run_id, "FAILED")
    assert before.error == "The run ended without a word."
    assert (newest.status, newest.who, newest.counts["new"]) == ("DONE", "max", 1)
    assert len(items(database, "PHONE_MISSING")) == 1


def test_a_stopped_run_waits(
    database: Database,
    superuser_database: Database,
    environment: dict[str, str],
    people: People,
) -> None:
    """SIGTERM ends a run before its next step, with nothing written; it waits for a worker."""
    add(database, clean(practice_phone=None))
    asked = ask(database, people["max"])
    with held_up(superuser_database) as go_on, working(environment) as process:
        until(database, lambda now: now.running is not None and now.running.step != "")
        process.send_signal(signal.SIGTERM)
        go_on()
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "was stopped" in said
    now = standing(database)
    assert now.waiting is not None
    assert (now.waiting.id, now.waiting.done, len(now.newest)) == (asked.run_id, 0, 1)
    assert items(database, "PHONE_MISSING") == []
    with working(environment):
        (done,) = until(database, ended(1))
    assert (done.id, done.status, done.counts["new"]) == (asked.run_id, "DONE", 1)


def test_progress_is_seen_from_elsewhere(
    database: Database, superuser_database: Database, environment: dict[str, str], people: People
) -> None:
    """Another connection sees the step of a run while it is under way, and when it was told."""
    ask(database, people["max"])
    with working(environment), held_up(superuser_database):
        until(database, lambda now: now.running is not None and now.running.total > 0)
        running = standing(database).running
        assert running is not None
        assert running.done < running.total
        assert running.told_at is not None
        assert not running.silent


def test_the_clock(database: Database, environment: dict[str, str]) -> None:
    """A run by the clock that nobody was there for is made up for, once, as the system."""
    for _ in range(2):
        with working(environment, cron="30 1 * * *") as process:
            (done,) = until(database, lambda now: now.worker and ended(1)(now))
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            assert process.returncode == 0
    assert (done.status, done.who, done.requested_at) == ("DONE", "system", None)


def test_a_lost_database_is_found_again(
    database: Database, superuser_database: Database, environment: dict[str, str], people: People
) -> None:
    """A worker whose connections were all cut works again within seconds."""
    with working(environment):
        until(database, lambda now: now.worker)
        with superuser_database.transaction() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'workqueue worker'"
                )
            )
        ask(database, people["max"])
        (done,) = until(database, ended(1))
    assert done.status == "DONE"


def test_it_ends_with_whoever_started_it(environment: dict[str, str], database: Database) -> None:
    """Beside another program the worker ends when its standard input does."""
    with working(environment, "--beside") as process:
        until(database, lambda now: now.worker)
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        assert process.wait(timeout=20) == 0


def test_a_cron_that_means_nothing_is_refused(environment: dict[str, str]) -> None:
    """A wrong WORKQUEUE_DETECT_CRON is named, whichever way it is wrong."""
    for cron in ("nightly", "61 2 * * *"):
        done = run({**environment, "WORKQUEUE_DETECT_CRON": cron}, "worker", check=False)
        assert done.returncode == 1
        assert "WORKQUEUE_DETECT_CRON" in done.stderr


def test_runs_are_listed(database: Database, environment: dict[str, str], people: People) -> None:
    """`workqueue runs` tells each run's person, duration and counts; an unknown one is refused."""
    add(database, clean(practice_phone=None))
    run(environment, "detect", "--as", "max")
    ask(database, people["ada"])
    (waiting, done) = answer(environment, "runs")["runs"]
    assert (waiting["status"], waiting["who"]) == ("REQUESTED", "ada")
    assert (done["status"], done["who"], done["counts"]["new"]) == ("DONE", "max", 1)
    assert done["seconds"] > 0
    shown = run(environment, "runs").stdout
    assert "REQUESTED" in shown
    assert "max" in shown
    assert "DONE" in run(environment, "runs", str(done["id"])).stdout
    refused = run(environment, "runs", "99", check=False)
    assert "no run 99" in refused.stderr


def test_the_schema_is_that_of_the_library() -> None:
    """Our copy of procrastinate's schema is the installed version's, so that no pin moves alone."""
    copy = (ROOT / "migrations/jobs/procrastinate_3_10.sql").read_text(encoding="utf-8")
    theirs = importlib.resources.files("procrastinate.sql").joinpath("schema.sql")
    assert copy.partition("---\n")[2] == theirs.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "start",
    [
        "from importlib import import_module as get; get('workqueue.cli.main').command_line([])",
        "import dashboard.serving",
    ],
)
def test_nobody_else_imports_the_library(start: str) -> None:
    """Neither the command line nor the desk imports procrastinate, its driver, or Splink."""
    names = ["procrastinate", "psycopg", "psycopg_pool", "croniter", "splink"]
    code = f"{start}\nimport sys, json; print(json.dumps([n for n in {names} if n in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(done.stdout) == []
