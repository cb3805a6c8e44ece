"""A real PostgreSQL for the tests: one private server per test process, one database per test.

The server is the embedded one that users get, with fsync off. Databases are copied from a
migrated template, which takes some ten milliseconds.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from workqueue import accounts, embedded, provision
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.lifecycle import Kind, Role

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Server:
    """Addresses of the test server's roles; `url(role, name)` points at one database."""

    lease: embedded.Lease

    def url(self, role: str, name: str) -> str:
        """The SQLAlchemy address of database `name` under `role` (superuser, owner, app…)."""
        url: str = getattr(self.lease.urls, role)
        return url.replace("/workqueue?", f"/{name}?")

    def libpq(self, role: str, name: str) -> str:
        """The same as a libpq address."""
        return self.url(role, name).replace("postgresql+psycopg2://", "postgresql://")

    def command(self, *statements: str) -> None:
        """Run statements outside a transaction as the superuser."""
        connection = psycopg2.connect(self.libpq("superuser", "postgres"))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        finally:
            connection.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="wqtest-"))
    home.chmod(0o755)
    lease = embedded.acquire(
        home, options={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    )
    try:
        yield Server(lease)
    finally:
        lease.release()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """The name of a migrated, empty database to copy from."""
    server.command(
        "CREATE DATABASE wq_template OWNER workqueue_owner TEMPLATE template0 ENCODING 'UTF8'"
    )
    connection = psycopg2.connect(server.libpq("superuser", "wq_template"))
    with connection, connection.cursor() as cursor:
        cursor.execute("ALTER SCHEMA public OWNER TO workqueue_owner")
        cursor.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        cursor.execute("GRANT USAGE ON SCHEMA public TO workqueue_app, workqueue_analyst")
    connection.close()
    with Database(server.url("owner", "wq_template")) as owner:
        provision.migrate(owner)
    return "wq_template"


@pytest.fixture
def database_name(server: Server, template: str) -> Iterator[str]:
    """A migrated database of this test's own, dropped afterwards."""
    name = f"wq_{os.getpid()}_{next(_numbers)}"
    server.command(f"CREATE DATABASE {name} TEMPLATE {template} OWNER workqueue_owner")
    yield name
    server.command(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(server: Server, database_name: str) -> Iterator[Database]:
    """The test's database under the app role."""
    with Database(server.url("app", database_name)) as opened:
        yield opened


@pytest.fixture
def owner_database(server: Server, database_name: str) -> Iterator[Database]:
    """The test's database under the owner role."""
    with Database(server.url("owner", database_name)) as opened:
        yield opened


@pytest.fixture
def superuser_database(server: Server, database_name: str) -> Iterator[Database]:
    """The test's database under the superuser, for tampering and for looking behind."""
    with Database(server.url("superuser", database_name)) as opened:
        yield opened


@pytest.fixture
def environment(
    server: Server, database_name: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Environment variables that point WorkQueue at the test's database; also set here."""
    variables = {
        "WORKQUEUE_DATABASE_URL": server.libpq("app", database_name),
        "WORKQUEUE_OWNER_URL": server.libpq("owner", database_name),
        "WORKQUEUE_ANALYST_URL": server.libpq("analyst", database_name),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **variables}


def person(username: str) -> Actor:
    """The actor of a named user, as on the command line with --as."""
    return Actor(username, Kind.LOCAL, "cli:tester")


LOCAL = Actor("cli:tester", Kind.LOCAL, "cli:tester")


@pytest.fixture
def people(database: Database) -> dict[str, Actor]:
    """One person of each role, and a second reviewer: ruth, rob, lea, max, ann, ada."""
    roles = {
        "ruth": Role.REVIEWER,
        "rob": Role.REVIEWER,
        "lea": Role.LEAD,
        "max": Role.MANAGER,
        "ann": Role.ANALYST,
        "ada": Role.ADMIN,
    }
    with database.transaction() as session:
        for username, role in roles.items():
            accounts.add_user(session, username, role, actor=LOCAL)
    return {username: person(username) for username in roles}


@pytest.fixture
def shared_data() -> Path:
    """The folder of real NPPES rows; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real NPPES rows (shared/data) are not beside this checkout")
    return SHARED_DATA
