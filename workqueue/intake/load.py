"""Load provider files: every line accounted for, block by block, each block one transaction.

While PostgreSQL takes one block, a thread reads and normalises the next. A load that is broken
off (an error, kill -9, a lost connection) leaves whole blocks behind and the byte behind the last
one; the same command goes on from there. One load per source at a time: a session lock that ends
with the connection.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psycopg2
import psycopg2.errors
import pyarrow as pa

from workqueue.accounts import Actor, acting_with
from workqueue.database import Database
from workqueue.errors import BadInput, TriedTooOften
from workqueue.fields import SLOTS
from workqueue.intake import runs, store
from workqueue.intake.blocks import blocks
from workqueue.intake.header import NPPES, SourceFile, codec, source_file
from workqueue.intake.normalise import Normaliser
from workqueue.intake.occurrences import Occurrences
from workqueue.intake.opening import Progress, open_data
from workqueue.intake.refusals import DiskTooSmall, LoadBroken, LoadInProgress
from workqueue.intake.report import LoadReport
from workqueue.intake.runs import Connection, Run
from workqueue.intake.store import Tally, Target
from workqueue.intake.writing import Part, write_block
from workqueue.lifecycle import Duty
from workqueue.settings import Settings

BLOCK_BYTES: Final = 32 << 20
_LOCK: Final = 0x57514C44
_LOCK_SECONDS: Final = 5.0
_ATTEMPTS: Final = 4
_WORTH_ANALYSING: Final = 10_000
# What queries choose records by; autovacuum comes to the other columns in its own time.
_SEARCHED: Final = (
    *("npi", "last_name", "first_name", "practice_state", "source_id", "column_set_id"),
    *(f"license_number_{slot}" for slot in range(1, SLOTS + 1)),
    *(f"license_state_{slot}" for slot in range(1, SLOTS + 1)),
)


def load(  # noqa: PLR0913 - a load has these parts, all but two of them by name
    database: Database,
    paths: Sequence[Path],
    *,
    actor: Actor,
    source: str = NPPES,
    encoding: str | None = None,
    settings: Settings,
    progress: Progress | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> LoadReport:
    """Load files into the records of `source`, and say what became of every line.

    Lines that are not UTF-8 are read as `encoding`; without one they are rejected.

    `progress` is called with what is being done, bytes done and bytes in all. All files are
    recognised, and archives checked, before the first one is written. Raises NotAllowed, the
    refusals of `intake.refusals`, BadInput for a wrong source or encoding, and TriedTooOften.
    """
    begun = time.monotonic()
    name = _source_name(source)
    how = codec(encoding)
    if not paths:
        raise BadInput("no file was named; name the files to load.")
    with database.transaction() as session:
        user = acting_with(session, actor, Duty.LOAD)
    files = [
        source_file(open_data(path, settings.max_unpacked_gb, progress), name, how)
        for path in paths
    ]
    home = settings.home if settings.database_url is None else None
    way = _Way(runs.Loader(user.id, actor.via), home, block_bytes, progress)
    done: list[Run] = []
    with _connected(database) as connection:
        source_id = _source_id(connection, name)
        with _only_load(connection, source_id, name):
            for file in files:
                done.append(_FileLoad(connection, name, source_id, file, way).load())
            _analyse(connection, done)
    return _report(done, time.monotonic() - begun)


def _source_name(source: str) -> str:
    name = source.strip()
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise BadInput(f"source {source!r} cannot be used: give 1 to 100 printable characters.")
    return NPPES if name.upper() == NPPES else name


@contextmanager
def _connected(database: Database) -> Iterator[Connection]:
    """A connection of the load's own, closed for good afterwards: its lock ends with it."""
    pooled = database.engine.raw_connection()
    connection: Connection = pooled.dbapi_connection  # type: ignore[assignment]
    pooled.detach()
    try:
        yield connection
    except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        raise LoadBroken(
            "the connection to the database was lost; what was loaded is kept, nothing is "
            "half-written. Run the same command again to go on from there."
        ) from error
    finally:
        connection.close()


def _source_id(connection: Connection, name: str) -> int:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO sources (name) SELECT %(name)s WHERE NOT EXISTS"
            " (SELECT 1 FROM sources WHERE name = %(name)s) ON CONFLICT DO NOTHING",
            {"name": name},
        )
        cursor.execute("SELECT id FROM sources WHERE name = %s", (name,))
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"source {name} was neither found nor made")
    return int(row[0])


@contextmanager
def _only_load(connection: Connection, source_id: int, name: str) -> Iterator[None]:
    # A load that was just killed needs a moment until the server notices.
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK, source_id))
            row = cursor.fetchone()
        if row and row[0]:
            break
        if time.monotonic() > until:
            raise LoadInProgress(
                f"another load of source {name} is running; wait for it to end and load again."
            )
        time.sleep(0.1)
    yield


@dataclass(frozen=True)
class _Way:
    """How to load; `home` is the embedded server's folder, if there is one."""

    loader: runs.Loader
    home: Path | None
    block_bytes: int
    progress: Progress | None


class _FileLoad:
    """The load of one file."""

    def __init__(
        self, connection: Connection, source: str, source_id: int, file: SourceFile, way: _Way
    ) -> None:
        self._connection = connection
        self._source, self._source_id = source, source_id
        self._file, self._way = file, way

    def load(self) -> Run:
        """Load what is not loaded yet."""
        fields = self._file.layout.fields
        with self._connection as connection, connection.cursor() as cursor:
            columns = store.column_set_id(cursor, fields)
            run = runs.begin(cursor, self._source_id, columns, self._file, self._way.loader)
            cursor.execute(
                "SELECT NOT EXISTS (SELECT 1 FROM provider_sources WHERE source_id = %s)",
                (self._source_id,),
            )
            first = cursor.fetchall()[0][0]
        target = Target(self._source_id, self._source == NPPES, run.id, columns, fields)
        try:
            if self._way.home is not None:
                runs.require_space(self._way.home, self._file.data, run.next_offset, first=first)
            self._write_all(run, target, first)
        except BaseException as error:
            self._fail(run, error)
            if isinstance(error, psycopg2.errors.DiskFull):
                raise DiskTooSmall(self._kept(run, "the disk of the database is full")) from error
            if isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
                said = "the connection to the database was lost"
                raise LoadBroken(self._kept(run, said)) from error
            raise
        return run

    def _kept(self, run: Run, said: str) -> str:
        remedy = "Free some room and" if "full" in said else "When the database is back,"
        return (
            f"{self._file.data.name}: {said}. {run.tally.read:,} records are loaded and kept, "
            f"nothing is half-written. {remedy} run the same command again to go on from there."
        )

    def _fail(self, run: Run, error: BaseException) -> None:
        said = str(error).strip() or type(error).__name__
        try:
            self._connection.rollback()
            with self._connection as connection, connection.cursor() as cursor:
                runs.end(cursor, run.id, said)
        except psycopg2.Error:
            # The server is gone or full; the run stays RUNNING, which is resumed just as well.
            return

    def _write_all(self, run: Run, target: Target, first: bool) -> None:
        parts = self._parts(run.next_offset)
        data, progress = self._file.data, self._way.progress
        with ThreadPoolExecutor(1, "intake") as reader:
            coming = reader.submit(next, parts, None)
            while (part := coming.result()) is not None:
                coming = reader.submit(next, parts, None)
                if part.block.end > run.next_offset:
                    self._write(run, target, part, first)
                if progress:
                    progress(f"loading {data.name}", part.block.end, data.size)
        with self._connection as connection, connection.cursor() as cursor:
            runs.end(cursor, run.id)

    def _parts(self, resume_at: int) -> Iterator[Part]:
        # Blocks before `resume_at` come too: they number the keys, and are not written again.
        file, size = self._file, self._way.block_bytes
        normaliser = Normaliser(file.layout, self._source)
        occurrences = Occurrences()
        with file.data.open() as stream:
            for block in blocks(stream, file.layout, file.encoding, size, resume_at):
                rows = normaliser.rows(block)
                numbers = occurrences.number(rows.kept["_number"].to_numpy())
                kept = rows.kept.append_column("_occurrence", pa.array(numbers))
                yield Part(block, replace(rows, kept=kept))

    def _write(self, run: Run, target: Target, part: Part, first: bool) -> None:
        """Write one block in one transaction; again, if the database broke it off in passing."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._connection as connection, connection.cursor() as cursor:
                    store.prepare(cursor, last=part.block.end >= self._file.data.size)
                    tally = runs.added(run.tally, write_block(cursor, target, part, first))
                    runs.advance(cursor, run, part.block.end, part.block.next_line, tally)
                break
            except (
                psycopg2.errors.DeadlockDetected,
                psycopg2.errors.SerializationFailure,
                psycopg2.errors.LockNotAvailable,
            ) as error:
                if attempt == _ATTEMPTS:
                    raise TriedTooOften(
                        self._kept(run, "somebody else kept its records locked")
                    ) from error
                time.sleep(0.05 * 2**attempt)
        run.next_offset, run.next_line, run.tally = part.block.end, part.block.next_line, tally


def _analyse(connection: Connection, done: list[Run]) -> None:
    # Fresh statistics after a large load; PostgreSQL only warns where the role may not.
    if sum(run.tally.loaded + run.tally.updated for run in done) < _WORTH_ANALYSING:
        return
    with connection, connection.cursor() as cursor:
        cursor.execute(f"ANALYZE individual_providers ({', '.join(_SEARCHED)}), provider_sources")


def _report(done: list[Run], seconds: float) -> LoadReport:
    total = Tally()
    for run in done:
        total = runs.added(total, run.tally)
    return LoadReport(
        read=total.read,
        loaded=total.loaded,
        updated=total.updated,
        unchanged=total.unchanged,
        rejected=total.rejected,
        skipped=total.skipped,
        normalised=total.normalised,
        run_ids=tuple(run.id for run in done),
        resumed=sum(run.resumed for run in done),
        seconds=seconds,
    )
