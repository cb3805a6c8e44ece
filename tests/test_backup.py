"""Backup and restore: the whole database to a file and back, with the audit trail verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import Server
from tests.factories import make_items
from workqueue import backup, provision, verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import BadInput
from workqueue.settings import Settings

MakeSettings = Callable[[str], Settings]


@pytest.fixture
def settings_of(server: Server) -> MakeSettings:
    """Settings that point at a database of the test server."""

    def make(name: str) -> Settings:
        return Settings.model_validate(
            {
                "WORKQUEUE_DATABASE_URL": server.url("app", name),
                "WORKQUEUE_OWNER_URL": server.url("owner", name),
            }
        )

    return make


@pytest.fixture
def empty_name(server: Server, database_name: str) -> Iterator[str]:
    """The name of a database without any table."""
    name = f"{database_name}_empty"
    server.command(f"CREATE DATABASE {name} OWNER workqueue_owner TEMPLATE template0")
    with Database(server.url("superuser", name)) as opened, opened.transaction() as session:
        session.execute(text("ALTER SCHEMA public OWNER TO workqueue_owner"))
        session.execute(text("GRANT USAGE ON SCHEMA public TO workqueue_app"))
    yield name
    server.command(f"DROP DATABASE {name} WITH (FORCE)")


def worked(database: Database, people: dict[str, Actor]) -> int:
    """Three items, one of which has a history; how many action rows there are."""
    first = make_items(database, 3)[0]
    database.run(lambda s: verbs.claim(s, first, actor=people["ruth"], lease=timedelta(minutes=5)))
    database.run(lambda s: verbs.resolve(s, first, note="done", actor=people["ruth"]))
    return 5


def contents(database: Database) -> list[tuple[object, ...]]:
    """Every item and action, to compare."""
    with database.transaction() as session:
        items = session.execute(text("SELECT * FROM work_items ORDER BY id")).all()
        actions = session.execute(text("SELECT * FROM work_actions ORDER BY id")).all()
        users = session.execute(text('SELECT * FROM "user" ORDER BY id')).all()
    return [
        tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
        for row in (*items, *actions, *users)
    ]


def test_a_backup_comes_back_whole(
    server: Server,
    database: Database,
    database_name: str,
    empty_name: str,
    people: dict[str, Actor],
    settings_of: MakeSettings,
    tmp_path: Path,
) -> None:
    """After a restore every row is there, the chains hold, and work goes on under the app role."""
    rows = worked(database, people)
    dump = tmp_path / "all.dump"
    assert backup.backup(settings_of(database_name), dump).ok
    found = backup.restore(settings_of(empty_name), dump)
    assert (found.ok, found.rows) == (True, rows)
    with Database(server.url("app", empty_name)) as restored:
        assert contents(restored) == contents(database)
        provision.require_current(restored)
        state = restored.run(
            lambda s: verbs.claim_next(s, actor=people["rob"], lease=timedelta(minutes=5))
        )
        assert state.status == "IN_PROGRESS"


def test_a_tampered_backup_is_named(
    database: Database,
    superuser_database: Database,
    database_name: str,
    empty_name: str,
    people: dict[str, Actor],
    settings_of: MakeSettings,
    tmp_path: Path,
) -> None:
    """A history that somebody changed before the backup fails the verify after the restore."""
    worked(database, people)
    with superuser_database.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text("UPDATE work_actions SET payload = '{}' WHERE seq = 3"))
    dump = tmp_path / "all.dump"
    assert not backup.backup(settings_of(database_name), dump).ok
    found = backup.restore(settings_of(empty_name), dump)
    assert not found.ok
    assert found.first_broken is not None


def test_a_restore_replaces_nothing(
    database: Database,
    database_name: str,
    people: dict[str, Actor],
    settings_of: MakeSettings,
    tmp_path: Path,
) -> None:
    """A database with data refuses a restore and keeps what it has."""
    worked(database, people)
    dump = tmp_path / "all.dump"
    backup.backup(settings_of(database_name), dump)
    before = contents(database)
    with pytest.raises(backup.RestoreRefused, match="WORKQUEUE_HOME"):
        backup.restore(settings_of(database_name), dump)
    assert contents(database) == before


def test_a_migrated_but_unused_database_counts_as_empty(
    server: Server,
    database: Database,
    database_name: str,
    empty_name: str,
    people: dict[str, Actor],
    settings_of: MakeSettings,
    tmp_path: Path,
) -> None:
    """After `workqueue migrate` alone a restore still works."""
    rows = worked(database, people)
    dump = tmp_path / "all.dump"
    backup.backup(settings_of(database_name), dump)
    with Database(server.url("owner", empty_name)) as owner:
        provision.migrate(owner)
    assert backup.restore(settings_of(empty_name), dump).rows == rows


@pytest.mark.parametrize("content", [b"", b"not a dump", b"PGDMP\x01\x10\x00broken"])
def test_a_broken_file_is_refused(
    content: bytes, empty_name: str, settings_of: MakeSettings, server: Server, tmp_path: Path
) -> None:
    """What is no backup is refused in words, and the database stays empty."""
    dump = tmp_path / "broken.dump"
    dump.write_bytes(content)
    with pytest.raises(backup.NotABackup, match=r"broken\.dump"):
        backup.restore(settings_of(empty_name), dump)
    with Database(server.url("owner", empty_name)) as owner, owner.engine.connect() as connection:
        assert provision.current(connection) is None


def test_a_truncated_backup_leaves_the_database_empty(
    server: Server,
    database: Database,
    database_name: str,
    empty_name: str,
    people: dict[str, Actor],
    settings_of: MakeSettings,
    tmp_path: Path,
) -> None:
    """A dump that breaks off in the middle is refused as a whole."""
    worked(database, people)
    dump = tmp_path / "all.dump"
    backup.backup(settings_of(database_name), dump)
    dump.write_bytes(dump.read_bytes()[:-4000])
    with pytest.raises((backup.BackupFailed, backup.NotABackup)):
        backup.restore(settings_of(empty_name), dump)
    with Database(server.url("owner", empty_name)) as owner, owner.engine.connect() as connection:
        assert provision.current(connection) is None


def test_a_backup_overwrites_nothing_unasked(
    database_name: str, settings_of: MakeSettings, tmp_path: Path
) -> None:
    """An existing file is kept unless asked for, and a missing folder is named."""
    dump = tmp_path / "all.dump"
    dump.write_text("mine")
    with pytest.raises(BadInput, match="--overwrite"):
        backup.backup(settings_of(database_name), dump)
    assert dump.read_text() == "mine"
    backup.backup(settings_of(database_name), dump, overwrite=True)
    assert dump.read_bytes().startswith(b"PGDMP")
    with pytest.raises(BadInput, match="absent"):
        backup.backup(settings_of(database_name), tmp_path / "absent" / "all.dump")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.dump"]
