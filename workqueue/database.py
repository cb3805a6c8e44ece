"""Engine, transactions, the acting user, and the retry of a whole verb.

Sessions run at READ COMMITTED in UTC. `Database.run` is the door for everything that writes: it
gives the verb a fresh transaction, and repeats the whole verb where PostgreSQL broke it off for
reasons that pass (deadlock, serialisation, a lost connection).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast

import psycopg2
from sqlalchemy import Engine, create_engine, event, insert, select, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from workqueue import embedded
from workqueue.errors import DatabaseUnavailable, Denial, Refusal, TriedTooOften
from workqueue.models import SecurityEvent, User
from workqueue.settings import Settings

DatabaseRole = Literal["owner", "app", "analyst"]

T = TypeVar("T")

ANALYST_SCHEMA = "analyst"
ATTEMPTS = 4
TRUSTED_SECONDS = 1.0
# serialization_failure, deadlock_detected, lock_not_available
_PASSING = frozenset({"40001", "40P01", "55P03"})


@dataclass(frozen=True)
class Prepared:
    """A statement that takes longer to plan than to run; each connection plans it once, by name."""

    name: str
    prepare: str
    execute: str


class Database:
    """One database under one role, with its pool of connections. Close it, or use `with`."""

    def __init__(
        self,
        url: str,
        *,
        lease: embedded.Lease | None = None,
        limits: Mapping[str, str] | None = None,
    ) -> None:
        """Connect lazily to `url`; `limits` are PostgreSQL settings such as statement_timeout."""
        options = {"timezone": "UTC", "lock_timeout": "10s", **(limits or {})}
        self.url = url
        self._lease = lease
        self.engine: Engine = create_engine(
            url,
            connect_args={
                "application_name": "workqueue",
                "connect_timeout": 10,
                "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
            },
        )
        event.listen(self.engine, "handle_error", _no_connection)
        event.listen(self.engine, "checkin", _note_use)
        event.listen(self.engine, "checkout", _require_life)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection, and leave the embedded server if nobody else uses it."""
        self.engine.dispose()
        if self._lease is not None:
            self._lease.release()

    @property
    def libpq_url(self) -> str:
        """The address as libpq programs and ADBC read it."""
        return self.url.replace("postgresql+psycopg2://", "postgresql://", 1)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session in one transaction: committed at the end, rolled back on an error.

        Raises DatabaseUnavailable where no connection can be had.
        """
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A read-only session that sees one moment throughout (REPEATABLE READ).

        Raises DatabaseUnavailable where no connection can be had.
        """
        with Session(self.engine) as session:
            session.connection(
                execution_options={
                    "isolation_level": "REPEATABLE READ",
                    "postgresql_readonly": True,
                }
            )
            yield session

    def run(self, act: Callable[[Session], T]) -> T:
        """Run `act` in a transaction of its own and return its answer once it is committed.

        The whole of `act` is repeated, at most three times, where the database broke it off or
        cannot be reached (the embedded server is started again if it was killed); give the verb a
        `request_id`, so that a commit whose answer was lost is not done twice. Raises
        TriedTooOften or DatabaseUnavailable after the last attempt, and whatever `act` raises. A
        refusal that denies a right is kept as a security event, since its transaction is undone.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.transaction() as session:
                    return act(session)
            except DatabaseUnavailable:
                if attempt == ATTEMPTS:
                    raise
            except Refusal as refusal:
                if refusal.denial is not None:
                    self._keep(refusal.denial, str(refusal))
                raise
            except DBAPIError as error:
                if not _passes(error):
                    raise
                if attempt == ATTEMPTS:
                    raise TriedTooOften() from error
            time.sleep(0.05 * 2**attempt)
            if self._lease is not None:
                self._lease.ensure_running()
        raise TriedTooOften()

    def _keep(self, denial: Denial, words: str) -> None:
        known = select(User.id).where(User.username == denial.username).scalar_subquery()
        detail = {**denial.asked, "username": denial.username, "refusal": words}
        with self.transaction() as session:
            session.execute(
                insert(SecurityEvent).values(
                    user_id=known, via=denial.via, event="denied", detail=detail
                )
            )

    def at_once(self, statement: Prepared, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run one statement as a transaction of its own, and return its only row once committed.

        One round trip instead of three and the bare driver: for the hottest path, where they are
        half the cost. None where the database broke it off or cannot be reached; `run` the same
        then, which repeats it or says why. As there, only a `request_id` makes sure that a commit
        whose answer was lost is not done twice.
        """
        try:
            with closing(self.engine.raw_connection()) as borrowed:
                return _sent(borrowed, statement, values)
        except psycopg2.Error:
            return None


def _sent(
    borrowed: PoolProxiedConnection, statement: Prepared, values: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    driver = cast(psycopg2.extensions.connection, borrowed.driver_connection)
    # A setting of the driver, which then sends no BEGIN; it costs no round trip.
    driver.autocommit = True
    try:
        with closing(driver.cursor()) as cursor:
            if statement.name not in borrowed.info:
                cursor.execute(statement.prepare)
                borrowed.info[statement.name] = True
            cursor.execute(statement.execute, values)
            return cursor.fetchone()
    finally:
        if driver.closed:
            borrowed.invalidate()
        else:
            driver.autocommit = False


def _note_use(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    del connection
    record.info["used_at"] = time.monotonic()


def _require_life(
    connection: DBAPIConnection, record: ConnectionPoolEntry, borrowed: PoolProxiedConnection
) -> None:
    """Ask a connection that has been idle whether it lives; the pool replaces it where not.

    Not one that was in use a moment ago: the question would be a third of the cost of a claim.
    """
    del borrowed
    used_at = record.info.get("used_at")
    if used_at is None or time.monotonic() - used_at < TRUSTED_SECONDS:
        return
    try:
        with closing(connection.cursor()) as cursor:
            cursor.execute("SELECT 1")
        connection.rollback()
    except psycopg2.Error as error:
        raise InvalidatePoolError() from error


def _no_connection(failure: ExceptionContext) -> None:
    """Put into words that no connection could be had; other errors pass as they are."""
    if failure.connection is None and failure.statement is None:
        raise DatabaseUnavailable(
            f"the database cannot be reached: {_first_line(failure.original_exception)}. "
            "`workqueue doctor` says what is wrong."
        ) from failure.original_exception


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"


def _passes(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    cause = error.orig
    if not isinstance(cause, psycopg2.Error):
        return False
    # Two equal requests at the same moment: repeated, the loser finds what the winner recorded.
    return cause.pgcode in _PASSING or cause.diag.constraint_name == "uq_work_actions_request_id"


def open_database(
    settings: Settings,
    *,
    role: DatabaseRole = "app",
    limits: Mapping[str, str] | None = None,
) -> Database:
    """The database that the settings name, under `role`; starts the embedded one if it must.

    With a server of one's own, a role without an address of its own uses the app role's. The
    analyst's connections look for tables in the schema of its views first, so that the same
    queries serve it.
    """
    if role == "analyst":
        limits = {"search_path": f"{ANALYST_SCHEMA},public", **(limits or {})}
    if settings.database_url is not None:
        own = {"owner": settings.owner_url, "analyst": settings.analyst_url, "app": None}
        return Database(own[role] or settings.database_url, limits=limits)
    lease = embedded.acquire(settings.home)
    urls = {"owner": lease.urls.owner, "app": lease.urls.app, "analyst": lease.urls.analyst}
    return Database(urls[role], lease=lease, limits=limits)


def act_as(session: Session, user_id: int) -> None:
    """Say who acts for the rest of this transaction; the audit trigger refuses rows without."""
    session.execute(
        text("SELECT set_config('app.actor', :user_id, true)"), {"user_id": str(user_id)}
    )
