"""Many at once, and killed in the middle: nothing is shared, nothing acknowledged is lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests import random_acts
from tests.conftest import LOCAL
from tests.factories import make_items
from workqueue import accounts, audit, embedded, provision, verbs
from workqueue.database import Database
from workqueue.embedded import Lease
from workqueue.lifecycle import Right, Role, Status, Verb, after, right

PROCESSES, ACTS_EACH, ITEMS = 16, 25, 24
PATIENCE = 240

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.random_acts"])


def _add_workers(database: Database, count: int) -> list[str]:
    names = [f"worker{number}" for number in range(count)]
    with database.transaction() as session:
        for number, name in enumerate(names):
            role = Role.LEAD if number % 4 == 0 else Role.REVIEWER
            accounts.add_user(session, name, role, actor=LOCAL)
    return names


def _start(
    url: str, names: Sequence[str], items: list[int], acts: int, folder: Path
) -> list[ForkServerProcess]:
    processes = [
        _context.Process(
            target=random_acts.work,
            args=(url, name, items, seed, acts, folder / f"{name}.jsonl"),
            daemon=True,
        )
        for seed, name in enumerate(names)
    ]
    for process in processes:
        process.start()
    return processes


def _acknowledged(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("*.jsonl"))
    lines = [line for file in files for line in file.read_text().splitlines(keepends=True)]
    # A killed process may have left half a line: that act was not acknowledged to anybody.
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _finish(processes: Sequence[ForkServerProcess]) -> None:
    deadline = time.monotonic() + PATIENCE
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    late = [process.pid for process in processes if process.is_alive()]
    for process in processes:
        process.kill()
    assert not late, f"{len(late)} processes did not come to an end"


def _history(database: Database) -> list[Any]:
    with database.snapshot() as session:
        return list(
            session.execute(
                text(
                    "SELECT a.*, u.username, u.role FROM work_actions a JOIN "
                    '"user" u ON u.id = a.user_id ORDER BY work_item_id, seq'
                )
            )
        )


def _check_kept(acknowledged: list[dict[str, Any]], history: list[Any]) -> None:
    """Every acknowledged act is one row, of that person, verb and item."""
    by_request = {str(row.request_id): row for row in history if row.request_id}
    for act in acknowledged:
        row = by_request.get(act["request_id"])
        assert row is not None, f"{act} was acknowledged and is not there"
        assert (row.username, row.action_type, row.work_item_id) == (
            act["user"],
            act["verb"],
            act["item"],
        )
        assert row.seq <= act["version"]


class _Replay:
    """One item's life, replayed from its action rows; asserts that each act was legal."""

    def __init__(self) -> None:
        self.status = Status.OPEN
        self.holder: str | None = None
        self.lease_end: datetime | None = None

    def follow(self, row: Any) -> None:
        verb, role = Verb(row.action_type), Role(row.role)
        if verb is Verb.CREATE:
            return
        reached = after(self.status, verb)
        assert reached is not None, f"{verb} from {self.status} in row {row.id}"
        assert right(role, verb) is not Right.NEVER
        if right(role, verb) is Right.IF_HELD:
            assert self.holder == row.username, f"row {row.id}: {row.username} was not the holder"
        if verb is Verb.CLAIM:
            self._claim(row)
        elif reached is not Status.IN_PROGRESS:
            self.holder = row.payload.get("assigned_to")
        self.status = reached

    def _claim(self, row: Any) -> None:
        if self.status is Status.IN_PROGRESS and self.holder != row.username:
            assert self.lease_end is not None
            assert row.created_at >= self.lease_end, f"row {row.id}: two held one item"
            assert row.payload["taken_from"] == self.holder
        self.holder = row.username
        self.lease_end = datetime.fromisoformat(row.payload["lease_expires_at"])


def _check_lives(history: list[Any]) -> dict[int, _Replay]:
    lives: dict[int, _Replay] = {}
    for row in history:
        lives.setdefault(row.work_item_id, _Replay()).follow(row)
    return lives


def test_sixteen_processes_never_share_an_item_and_lose_no_action(
    database: Database, tmp_path: Path
) -> None:
    """Sixteen processes act at random on two dozen items; the history shows no double holder."""
    items = make_items(database, ITEMS)
    names = _add_workers(database, PROCESSES)
    _finish(_start(database.url, names, items, ACTS_EACH, tmp_path))
    acknowledged, history = _acknowledged(tmp_path), _history(database)
    assert len(acknowledged) == PROCESSES * ACTS_EACH >= 400
    _check_kept(acknowledged, history)
    by_people = [row for row in history if row.role != Role.SYSTEM]
    assert len(by_people) == len(acknowledged), "an act was recorded and not acknowledged"
    lives = _check_lives(history)
    with database.snapshot() as session:
        rows = session.execute(text("SELECT id, status, version FROM work_items")).all()
    assert {row.id: row.status for row in rows} == {i: lives[i].status for i in items}
    assert sum(row.version for row in rows) == len(history)
    assert audit.verify(database) == audit.Verification(True, len(history), None)
    done = Counter(act["verb"] for act in acknowledged)
    assert done[Verb.CLAIM] >= 50
    assert done[Verb.RELEASE] + done[Verb.RESOLVE] + done[Verb.REJECT] >= 50
    assert len({act["user"] for act in acknowledged}) == PROCESSES


def test_claim_next_from_many_processes_gives_each_item_once(
    database: Database, tmp_path: Path
) -> None:
    """With as many items as claims every claim gets another item, and all are given out."""
    items = make_items(database, 160)
    names = _add_workers(database, 8)
    processes = [
        _context.Process(
            target=random_acts.claim_many, args=(database.url, name, 20, tmp_path / f"{name}.jsonl")
        )
        for name in names
    ]
    for process in processes:
        process.start()
    _finish(processes)
    claimed = [act["item"] for act in _acknowledged(tmp_path)]
    assert sorted(claimed) == items


@pytest.fixture
def own_server() -> Iterator[Lease]:
    """An embedded server of this test's own, with everything on that makes it durable."""
    home = Path(tempfile.mkdtemp(prefix="wqkill-"))
    home.chmod(0o755)
    lease = embedded.acquire(home)
    with Database(lease.urls.owner) as owner:
        provision.migrate(owner)
    yield lease
    lease.release()
    shutil.rmtree(home, ignore_errors=True)


def _wait_for(folder: Path, acts: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while len(_acknowledged(folder)) < acts:
        assert time.monotonic() < deadline, f"fewer than {acts} acts were acknowledged"
        time.sleep(0.02)


def _kill_server(lease: Lease) -> None:
    server = embedded.status(lease.home).pid
    assert server is not None
    os.kill(server, signal.SIGKILL)
    # A process takes a moment to die.
    while embedded.status(lease.home).pid == server:
        time.sleep(0.01)


def test_what_was_acknowledged_survives_a_killed_client_and_a_killed_server(
    own_server: Lease, tmp_path: Path
) -> None:
    """Kill -9 of a client and then of PostgreSQL, in the middle of the work of four people.

    The others go on with the same requests once the server is back; every acknowledged act is one
    row, nothing is written twice, and the chains are unbroken.
    """
    with Database(own_server.urls.app) as database:
        items = make_items(database, 12)
        processes = _start(own_server.urls.app, _add_workers(database, 4), items, 40, tmp_path)
        _wait_for(tmp_path, 20)
        processes[0].kill()
        _wait_for(tmp_path, 60)
        _kill_server(own_server)
        before = len(_acknowledged(tmp_path))
        own_server.ensure_running()
        _finish(processes)
        assert processes[0].exitcode == -signal.SIGKILL
        assert [process.exitcode for process in processes[1:]] == [0, 0, 0]
    with Database(own_server.urls.app) as database:
        acknowledged, history = _acknowledged(tmp_path), _history(database)
        assert 60 <= before < len(acknowledged)
        assert len(acknowledged) >= 120
        _check_kept(acknowledged, history)
        _check_lives(history)
        by_people = sum(row.role != Role.SYSTEM for row in history)
        # The killed client may have had one act committed that nobody was told of.
        assert len(acknowledged) <= by_people <= len(acknowledged) + 1
        assert audit.verify(database) == audit.Verification(True, len(history), None)


def test_a_holders_work_is_free_again_after_a_crash(own_server: Lease) -> None:
    """A claim survives the crash with its lease, and the sweep ends it when its time is over."""
    with Database(own_server.urls.app) as database:
        (item,) = make_items(database, 1)
        _add_workers(database, 1)
        actor = random_acts.person("worker0")
        lease = random_acts.SHORT_LEASE
        database.run(lambda s: verbs.claim(s, item, actor=actor, lease=lease))
        _kill_server(own_server)
        own_server.ensure_running()
    with Database(own_server.urls.app) as database:
        deadline = time.monotonic() + 30
        while database.run(verbs.expire_leases) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert [row.action_type for row in _history(database)] == ["create", "claim", "expire"]
        assert audit.verify(database).ok
