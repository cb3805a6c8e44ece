"""Roles and schema: who may do what in the database, and bringing it to the current version.

Three roles (owner, app, analyst). The owner runs migrations; the app reads and writes but cannot
delete, and can only add to the audit trail; the analyst reads views without notes, e-mails and
tokens. Roles are made by a superuser (`workqueue migrate --provision` prints the SQL, the
embedded server has them from the start), never by a migration: an owner without CREATEROLE could
not, and a role outlives a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text

from workqueue.database import ANALYST_SCHEMA, Database
from workqueue.errors import SchemaOutdated, WrongSetting
from workqueue.settings import Settings

APP, ANALYST, OWNER = "workqueue_app", "workqueue_analyst", "workqueue_owner"

# Everything the app role may do, by table; what is not here is not granted.
APP_GRANTS: dict[str, str] = {
    "user": "SELECT, INSERT, UPDATE",
    "user_passwords": "SELECT, INSERT, UPDATE",
    "login_sessions": "SELECT, INSERT, UPDATE",
    "login_links": "SELECT, INSERT, UPDATE",
    "login_throttle": "SELECT, INSERT, UPDATE",
    "security_events": "SELECT, INSERT",
    "sources": "SELECT, INSERT",
    "column_sets": "SELECT, INSERT",
    "individual_providers": "SELECT, INSERT, UPDATE",
    "provider_sources": "SELECT, INSERT, UPDATE",
    "provider_source_history": "SELECT, INSERT",
    "provider_overrides": "SELECT, INSERT, UPDATE",
    "provider_former_keys": "SELECT, INSERT",
    "nppes_deactivations": "SELECT, INSERT, UPDATE",
    "queue_types": "SELECT, INSERT",
    "rules": "SELECT, INSERT, UPDATE",
    "work_items": "SELECT, INSERT, UPDATE",
    "work_item_providers": "SELECT, INSERT, UPDATE",
    "work_actions": "SELECT, INSERT",
    "intake_runs": "SELECT, INSERT, UPDATE",
    "intake_rejects": "SELECT, INSERT",
    "detection_runs": "SELECT, INSERT, UPDATE",
    "detection_run_rules": "SELECT, INSERT",
    "reference_lists": "SELECT, INSERT, UPDATE",
    "reference_entries": "SELECT, INSERT",
    "alembic_version": "SELECT",
}
# What a large load or detection may ANALYZE afterwards; the right exists from PostgreSQL 17 on.
APP_MAINTAINS = (
    "individual_providers",
    "provider_sources",
    "work_items",
    "work_item_providers",
    "work_actions",
)
MAINTAIN_SINCE = (17,)
ANALYST_TABLES = (
    "sources",
    "column_sets",
    "individual_providers",
    "queue_types",
    "rules",
    "alembic_version",
)
ANALYST_VIEWS = ("work_items_analyst", "work_actions_analyst", "users_analyst")


def alembic_config() -> Config:
    """The alembic configuration: beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_alembic", package.parent):
        if (folder / "alembic.ini").is_file():
            return Config(folder / "alembic.ini")
    raise SchemaOutdated("the migrations are missing from this installation; install it again.")


def head() -> str:
    """The newest revision that this version of WorkQueue knows."""
    revision = ScriptDirectory.from_config(alembic_config()).get_current_head()
    if revision is None:
        raise SchemaOutdated("the migrations are missing from this installation; install it again.")
    return revision


def current(connection: Connection) -> str | None:
    """The revision of the database; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def require_current(database: Database) -> None:
    """Raise SchemaOutdated unless the database is at the newest revision."""
    with database.engine.connect() as connection:
        found, wanted = current(connection), head()
    if found is None:
        raise SchemaOutdated("the database is empty; run `workqueue migrate` first.")
    if found != wanted:
        raise SchemaOutdated(
            f"the database has schema {found}, this version needs {wanted}; "
            "run `workqueue migrate`."
        )


def migrate(owner: Database, revision: str = "head") -> None:
    """Bring the schema to `revision` and grant the roles their rights. Needs the owner role."""
    config = alembic_config()
    with owner.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@dataclass(frozen=True)
class Roles:
    """The names of the three database roles."""

    owner: str = OWNER
    app: str = APP
    analyst: str = ANALYST


def roles(settings: Settings) -> Roles:
    """The roles that the addresses of one's own server name, and our names for the others."""

    def named(url: str | None, otherwise: str) -> str:
        return (make_url(url).username if url else None) or otherwise

    return Roles(
        owner=named(settings.owner_url, OWNER),
        app=named(settings.database_url, APP),
        analyst=named(settings.analyst_url, ANALYST),
    )


def grant(connection: Connection, to: Roles) -> None:
    """Grant app and analyst what the tables above say, where the roles and tables exist.

    A role that owns the tables itself, as where one address serves for all, keeps what it has.
    """
    present = set(
        connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relkind IN ('r', 'v')"
            )
        )
    )
    others = set(
        connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolname <> current_user"))
    )

    def quote(name: str) -> str:
        # A colon would begin a bound parameter of text().
        return _identifier(name).replace(":", r"\:")

    if to.app in others:
        _grant_app(connection, present, quote(to.app))
    if to.analyst in others:
        for table in (*ANALYST_TABLES, *ANALYST_VIEWS):
            if table in present:
                connection.execute(text(f'GRANT SELECT ON "{table}" TO {quote(to.analyst)}'))
        if _has_schema(connection, ANALYST_SCHEMA):
            for right in ("USAGE ON SCHEMA", "SELECT ON ALL TABLES IN SCHEMA"):
                connection.execute(text(f"GRANT {right} {ANALYST_SCHEMA} TO {quote(to.analyst)}"))


def _has_schema(connection: Connection, name: str) -> bool:
    found = text("SELECT count(*) FROM pg_namespace WHERE nspname = :name")
    return bool(connection.scalar(found, {"name": name}))


def _grant_app(connection: Connection, present: set[str], app: str) -> None:
    for table, rights in APP_GRANTS.items():
        if table in present:
            connection.execute(text(f'REVOKE ALL ON "{table}" FROM {app}'))
            connection.execute(text(f'GRANT {rights} ON "{table}" TO {app}'))
    for view in sorted(present.intersection(ANALYST_VIEWS)):
        # The metrics read these under both roles.
        connection.execute(text(f'GRANT SELECT ON "{view}" TO {app}'))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app}"))
    if (connection.dialect.server_version_info or ()) >= MAINTAIN_SINCE:
        for table in sorted(present.intersection(APP_MAINTAINS)):
            connection.execute(text(f'GRANT MAINTAIN ON "{table}" TO {app}'))


def superuser_sql(settings: Settings) -> str:
    """The psql script with which a superuser of one's own server makes roles and database.

    What is there already is kept, so that it may run again. Roles get no password here: whoever
    runs it gives them theirs, and until then none of them can log in by password. Raises
    WrongSetting for a name that cannot be written into a script.
    """
    url = make_url(settings.database_url) if settings.database_url else None
    database = (url.database if url else None) or "workqueue"
    named = roles(settings)
    names = (named.owner, named.app, named.analyst)
    for name in (database, *names):
        if not name.isprintable():
            raise WrongSetting(f"{name!r} in a database address cannot be the name of anything.")
    said = {"database": _identifier(database), "database_text": _literal(database)}
    said |= {"roles": ", ".join(f"({_literal(name)})" for name in names)}
    for what, name in zip(("owner", "app", "analyst"), names, strict=True):
        said |= {what: _identifier(name), f"{what}_text": _literal(name)}
    return _PROVISIONING.format_map(said)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


_PROVISIONING = """\
-- Run with psql as a superuser, for example: psql -U postgres -f provision.sql
-- It may run again: what is there already is kept. Then give each role a password, in psql by
--     \\password {owner}
--     \\password {app}
--     \\password {analyst}
-- and set WORKQUEUE_OWNER_URL, WORKQUEUE_DATABASE_URL (the app role) and WORKQUEUE_ANALYST_URL;
-- `workqueue migrate` makes the tables and grants the rights on them.
\\set ON_ERROR_STOP on
SELECT DISTINCT format('CREATE ROLE %I LOGIN', name) FROM (VALUES {roles}) wanted (name)
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \\gexec
SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0',
              {database_text}, {owner_text})
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = {database_text}) \\gexec
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {owner};
GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {app};
GRANT CONNECT ON DATABASE {database} TO {analyst};
\\connect {database}
ALTER SCHEMA public OWNER TO {owner};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {app}, {analyst};
CREATE EXTENSION IF NOT EXISTS pg_trgm;
"""
