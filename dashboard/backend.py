"""What one server process holds once for all its sessions: the settings and the database."""

from __future__ import annotations

import logging
import threading
import time
from functools import cache

from sqlalchemy.exc import DBAPIError

from workqueue.database import Database, open_database
from workqueue.errors import Refusal
from workqueue.feed import Feed
from workqueue.settings import Settings
from workqueue.verbs import expire_leases, make_ready

log = logging.getLogger(__name__)

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
def sweep() -> threading.Thread:
    """Free items whose claim has ended, twice a minute, for as long as this process lives.

    Before the first time it loads what the first correction would otherwise wait for.
    Several processes may do so at once: each skips what another one is freeing.
    """

    def again() -> None:
        make_ready()
        while True:
            try:
                database().run(expire_leases)
            except (Refusal, DBAPIError) as error:
                log.warning("claims that ended could not be freed: %s", error)
            time.sleep(30)

    thread = threading.Thread(target=again, name="sweep", daemon=True)
    thread.start()
    return thread


@cache
def feed() -> Feed:
    """What changes in the queue, read once for all sessions of this process."""
    started = Feed(database())
    started.start()
    return started
