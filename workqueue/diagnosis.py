"""What is wrong with this installation: one check after the other, each with a way out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from workqueue import embedded, provision
from workqueue.database import open_database
from workqueue.errors import Refusal
from workqueue.models import Base
from workqueue.settings import Settings

_OLDEST_MAJOR = 14
_FREE_GB = 2.0


@dataclass(frozen=True)
class Check:
    """One thing looked at; `detail` says what was found and, where not ok, what to do."""

    name: str
    ok: bool
    detail: str


def examine() -> list[Check]:
    """Look at settings, server, schema, roles and disk; never raises a Refusal."""
    checks: list[Check] = []
    try:
        for check in _checks():
            checks.append(check)
    except Refusal as refusal:
        checks.append(Check("database", False, str(refusal)))
    return checks


def _checks() -> Iterator[Check]:
    try:
        settings = Settings.read()
    except Refusal as refusal:
        yield Check("settings", False, str(refusal))
        return
    kind = "a server of your own" if settings.database_url else f"embedded in {settings.home}"
    yield Check("settings", True, f"PostgreSQL: {kind}; {settings.page_size} rows a page")
    if settings.database_url is None:
        yield _disk(settings)
        yield _embedded(settings)
    with open_database(settings) as database, database.transaction() as session:
        connection = session.connection()
        yield _version(connection)
        schema = _schema(connection, ours=settings.database_url is None)
        yield schema
        if schema.ok and provision.current(connection) is not None:
            tables = _tables(connection)
            yield tables
            if not tables.ok:
                return
            yield from _roles(settings, connection)
            yield _interrupted(connection)


def _disk(settings: Settings) -> Check:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    enough = free >= _FREE_GB
    words = f"{free:.1f} GB free for {settings.home}"
    return Check("disk", enough, words if enough else f"{words}; free some space there.")


def _embedded(settings: Settings) -> Check:
    status = embedded.status(settings.home)
    made = f"data of major version {status.major}" if status.major else "no data yet"
    running = f"running as process {status.pid}" if status.running else "not running before this"
    return Check("embedded server", True, f"{made}; {running}; log: {status.log}")


def _version(connection: Connection) -> Check:
    number = connection.scalar(text("SELECT current_setting('server_version_num')::int"))
    major = int(number or 0) // 10000
    words = f"PostgreSQL {major}"
    if major < _OLDEST_MAJOR:
        return Check("version", False, f"{words} is too old; use {_OLDEST_MAJOR} or newer.")
    return Check("version", True, words)


def _schema(connection: Connection, *, ours: bool) -> Check:
    found, wanted = provision.current(connection), provision.head()
    if found is None and ours:
        return Check("schema", True, "empty; the first command sets it up")
    if found == wanted:
        return Check("schema", True, f"at {found}, the newest")
    return Check(
        "schema", False, f"at {found or 'nothing'}, needs {wanted}; run `workqueue migrate`."
    )


def _tables(connection: Connection) -> Check:
    present = set(inspect(connection).get_table_names())
    missing = sorted(set(Base.metadata.tables) - present)
    if missing:
        names = ", ".join(missing)
        return Check("tables", False, f"missing: {names}; restore a backup into an empty database.")
    return Check("tables", True, f"all {len(Base.metadata.tables)} are there")


def _roles(settings: Settings, connection: Connection) -> Iterator[Check]:
    may = connection.execute(
        text(
            "SELECT current_user AS name, rolsuper AS super, "
            "has_table_privilege('work_actions', 'DELETE') AS deletes, "
            "has_table_privilege('work_actions', 'INSERT') AS inserts "
            "FROM pg_roles WHERE rolname = current_user"
        )
    ).one()
    if not may.inserts:
        words = f"{may.name} may not write; run `workqueue migrate`, which grants its rights."
    elif may.super or may.deletes:
        words = (
            f"{may.name} could delete the audit trail: use a role of its own for the app "
            "(`workqueue migrate --provision` prints the SQL)."
        )
    else:
        words = f"{may.name} can add to the audit trail, and cannot change or delete it"
    yield Check("app role", may.inserts and not may.super and not may.deletes, words)
    if settings.database_url is not None:
        both = settings.owner_url is not None and settings.analyst_url is not None
        missing = "set WORKQUEUE_OWNER_URL and WORKQUEUE_ANALYST_URL"
        yield Check("other roles", both, "owner and analyst have addresses" if both else missing)


def _interrupted(connection: Connection) -> Check:
    files = connection.scalars(
        text("SELECT file_name FROM intake_runs WHERE status <> 'DONE' ORDER BY id")
    ).all()
    if files:
        names = ", ".join(sorted(set(files)))
        return Check("loads", True, f"unfinished: {names}; loading it again resumes.")
    return Check("loads", True, "none is unfinished")
