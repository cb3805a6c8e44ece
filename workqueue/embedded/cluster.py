"""The data folder: made whole or not at all, with the roles, the database and their passwords."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from subprocess import CompletedProcess

from workqueue.embedded.layout import Layout, give_folder, write_private
from workqueue.embedded.programs import MAJOR, Programs
from workqueue.embedded.refusals import HomeUnusable, ServerNotStarted, WrongMajor, home_full

DATABASE = "workqueue"
SUPERUSER = "postgres"
OWNER, APP, ANALYST = "workqueue_owner", "workqueue_app", "workqueue_analyst"
ROLES = (SUPERUSER, OWNER, APP, ANALYST)

BUILDING = "building-"

DATABASE_SQL = f"""\
CREATE DATABASE {DATABASE} OWNER {OWNER};
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {DATABASE} TO {APP};
GRANT CONNECT ON DATABASE {DATABASE} TO {ANALYST};
"""
# The schema belongs to the database's owner (pg_database_owner), who alone creates in it.
SCHEMA_SQL = f"""\
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {APP}, {ANALYST};
"""
LINES_SHOWN = 12


def major_of(data: Path) -> int | None:
    """The major version that made a data folder; None where there is none that says so."""
    try:
        return int((data / "PG_VERSION").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def check_major(layout: Layout) -> None:
    """Raise WrongMajor unless the data folder is of version MAJOR or absent."""
    found = major_of(layout.data)
    if found not in (None, MAJOR):
        raise WrongMajor(
            f"the data in {layout.data} was made by PostgreSQL {found}, and this WorkQueue runs "
            f"PostgreSQL {MAJOR}. Run `workqueue backup` with the old WorkQueue, set "
            "WORKQUEUE_HOME to a new folder, and run `workqueue restore` with this one."
        )


def read_passwords(layout: Layout) -> dict[str, str]:
    """The roles' passwords by role name. Raises HomeUnusable where the file is not ours."""
    try:
        found = json.loads(layout.passwords.read_text(encoding="utf-8"))
        return {role: str(found[role]) for role in ROLES}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        raise HomeUnusable(
            f"{layout.passwords} is missing or damaged; delete it and run `workqueue stop`: the "
            "next start makes new passwords."
        ) from None


def ensure(layout: Layout, programs: Programs, durable: bool) -> None:
    """Make the data folder and the passwords where they are missing; the server is down.

    With `durable` everything has reached the disk before the folder
    gets its name. What an earlier attempt left half-made is removed.
    """
    check_major(layout)
    for left in layout.home.glob(f"{BUILDING}*"):
        shutil.rmtree(left, ignore_errors=True)
    new_passwords = not layout.passwords.exists()
    if new_passwords:
        fresh = {role: secrets.token_urlsafe(24) for role in ROLES}
        write_private(layout.passwords, json.dumps(fresh))
    if major_of(layout.data) is None:
        if layout.data.exists() and any(layout.data.iterdir()):
            raise HomeUnusable(
                f"{layout.data} is not a data folder of PostgreSQL; move it away, or set "
                "WORKQUEUE_HOME to another folder."
            )
        _build(layout, programs, durable)
    elif new_passwords:
        _single(layout, programs, layout.data, SUPERUSER, _passwords_sql(layout, "ALTER"))


def _build(layout: Layout, programs: Programs, durable: bool) -> None:
    building = Path(tempfile.mkdtemp(prefix=BUILDING, dir=layout.home))
    try:
        give_folder(building, programs.user)
        # Passwords are set below: initdb would want them in a file, and lets nobody in without.
        _initdb(
            layout, programs, building,
            f"--username={SUPERUSER}", "--encoding=UTF8", "--locale=C", "--data-checksums",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--auth=reject", "--no-sync", "--no-instructions",
        )  # fmt: skip
        roles = _passwords_sql(layout, "CREATE") + DATABASE_SQL
        _single(layout, programs, building, SUPERUSER, roles)
        _single(layout, programs, building, DATABASE, SCHEMA_SQL)
        if durable:
            _initdb(layout, programs, building, "--sync-only")
        building.rename(layout.data)
        _sync_folder(layout.home)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _passwords_sql(layout: Layout, verb: str) -> str:
    passwords = read_passwords(layout)
    rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    lines = [f"ALTER ROLE {SUPERUSER} PASSWORD '{passwords[SUPERUSER]}';"]
    lines += [f"{verb} ROLE {role} {rights} PASSWORD '{passwords[role]}';" for role in ROLES[1:]]
    return "\n".join(lines) + "\n"


def _initdb(layout: Layout, programs: Programs, data: Path, *arguments: str) -> None:
    _check(layout, programs.run("initdb", "-D", data, *arguments))


def _single(layout: Layout, programs: Programs, data: Path, database: str, sql: str) -> None:
    # Single-user mode needs neither a socket nor a password; it takes one statement a line. A
    # failed statement must not be quoted in a message: it holds a password.
    settings = ["exit_on_error=on", "log_min_error_statement=panic"]
    if data != layout.data:
        settings.append("fsync=off")
    switches = [f"--{setting}" for setting in settings]
    _check(layout, programs.run("postgres", "--single", "-D", data, *switches, database, given=sql))


def _check(layout: Layout, done: CompletedProcess[str]) -> None:
    if done.returncode == 0:
        return
    if os.strerror(errno.ENOSPC) in done.stderr:
        raise home_full(layout.home)
    said = "\n".join(done.stderr.strip().splitlines()[-LINES_SHOWN:])
    raise ServerNotStarted(
        f"PostgreSQL could not make its data in {layout.home} (status {done.returncode}):\n{said}"
    )


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
