"""A private in-memory DuckDB per thread, closed to files and network."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb


@dataclass(frozen=True)
class Limits:
    """What one evaluation may use: threads, megabytes of memory, megabytes of spill on disk."""

    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    memory_mb: int = 2048
    spill_mb: int = 8192


class _Connections(threading.local):
    def __init__(self) -> None:
        self.by_limits: dict[Limits, duckdb.DuckDBPyConnection] = {}


_connections: Final = _Connections()


def connection(limits: Limits) -> duckdb.DuckDBPyConnection:
    """This thread's connection under `limits`; opening one takes some ten milliseconds, once."""
    known = _connections.by_limits.get(limits)
    if known is None:
        known = _connections.by_limits[limits] = _opened(limits)
    return known


def _opened(limits: Limits) -> duckdb.DuckDBPyConnection:
    spill = Path(tempfile.gettempdir()) / f"workqueue-spill-{os.getpid()}-{threading.get_ident()}"
    opened = duckdb.connect(":memory:", config={"threads": str(limits.threads)})
    # In this order: once access is closed the folder for spilling cannot be named any more.
    for setting, value in (
        ("memory_limit", f"'{limits.memory_mb}MB'"),
        ("temp_directory", "'" + str(spill).replace("'", "''") + "'"),
        ("max_temp_directory_size", f"'{limits.spill_mb}MB'"),
        # Booleans come back row for row beside the records they are about.
        ("preserve_insertion_order", "true"),
        ("autoload_known_extensions", "false"),
        ("autoinstall_known_extensions", "false"),
        ("enable_external_access", "false"),
        ("lock_configuration", "true"),
    ):
        opened.execute(f"SET {setting} = {value}")
    return opened
