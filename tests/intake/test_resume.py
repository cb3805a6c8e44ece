"""A load that was broken off goes on where it stopped, with the same outcome."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest

from tests.conftest import Server
from tests.intake.files import SMALL, content, counts, loaded, person, rejects, table, write
from workqueue.database import Database
from workqueue.intake.refusals import DiskTooSmall, LoadBroken, LoadInProgress

ROWS = 3000
PROGRAM = """
import sys
from pathlib import Path
from tests.intake.files import loaded
from workqueue.database import Database
with Database(sys.argv[1]) as database:
    loaded(database, Path(sys.argv[2]), block_bytes=2000)
"""


def planted(tmp_path: Path) -> Path:
    """A file with repeats, line breaks and a bad line."""
    rows = [person(n % 2500, last_name=f"A\nB{n}" if n % 50 == 0 else f"N{n}") for n in range(ROWS)]
    rows[1234]["npi"] = ""
    return write(tmp_path / "a.csv", SMALL, rows)


def so_far(database: Database) -> tuple[str, int]:
    found = table(database, "SELECT status, read FROM intake_runs")
    return found[0] if found else ("", 0)


@pytest.fixture
def killed(server: Server, database: Database, database_name: str, tmp_path: Path) -> Path:
    """The file of a load that was killed with signal 9 in the middle."""
    file = planted(tmp_path)
    loading = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.url("app", database_name), str(file)],
        cwd=Path(__file__).resolve().parents[2],
    )
    try:
        until = time.monotonic() + 60
        while so_far(database)[1] < ROWS // 10 and loading.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        os.kill(loading.pid, signal.SIGKILL)
        loading.wait()
    return file


def test_killed_load_goes_on(database: Database, killed: Path) -> None:
    """After kill -9 the same command ends with the records of a load that was never stopped."""
    status, read = so_far(database)
    assert status == "RUNNING"
    assert 0 < read < ROWS
    report = loaded(database, killed)
    assert report.resumed == 1
    assert counts(report) == {"read": ROWS, "loaded": ROWS - 1, "rejected": 1}
    assert table(database, "SELECT status, read FROM intake_runs") == [("DONE", ROWS)]
    assert len(rejects(database)) == 1
    # Values, lines, occurrences and hashes are those of a load in one go.
    assert loaded(database, killed, source="Whole").resumed == 0
    rows = [row for row in content(database, "Whole") if not row[3].startswith("content:")]
    assert len(rows) == ROWS - 1
    assert content(database) == rows


def test_finished_load_is_not_resumed(database: Database, tmp_path: Path) -> None:
    """The same file after a finished load is a load of its own."""
    file = planted(tmp_path)
    loaded(database, file)
    report = loaded(database, file)
    assert report.resumed == 0
    assert report.unchanged == ROWS - 1
    assert len(table(database, "SELECT id FROM intake_runs")) == 2


def stop_at(superuser: Database, name: str, code: str) -> None:
    """Make the database refuse the provider of this name with an error of its own."""
    with superuser.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION stop_here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.last_name = '{name}' THEN RAISE EXCEPTION 'no space left on device' "
            f"USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$;"
            "CREATE OR REPLACE TRIGGER stop_here BEFORE INSERT ON individual_providers "
            "FOR EACH ROW EXECUTE FUNCTION stop_here()"
        )


def test_full_disk_keeps_whole_blocks(
    database: Database, superuser_database: Database, tmp_path: Path
) -> None:
    """A disk that runs full is a refusal that says so; with room again the load goes on."""
    file = planted(tmp_path)
    stop_at(superuser_database, "N2222", "53100")
    with pytest.raises(DiskTooSmall, match="run the same command again"):
        loaded(database, file, block_bytes=2000)
    status, read = so_far(database)
    assert status == "FAILED"
    assert 2000 < read < 2223
    assert len(content(database)) == read - 1
    stop_at(superuser_database, "nobody", "53100")
    report = loaded(database, file)
    assert (report.resumed, report.loaded, report.rejected) == (1, ROWS - 1, 1)


def test_lost_connection_is_said(
    server: Server, database: Database, database_name: str, tmp_path: Path
) -> None:
    """A connection that the server ends is a refusal in words, and the load can go on."""
    file = planted(tmp_path)
    ended = False

    def end_once(_what: str, done: int, total: int) -> None:
        nonlocal ended
        if not ended and done > total // 2:
            ended = True
            connection = psycopg2.connect(server.libpq("superuser", database_name))
            with connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                    " AND pid <> pg_backend_pid()",
                    (database_name,),
                )
            connection.close()

    with pytest.raises(LoadBroken, match="connection to the database was lost"):
        loaded(database, file, block_bytes=2000, progress=end_once)
    assert so_far(database)[0] == "RUNNING"
    assert loaded(database, file).loaded == ROWS - 1


def test_second_load_of_a_source_is_refused(
    server: Server, database: Database, database_name: str, tmp_path: Path
) -> None:
    """While one load of a source runs another is refused; another source may be loaded."""
    file = write(tmp_path / "a.csv", SMALL, [person(1)])
    loaded(database, file)
    other = psycopg2.connect(server.libpq("app", database_name))
    with other.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_lock(%s, (SELECT id FROM sources WHERE name = 'NPPES'))",
            (0x57514C44,),
        )
    with pytest.raises(LoadInProgress, match="NPPES"):
        loaded(database, file)
    assert loaded(database, file, source="Clinic").loaded == 1
    other.close()
    assert loaded(database, file).unchanged == 1


def test_every_provider_has_its_provenance(database: Database, killed: Path) -> None:
    """A killed load leaves no provider without provenance, nor the other way round."""
    pairs = (
        "SELECT count(p.id), count(s.provider_id), count(*) FROM individual_providers p"
        " FULL JOIN provider_sources s ON s.provider_id = p.id AND s.source_id = p.source_id"
        " AND s.column_set_id = p.column_set_id"
    )
    providers, sources, both = table(database, pairs)[0]
    assert providers == sources == both > 0
    loaded(database, killed)
    assert table(database, pairs) == [(ROWS - 1, ROWS - 1, ROWS - 1)]
    assert table(
        database,
        "SELECT count(*) FROM provider_sources WHERE run_id NOT IN (SELECT id FROM intake_runs)",
    ) == [(0,)]
