"""What one server process holds once for all its sessions: the settings and the database."""

from __future__ import annotations

from functools import cache

from workqueue.database import Database, open_database
from workqueue.feed import Feed
from workqueue.settings import Settings

# No request of a page may hold others up.
WEB_LIMITS = {
    "statement_timeout": "15s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "30s",
}


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings.read()


@cache
def database() -> Database:
    """The database of this process under the app role, its requests limited in time."""
    return open_database(settings(), limits=WEB_LIMITS)


@cache
def feed() -> Feed:
    """What changes in the queue, read once for all sessions of this process."""
    started = Feed(database())
    started.start()
    return started
