"""A run of detection that stands still for as long as a test looks at it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import text

from workqueue.database import Database


@contextmanager
def held_up(database: Database) -> Iterator[Callable[[], None]]:
    """Every run stands still while it reads, until the block ends or calls what it is given."""
    going, held = threading.Event(), threading.Event()

    def hold() -> None:
        with database.transaction() as session:
            session.execute(text("LOCK TABLE provider_overrides IN ACCESS EXCLUSIVE MODE"))
            held.set()
            assert going.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)

    def go_on() -> None:
        going.set()
        thread.join()

    try:
        yield go_on
    finally:
        go_on()
