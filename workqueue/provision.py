"""Roles and schema: who may do what in the database, and bringing it to the current version.

Three roles (owner, app, analyst). The owner runs migrations; the app reads and writes but cannot
delete, and can only add to the audit trail; the analyst reads views without notes, e-mails and
tokens. Roles are made by a superuser (`workqueue migrate --provision` prints the SQL, the
embedded server has them from the start), never by a migration: an owner without CREATEROLE could
not, and a role outlives a database.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text

from workqueue.database import Database
from workqueue.errors import SchemaOutdated
from workqueue.settings import Settings

APP, ANALYST, OWNER = "workqueue_app", "workqueue_analyst", "workqueue_owner"

# Everything the app role may do, by table; what is not here is not granted.
APP_GRANTS: dict[str, str] = {
    "user": "SELECT, INSERT, UPDATE",
    "security_events": "SELECT, INSERT",
    "sources": "SELECT, INSERT",
    "column_sets": "SELECT, INSERT",
    "individual_providers": "SELECT, INSERT, UPDATE",
    "provider_sources": "SELECT, INSERT, UPDATE",
    "provider_source_history": "SELECT, INSERT",
    "provider_overrides": "SELECT, INSERT, UPDATE",
    "queue_types": "SELECT, INSERT",
    "rules": "SELECT, INSERT, UPDATE",
    "work_items": "SELECT, INSERT, UPDATE",
    "work_item_providers": "SELECT, INSERT, UPDATE",
    "work_actions": "SELECT, INSERT",
    "intake_runs": "SELECT, INSERT, UPDATE",
    "intake_rejects": "SELECT, INSERT",
    "detection_runs": "SELECT, INSERT, UPDATE",
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


def grant(connection: Connection) -> None:
    """Grant app and analyst what the tables above say, where the roles and tables exist."""
    present = set(
        connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relkind IN ('r', 'v')"
            )
        )
    )
    roles = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    if APP in roles:
        for table, rights in APP_GRANTS.items():
            if table in present:
                connection.execute(text(f'REVOKE ALL ON "{table}" FROM {APP}'))
                connection.execute(text(f'GRANT {rights} ON "{table}" TO {APP}'))
        connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP}"))
        if (connection.dialect.server_version_info or ()) >= MAINTAIN_SINCE:
            for table in present.intersection(APP_MAINTAINS):
                connection.execute(text(f'GRANT MAINTAIN ON "{table}" TO {APP}'))
    if ANALYST in roles:
        for table in (*ANALYST_TABLES, *ANALYST_VIEWS):
            if table in present:
                connection.execute(text(f'GRANT SELECT ON "{table}" TO {ANALYST}'))


def superuser_sql(settings: Settings) -> str:
    """The SQL with which a superuser of one's own server makes the roles and the database.

    Passwords are left as placeholders: they belong to the person who runs it.
    """
    name = make_url(settings.database_url).database if settings.database_url else None
    database = name or "workqueue"
    return f"""\
-- Run as a superuser, for example: psql -U postgres -f provision.sql
-- Then set WORKQUEUE_DATABASE_URL (as {APP}), WORKQUEUE_OWNER_URL (as {OWNER}) and
-- WORKQUEUE_ANALYST_URL (as {ANALYST}), and run `workqueue migrate`.
CREATE ROLE {OWNER} LOGIN PASSWORD 'CHOOSE-ONE';
CREATE ROLE {APP} LOGIN PASSWORD 'CHOOSE-ANOTHER';
CREATE ROLE {ANALYST} LOGIN PASSWORD 'CHOOSE-A-THIRD';
CREATE DATABASE "{database}" OWNER {OWNER} ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE "{database}" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO {APP};
GRANT CONNECT, TEMPORARY ON DATABASE "{database}" TO {OWNER};
GRANT CONNECT ON DATABASE "{database}" TO {ANALYST};
\\connect "{database}"
ALTER SCHEMA public OWNER TO {OWNER};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {APP}, {ANALYST};
CREATE EXTENSION IF NOT EXISTS pg_trgm;
"""
