"""Opening the database for a command: settings, the embedded server, a schema that fits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from workqueue import provision
from workqueue.cli.printing import err
from workqueue.database import Database, open_database
from workqueue.settings import Settings


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Database]:
    """The database under the app role, at the current schema.

    An empty embedded database is migrated first, so that the first command just works; on a
    server of one's own that is left to `workqueue migrate`.
    """
    settings = settings or Settings.read()
    with open_database(settings) as database:
        if settings.database_url is None:
            _migrate_if_empty(settings, database)
        provision.require_current(database)
        yield database


def _migrate_if_empty(settings: Settings, database: Database) -> None:
    with database.engine.connect() as connection:
        empty = provision.current(connection) is None
    if empty:
        err.print("Setting up the database …")
        with open_database(settings, role="owner") as owner:
            provision.migrate(owner)
