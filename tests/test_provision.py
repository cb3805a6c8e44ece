"""Schema, roles and rights: migrations up and down, and what each role cannot do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from tests.conftest import Server
from tests.factories import make_items
from workqueue import embedded, provision
from workqueue.accounts import Actor
from workqueue.database import Database, open_database
from workqueue.errors import SchemaOutdated, WrongSetting
from workqueue.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def empty_database(server: Server) -> Iterator[str]:
    """The name of a database without tables."""
    name = f"wq_empty_{os.getpid()}"
    server.command(
        f"CREATE DATABASE {name} OWNER workqueue_owner TEMPLATE template0 ENCODING 'UTF8'"
    )
    yield name
    server.command(f"DROP DATABASE {name} WITH (FORCE)")


def alembic(owner: Database, *words: str) -> None:
    config = provision.alembic_config()
    with owner.engine.connect() as connection:
        config.attributes["connection"] = connection
        getattr(command, words[0])(config, *words[1:])


def psql(server: Server, script: str) -> None:
    address = server.libpq("superuser", "postgres")
    done = subprocess.run(
        [embedded.binaries() / "psql", "--no-psqlrc", "--quiet", "--dbname", address],
        input=script,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def relations(owner: Database) -> set[str]:
    with owner.engine.connect() as connection:
        found = connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relkind IN ('r', 'v', 'S')"
            )
        )
        return set(found)


def test_up_check_down_up(server: Server, empty_database: str) -> None:
    """Migrations go up, agree with the models, go down to nothing, and up again."""
    with Database(server.url("owner", empty_database)) as owner:
        alembic(owner, "upgrade", "head")
        alembic(owner, "check")
        made = relations(owner)
        alembic(owner, "downgrade", "base")
        assert relations(owner) == {"alembic_version"}
        with owner.engine.connect() as connection:
            assert not connection.scalar(
                text(
                    "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
                    "AND proname LIKE 'work%'"
                )
            )
        alembic(owner, "upgrade", "head")
        alembic(owner, "check")
        assert relations(owner) == made
        with owner.engine.connect() as connection:
            assert provision.current(connection) == provision.head()


def test_alembic_from_the_checkout(server: Server, empty_database: str) -> None:
    """`alembic upgrade head` works by itself, as the owner that the environment names."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "WORKQUEUE_DATABASE_URL": server.libpq("app", empty_database),
            "WORKQUEUE_OWNER_URL": server.libpq("owner", empty_database),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with Database(server.url("app", empty_database)) as app:
        provision.require_current(app)


def test_old_and_empty_schemas_are_told(server: Server, empty_database: str) -> None:
    """A database that is empty or at another revision is refused with the way out."""
    with Database(server.url("owner", empty_database)) as owner:
        with pytest.raises(SchemaOutdated, match="workqueue migrate"):
            provision.require_current(owner)
        provision.migrate(owner)
        with owner.transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        with pytest.raises(SchemaOutdated, match="schema 0000"):
            provision.require_current(owner)


FORBIDDEN_TO_APP = [
    *(f"DELETE FROM {table}" for table in ("work_actions", "work_items", '"user"', "rules")),
    "DELETE FROM security_events",
    "UPDATE security_events SET detail = '{}'",
    "UPDATE work_actions SET payload = '{}'",
    "TRUNCATE work_actions",
    "DROP TABLE work_actions CASCADE",
    "DROP VIEW work_items_analyst",
    "ALTER TABLE work_actions DISABLE TRIGGER ALL",
    "CREATE TABLE public.mine (id int)",
    "CREATE OR REPLACE FUNCTION work_actions_chain() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN RETURN NEW; END'",
    "UPDATE alembic_version SET version_num = 'x'",
    "SET session_replication_role = replica",
]


@pytest.mark.parametrize("statement", FORBIDDEN_TO_APP)
def test_app_cannot(database: Database, statement: str) -> None:
    """The app role deletes nothing, changes no action or event, and has no say over the schema."""
    make_items(database)
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        database.transaction() as session,
    ):
        session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM work_actions",
        "UPDATE work_actions SET payload = '{}'",
        "TRUNCATE work_actions CASCADE",
    ],
)
def test_owner_is_stopped_by_the_trigger(
    database: Database, owner_database: Database, statement: str
) -> None:
    """Even the owner of the tables cannot change or remove an action by mistake."""
    make_items(database)
    with (
        pytest.raises(DBAPIError, match="append-only"),
        owner_database.transaction() as session,
    ):
        session.execute(text(statement))


def test_analyst_reads_without_free_text(
    database: Database, server: Server, database_name: str, people: dict[str, Actor]
) -> None:
    """The analyst reads items, actions and users, but no notes, payloads or display names."""
    make_items(database, 2)
    with Database(server.url("analyst", database_name)) as analyst:
        with analyst.transaction() as session:
            for view in provision.ANALYST_VIEWS:
                assert session.scalar(text(f"SELECT count(*) FROM {view}")), view
            columns = set(
                session.scalars(
                    text(
                        "SELECT attname FROM pg_attribute WHERE attnum > 0 AND attrelid = ANY("
                        "CAST(:views AS regclass[]))"
                    ),
                    {"views": list(provision.ANALYST_VIEWS)},
                )
            )
            assert session.scalar(text("SELECT count(*) FROM individual_providers")) == 2
        assert columns.isdisjoint({"notes", "payload", "display_name", "evidence", "via"})
        for statement in (
            "SELECT notes FROM work_items",
            "SELECT payload FROM work_actions",
            'SELECT display_name FROM "user"',
            "SELECT * FROM security_events",
            "SELECT verified_how FROM provider_overrides",
            "SELECT raw FROM intake_rejects",
            "UPDATE individual_providers SET npi = NULL",
            "INSERT INTO rules SELECT * FROM rules",
        ):
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                analyst.transaction() as session,
            ):
                session.execute(text(statement))


def test_every_table_is_granted_or_left_out_knowingly(owner_database: Database) -> None:
    """A new table must be given a line in the app's grants."""
    tables = {name for name in relations(owner_database) if not name.endswith("_seq")}
    assert tables - set(provision.ANALYST_VIEWS) == set(provision.APP_GRANTS)


@pytest.fixture
def foreign(server: Server) -> Iterator[dict[str, str]]:
    """Addresses on a server of one's own, with role and database names that need quoting."""
    roles = {"owner": 'the "owner"', "app": "it's the app", "analyst": "analyst%1:x"}
    base = make_url(server.libpq("superuser", "postgres"))
    database = f'db "{os.getpid()}"'
    urls = {
        role: base.set(username=name, database=database, password="given later").render_as_string(
            hide_password=False
        )
        for role, name in roles.items()
    }
    yield {
        "WORKQUEUE_DATABASE_URL": urls["app"],
        "WORKQUEUE_OWNER_URL": urls["owner"],
        "WORKQUEUE_ANALYST_URL": urls["analyst"],
    }
    quoted = [name.replace('"', '""') for name in (database, *roles.values())]
    server.command(
        f'DROP DATABASE IF EXISTS "{quoted[0]}" WITH (FORCE)',
        *(f'DROP ROLE IF EXISTS "{name}"' for name in quoted[1:]),
    )


def test_script_for_a_server_of_ones_own(
    server: Server, foreign: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The printed script makes roles and database, may run again, and names are the user's own."""
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    settings = Settings.read()
    script = provision.superuser_sql(settings)
    psql(server, script)
    psql(server, script)
    names = provision.roles(settings)
    assert names == provision.Roles('the "owner"', "it's the app", "analyst%1:x")
    for name in (names.owner, names.app, names.analyst):
        quoted = name.replace('"', '""')
        server.command(f"ALTER ROLE \"{quoted}\" PASSWORD 'given later'")
    with open_database(settings, role="owner") as owner:
        provision.migrate(owner)
        provision.migrate(owner)
    with open_database(settings) as app:
        make_items(app)
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            app.transaction() as session,
        ):
            session.execute(text("DELETE FROM work_actions"))
    with (
        open_database(settings, role="analyst") as analyst,
        analyst.transaction() as session,
    ):
        assert session.scalar(text("SELECT count(*) FROM work_items_analyst")) == 1


def test_script_gives_no_password(server: Server, foreign: dict[str, str]) -> None:
    """The script holds no password, neither the user's nor a default one."""
    settings = Settings.model_validate(foreign)
    script = provision.superuser_sql(settings)
    assert "given later" not in script
    assert not re.search(r"PASSWORD\s+'", script)


def test_name_that_cannot_be_one_is_refused() -> None:
    """A line break in a role's name cannot smuggle SQL into the script."""
    url = "postgresql://app%0ADROP@/workqueue"
    with pytest.raises(WrongSetting, match="name of anything"):
        provision.superuser_sql(Settings.model_validate({"WORKQUEUE_DATABASE_URL": url}))


def test_one_address_for_all(server: Server, empty_database: str) -> None:
    """Where owner and app are one role, migrating leaves it all its rights."""
    address = server.libpq("owner", empty_database)
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=REPOSITORY,
        env={**os.environ, "WORKQUEUE_DATABASE_URL": address, "WORKQUEUE_OWNER_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with Database(server.url("owner", empty_database)) as owner:
        make_items(owner)
        alembic(owner, "downgrade", "base")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without the network by the build tool that is installed."""
    pytest.importorskip("hatchling", reason="the build tool (group build) is not installed")
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(out), str(REPOSITORY)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("workqueue-*.whl")
    return built


def test_wheel_holds_the_migrations(wheel: Path) -> None:
    """Migrations and alembic.ini are in the wheel, inside the package; tests are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    versions = {path.name for path in (REPOSITORY / "migrations" / "versions").glob("*.py")}
    inside = "workqueue/_alembic"
    assert {f"{inside}/alembic.ini", f"{inside}/migrations/env.py"} <= names
    assert {f"{inside}/migrations/versions/{name}" for name in versions} <= names
    assert "workqueue/py.typed" in names
    assert not [name for name in names if name.startswith("tests/")]


def test_installed_wheel_migrates(
    wheel: Path, server: Server, empty_database: str, tmp_path: Path
) -> None:
    """Installed in an environment of its own, away from the checkout, `workqueue migrate` works."""
    place = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(place)
    # A clean interpreter that finds the wheel, and the libraries of this one, but no checkout.
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    start = (
        f"import sys; sys.path[:0] = {[str(place), *libraries]!r}; "
        "import workqueue; from workqueue.cli import main; "
        f"assert workqueue.__file__.startswith({str(place)!r}), workqueue.__file__; "
        "sys.argv = ['workqueue', 'migrate']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start],
        cwd=tmp_path,
        env={
            **os.environ,
            "WORKQUEUE_DATABASE_URL": server.libpq("app", empty_database),
            "WORKQUEUE_OWNER_URL": server.libpq("owner", empty_database),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with Database(server.url("app", empty_database)) as app:
        provision.require_current(app)
