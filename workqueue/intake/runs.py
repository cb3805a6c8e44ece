"""The run of one file: begun or gone on with, moved forward with each block, and ended."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psycopg2.extensions

from workqueue.intake.header import SourceFile
from workqueue.intake.opening import Data
from workqueue.intake.refusals import DiskTooSmall
from workqueue.intake.store import Cursor, Tally

Connection = psycopg2.extensions.connection

_COUNTS: Final = ("read", "loaded", "updated", "unchanged", "rejected", "skipped")
_RESERVE: Final = 64 << 20
# Bytes of database per byte of csv, with indexes: 0.36 to 0.61 was measured for a first load.
_GROWTH_FIRST: Final = 0.7
_GROWTH_AGAIN: Final = 0.05


@dataclass
class Run:
    """A row of intake_runs: how far the file is accounted for, and the counts so far."""

    id: int
    next_offset: int
    next_line: int
    tally: Tally
    resumed: bool


@dataclass(frozen=True)
class Loader:
    """Who loads: the user's id, and how they came in."""

    user_id: int
    via: str


def begin(cursor: Cursor, source_id: int, column_set: int, file: SourceFile, loader: Loader) -> Run:
    """Go on with the newest run of the same content if it was broken off, else begin a new one."""
    digest = f"{file.data.digest}:{file.encoding}"
    cursor.execute(
        "SELECT status, id, next_offset, next_line, read, loaded, updated, unchanged, rejected,"
        " skipped, normalised FROM intake_runs WHERE source_id = %s AND file_digest = %s"
        " ORDER BY id DESC LIMIT 1",
        (source_id, digest),
    )
    found = cursor.fetchone()
    if found and found[0] != "DONE":
        run = Run(found[1], found[2], found[3], Tally(*found[4:]), resumed=True)
        cursor.execute(
            "UPDATE intake_runs SET status = 'RUNNING', finished_at = NULL, error = ''"
            " WHERE id = %s",
            (run.id,),
        )
        return run
    cursor.execute(
        "INSERT INTO intake_runs (source_id, column_set_id, kind, file_name, file_size,"
        " file_digest, next_line, user_id, via)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            source_id,
            column_set,
            file.layout.kind,
            file.data.name,
            file.data.size,
            digest,
            file.layout.line,
            loader.user_id,
            loader.via,
        ),
    )
    row = cursor.fetchone()
    if row is None:
        raise LookupError("the run that was begun has no id")
    return Run(row[0], 0, file.layout.line, Tally(), resumed=False)


def advance(cursor: Cursor, run: Run, offset: int, line: int, tally: Tally) -> None:
    """Note within the block's own transaction that the file is accounted for up to `offset`."""
    counts = asdict(tally)
    cursor.execute(
        "UPDATE intake_runs SET next_offset = %s, next_line = %s, normalised = %s, "
        + ", ".join(f"{name} = %s" for name in _COUNTS)
        + " WHERE id = %s",
        (
            offset,
            line,
            json.dumps(tally.normalised, sort_keys=True),
            *(counts[name] for name in _COUNTS),
            run.id,
        ),
    )


def added(total: Tally, block: Tally) -> Tally:
    """The counts of a file so far and of one more block together."""
    counts, more = asdict(total), asdict(block)
    kinds = dict(total.normalised)
    for kind, count in block.normalised.items():
        kinds[kind] = kinds.get(kind, 0) + count
    return Tally(**{name: counts[name] + more[name] for name in _COUNTS}, normalised=kinds)


def end(cursor: Cursor, run_id: int, error: str | None = None) -> None:
    """Mark the run DONE, or FAILED with what went wrong."""
    cursor.execute(
        "UPDATE intake_runs SET status = %s, error = %s, finished_at = now() WHERE id = %s",
        ("DONE" if error is None else "FAILED", (error or "")[:2000], run_id),
    )


def require_space(home: Path, data: Data, done: int, *, first: bool) -> None:
    """Refuse with DiskTooSmall what the disk of the embedded server has plainly no room for."""
    if not home.is_dir():
        return
    need = int((data.size - done) * (_GROWTH_FIRST if first else _GROWTH_AGAIN)) + _RESERVE
    free = shutil.disk_usage(home).free
    if need > free:
        raise DiskTooSmall(
            f"{data.name} needs about {need / 1e9:,.1f} GB in {home}, where {free / 1e9:,.1f} GB "
            "are free. Free some, or set WORKQUEUE_HOME to a larger disk, and load again."
        )
