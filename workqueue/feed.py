"""READ: what changes in the queue, told to whoever listens in this process.

One thread asks for the action rows that have come since, a few times a second, by their id. Not
LISTEN/NOTIFY: a transaction that notifies takes a lock until its commit is on disk, so that
writers no longer commit together, and every claim would pay for it (measured: 0.29 of the rate
with 16 writers). An idle question by primary key costs next to nothing, and there is no
notification to lose when a connection breaks.

Rows become visible in the order of commits, not of ids: a row of a lower id may appear later. So
an id counts as passed only when every transaction that ran at the time it was seen has ended.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from workqueue.database import Database
from workqueue.errors import Refusal

log = logging.getLogger(__name__)

MOST: Final = 2_000
_BEGIN = text("""
SELECT coalesce((SELECT max(id) FROM work_actions), 0) AS high,
       CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS next_transaction
""")
_NEW = text("""
SELECT a.id, a.work_item_id, a.seq, a.action_type, u.username, a.created_at
FROM work_actions a JOIN "user" u ON u.id = a.user_id
WHERE a.id > :low AND a.id <> ALL (CAST(:seen AS bigint[]))
ORDER BY a.id LIMIT :most
""")
_RUNNING = text("""
SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS oldest,
       CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS next_transaction
""")


@dataclass(frozen=True)
class Change:
    """One action on an item: which, by whom, when (UTC); `seq` is the item's version since."""

    item_id: int
    seq: int
    action: str
    username: str
    at: datetime


# What a listener is called with; None: more has changed than can be told, look at everything.
Listener: TypeAlias = Callable[[Sequence[Change] | None], None]


class Feed:
    """Tells listeners of every action within about `every` seconds of its commit.

    Listeners are called in the feed's own thread and should return at once. The database is
    asked only while somebody listens. After a lost connection everybody is told to look at
    everything, since what happened meanwhile may be more than a page can show.
    """

    def __init__(self, database: Database, *, every: float = 0.3) -> None:
        self._database = database
        self._every = every
        self._listeners: dict[int, Listener] = {}
        self._numbers = 0
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called with what changes from now on; call the answer to end that."""
        with self._lock:
            self._numbers += 1
            number = self._numbers
            self._listeners[number] = listener
            self._wanted.set()

        def end() -> None:
            with self._lock:
                self._listeners.pop(number, None)
                if not self._listeners:
                    self._wanted.clear()

        return end

    def start(self) -> None:
        """Begin, in a thread that ends with the process."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="feed", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread, and wait for it."""
        self._closed.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def _follow(self) -> None:
        lost = False
        while not self._closed.is_set():
            self._wanted.wait()
            try:
                self._listen(resuming=lost)
                lost = False
            except (DBAPIError, Refusal) as error:
                if not lost:
                    log.warning("the feed lost the database: %s", str(error).partition("\n")[0])
                lost = True
                self._closed.wait(1.0)

    def _listen(self, *, resuming: bool) -> None:
        with self._database.engine.connect().execution_options(
            isolation_level="AUTOCOMMIT"
        ) as connection:
            seen = _Seen(connection)
            if resuming:
                self._tell(None)
            while self._wanted.is_set() and not self._closed.wait(self._every):
                changes = seen.since(connection)
                if changes is None or changes:
                    self._tell(changes)

    def _tell(self, changes: Sequence[Change] | None) -> None:
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            try:
                listener(changes)
            except Exception:
                log.exception("a listener of the feed failed")


class _Seen:
    # Which action rows have been told: all up to `low`, and those of `above`.
    def __init__(self, connection: Connection) -> None:
        self._above: set[int] = set()
        self._pending: list[tuple[int, int]] = []
        self._begin(connection)

    def _begin(self, connection: Connection) -> None:
        row = connection.execute(_BEGIN).one()
        self.low: int = row.high
        self._above.clear()
        self._pending.clear()

    def since(self, connection: Connection) -> tuple[Change, ...] | None:
        # What has become visible; None where it is too much to be told one by one.
        running = connection.execute(_RUNNING).one()
        rows = connection.execute(
            _NEW, {"low": self.low, "seen": list(self._above), "most": MOST + 1}
        ).all()
        if len(rows) > MOST:
            self._begin(connection)
            return None
        self._above.update(row.id for row in rows)
        self._pass_over(running.oldest, running.next_transaction)
        return tuple(Change(*row[1:]) for row in rows)

    def _pass_over(self, oldest: int, next_transaction: int) -> None:
        # What was the highest id when transaction n had not begun yet is passed once every
        # transaction before n has ended: whoever took a lower id is done, or never will be.
        passed = [high for begun, high in self._pending if begun <= oldest]
        self._pending = [each for each in self._pending if each[0] > oldest]
        if passed:
            self.low = max(self.low, *passed)
            self._above = {each for each in self._above if each > self.low}
        high = max(self._above, default=self.low)
        if high > self.low and (not self._pending or self._pending[-1][1] < high):
            self._pending.append((next_transaction, high))
