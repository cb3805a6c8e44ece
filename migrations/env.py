"""Runs the migrations, then grants the roles what each may do.

`workqueue.provision.migrate` hands over a connection; plain `alembic` opens one as the owner.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from workqueue.database import open_database
from workqueue.models import Base
from workqueue.provision import grant, roles
from workqueue.settings import Settings


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    grant(connection, roles(Settings.read()))
    connection.commit()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with (
        open_database(Settings.read(), role="owner") as database,
        database.engine.connect() as opened,
    ):
        _run(opened)
