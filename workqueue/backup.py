"""The whole database to a file and back, by PostgreSQL's own pg_dump and pg_restore.

Both end with a verify of the audit trail. A dump leaves owners and rights out: a restore gives
them anew by `workqueue.provision`, so that it also works where the roles are called otherwise.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import URL, make_url, text

from workqueue import audit, embedded, provision
from workqueue.database import Database, open_database
from workqueue.embedded import NoServerPrograms
from workqueue.errors import BadInput, Refusal
from workqueue.settings import Settings

# Entries that belong to the database, not to its contents: extensions are made by `_prepare`.
_NOT_OURS = re.compile(
    r"^\d+; \d+ \d+ (?:EXTENSION|SCHEMA - public|COMMENT - (?:EXTENSION|SCHEMA public)) "
)
_DATA = ("individual_providers", "work_items", "work_actions", "intake_runs")


class BackupFailed(Refusal):
    """The backup could not be written; nothing was left behind."""


class NotABackup(Refusal):
    """The file is no backup of WorkQueue; nothing was changed."""


class RestoreRefused(Refusal):
    """The database holds data already; restore into an empty one. Nothing was changed."""


def backup(settings: Settings, out: Path, *, overwrite: bool = False) -> audit.Verification:
    """Write the database to `out` (pg_dump's custom format), then verify the audit trail.

    The file appears whole or not at all. Raises BadInput for a file that exists already or a
    folder that cannot be written to, and BackupFailed with pg_dump's own words.
    """
    if out.exists() and not overwrite:
        raise BadInput(f"{out} exists already; choose another name, or say --overwrite.")
    with open_database(settings, role="owner") as owner:
        program = _program("pg_dump", _server_major(owner))
        handle, unfinished = _beside(out)
        os.close(handle)
        try:
            said = ("--format=custom", "--no-owner", "--no-privileges", "--file", unfinished)
            done = _run(program, owner.url, *said)
            if done.returncode != 0:
                raise BackupFailed(f"the backup was not written: {_words(done)}")
            Path(unfinished).replace(out)
        finally:
            Path(unfinished).unlink(missing_ok=True)
        return audit.verify(owner)


def restore(settings: Settings, dump: Path) -> audit.Verification:
    """Read a backup into an empty database, bring it to the current schema, and verify it.

    The contents arrive in one transaction. A database that was migrated but never loaded counts
    as empty. Raises NotABackup, RestoreRefused, and BackupFailed with pg_restore's own words.
    """
    if not dump.is_file():
        raise NotABackup(f"there is no file {dump}; name a file that `workqueue backup` wrote.")
    with open_database(settings, role="owner") as owner:
        program = _program("pg_restore", _server_major(owner))
        listing = _contents(program, dump)
        _prepare(owner)
        with tempfile.NamedTemporaryFile("w", suffix=".list", encoding="utf-8") as wanted:
            wanted.write("\n".join(line for line in listing if not _NOT_OURS.match(line)))
            wanted.flush()
            how = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
            done = _run(program, owner.url, *how, "--use-list", wanted.name, str(dump))
        if done.returncode != 0:
            raise BackupFailed(
                f"{dump} was not restored: {_words(done)}. The database is empty; mend the cause "
                "and restore again."
            )
        _require_known_schema(owner, dump)
        provision.migrate(owner)
        with owner.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
        return audit.verify(owner)


def _server_major(database: Database) -> int:
    with database.transaction() as session:
        return (
            int(session.scalar(text("SELECT current_setting('server_version_num')")) or 0) // 10000
        )


def _program(name: str, server_major: int) -> str:
    """The `name` of the server's own major version: a dump and its restore need the same.

    Ours where it fits, else the one on the path, else the one where Debian keeps it. Raises
    NoServerPrograms.
    """
    if server_major == embedded.MAJOR:
        return str(embedded.binaries() / name)
    for found in (shutil.which(name), f"/usr/lib/postgresql/{server_major}/bin/{name}"):
        if found and Path(found).exists():
            said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
            number = re.search(r"(\d+)", said.stdout)
            if number and int(number[1]) == server_major:
                return found
    raise NoServerPrograms(
        f"the server is PostgreSQL {server_major}; install its client programs, so that "
        f"`{name} --version` says {server_major}."
    )


def _run(program: str, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a PostgreSQL program on the database; the password goes by the environment."""
    given = make_url(url)
    address = URL.create(
        "postgresql",
        username=given.username,
        host=given.host,
        port=given.port,
        database=given.database,
        query=given.query,
    )
    return subprocess.run(
        [program, "--dbname", address.render_as_string(), *arguments],
        env={**os.environ, "PGPASSWORD": str(given.password or "")},
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _words(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
    return "; ".join(lines[:3]) or f"exit status {done.returncode}"


def _beside(out: Path) -> tuple[int, str]:
    try:
        return tempfile.mkstemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent)
    except OSError as error:
        raise BadInput(
            f"nothing can be written to {out.parent}: {error.strerror}; choose another folder."
        ) from error


def _contents(program: str, dump: Path) -> list[str]:
    done = subprocess.run(
        [program, "--list", str(dump)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NotABackup(f"{dump} cannot be read as a backup: {_words(done)}")
    listing = done.stdout.splitlines()
    if not any(" TABLE DATA public work_actions " in line for line in listing):
        raise NotABackup(f"{dump} is a dump of another database, not of WorkQueue.")
    return listing


def _prepare(owner: Database) -> None:
    """See that the database is empty, and take an unused schema away."""
    with owner.engine.connect() as connection:
        if provision.current(connection) is not None:
            for table in _DATA:
                if connection.scalar(text(f"SELECT EXISTS (SELECT FROM {table})")):
                    raise RestoreRefused(
                        "the database holds data already, and a restore never mixes or replaces. "
                        "Restore into an empty one: set WORKQUEUE_HOME to a new folder, or "
                        "WORKQUEUE_DATABASE_URL to a new database."
                    )
            config = provision.alembic_config()
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
        connection.commit()


def _require_known_schema(owner: Database, dump: Path) -> None:
    with owner.engine.connect() as connection:
        found = provision.current(connection)
    known = {
        s.revision for s in ScriptDirectory.from_config(provision.alembic_config()).walk_revisions()
    }
    if found not in known:
        raise NotABackup(
            f"{dump} has schema {found}, which this version does not know: it was written by a "
            "newer WorkQueue. The data is restored; install that version to use it."
        )
