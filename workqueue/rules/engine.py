"""A private in-memory DuckDB per thread, closed to files and network."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa


@dataclass(frozen=True)
class Limits:
    """What one evaluation may use: threads, megabytes of memory, megabytes of spill on disk."""

    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    memory_mb: int = 2048
    spill_mb: int = 8192


class Engine:
    """One DuckDB, and the statements that it has planned."""

    def __init__(self, limits: Limits) -> None:
        self.connection = _opened(limits)
        self._kept: dict[str, str] = {}

    def ask(self, text: str, records: pa.Table) -> pa.Table:
        """The answer to `text` about the table `records`."""
        self.connection.register("records", records)
        try:
            answer: pa.Table = self.connection.sql(text).to_arrow_table()
        finally:
            self.connection.unregister("records")
        return answer

    def ask_again(self, text: str, parameter: str) -> pa.Table:
        """The answer to `text` with $1 = `parameter`; planned at the first time, then kept."""
        if len(self._kept) >= _KEPT:
            for old in self._kept.values():
                self.connection.execute(f"DEALLOCATE {old}")
            self._kept.clear()
        name = self._kept.get(text, "")
        if not name:
            name = f"kept_{len(self._kept)}"
            self.connection.execute(f"PREPARE {name} AS {text}")
            self._kept[text] = name
        quoted = parameter.replace("'", "''")
        # A relation would be a millisecond slower than plain rows, which for a few is much.
        answer = self.connection.execute(f"EXECUTE {name}('{quoted}')")
        columns = [(name, _ARROW[str(kind)]) for name, kind, *_ in answer.description]
        rows = answer.fetchall()
        return pa.table(
            [pa.array([row[at] for row in rows], kind) for at, (_, kind) in enumerate(columns)],
            schema=pa.schema(columns),
        )


class _Engines(threading.local):
    def __init__(self) -> None:
        self.by_limits: dict[Limits, Engine] = {}


_KEPT: Final = 256
_ARROW: Final = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "BIGINT": pa.int64(),
    "BIGINT[]": pa.list_(pa.int64()),
    "DATE": pa.date32(),
    "VARCHAR": pa.string(),
}
_engines: Final = _Engines()


def engine(limits: Limits) -> Engine:
    """The calling thread's engine under `limits`; opening one takes some milliseconds, once."""
    known = _engines.by_limits.get(limits)
    if known is None:
        known = _engines.by_limits[limits] = Engine(limits)
    return known


def forget(limits: Limits) -> None:
    """Close the calling thread's engine under `limits`, which may be broken."""
    known = _engines.by_limits.pop(limits, None)
    if known is not None:
        known.connection.close()


def _opened(limits: Limits) -> duckdb.DuckDBPyConnection:
    spill = Path(tempfile.gettempdir()) / f"workqueue-spill-{os.getpid()}-{threading.get_ident()}"
    opened = duckdb.connect(":memory:", config={"threads": str(limits.threads)})
    # In this order: once access is closed the folder for spilling cannot be named any more.
    for setting, value in (
        ("memory_limit", f"'{limits.memory_mb}MB'"),
        ("temp_directory", "'" + str(spill).replace("'", "''") + "'"),
        ("max_temp_directory_size", f"'{limits.spill_mb}MB'"),
        # Answers are told apart by id; keeping an order costs memory and was seen not to hold.
        ("preserve_insertion_order", "false"),
        ("autoload_known_extensions", "false"),
        ("autoinstall_known_extensions", "false"),
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
    ):
        opened.execute(f"SET {setting} = {value}")
    return opened
