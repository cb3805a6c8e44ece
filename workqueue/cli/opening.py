"""Opening the database for a command: settings, the embedded server, a schema that fits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from workqueue import provision
from workqueue.cli.printing import err
from workqueue.database import Database, open_database
from workqueue.settings import Settings


@contextmanager
def opened(settings: Settings | None = None, *, upgrading: bool = False) -> Iterator[Database]:
    """The database under the app role, at the current schema.

    An empty embedded database is migrated first, so that the first command just works, and an
    older one where `upgrading`; everything else is left to `workqueue migrate`.
    """
    settings = settings or Settings.read()
    with open_database(settings) as database:
        if settings.database_url is None:
            _migrate_where_due(settings, database, upgrading=upgrading)
        provision.require_current(database)
        yield database


def _migrate_where_due(settings: Settings, database: Database, *, upgrading: bool) -> None:
    with database.engine.connect() as connection:
        found = provision.current(connection)
    if found is None or (upgrading and found != provision.head()):
        err.print("Setting up the database …" if found is None else "Upgrading the database …")
        with open_database(settings, role="owner") as owner:
            provision.migrate(owner)
