"""Writing an export: COPY into a file that appears complete or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import psycopg2
from sqlalchemy import ClauseElement
from sqlalchemy.orm import Session

from workqueue.errors import BadInput, DatabaseUnavailable, Refusal
from workqueue.export.columns import Column

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

FORMS: Final = ("csv", "jsonl")
_BUFFER: Final = 2**20
# COPY ends a row in LF. A last column that is always this one makes row ends certain: inside a
# cell every quote is doubled, so `,"~"` and LF cannot occur there.
_SENTINEL: Final = "~"
ROW_END: Final = f',"{_SENTINEL}"\n'.encode()
_WORDS: Final[Mapping[int, str]] = MappingProxyType(
    {
        errno.ENOSPC: "the disk is full: make room or choose another disk",
        errno.EDQUOT: "the disk quota is used up: make room or choose another disk",
        errno.EFBIG: "the file would be larger than is allowed here: choose another disk",
        errno.EACCES: "the folder may not be written: choose another one",
        errno.EPERM: "the folder may not be written: choose another one",
        errno.EROFS: "the disk is read-only: choose another one",
        errno.ENOENT: "the folder does not exist: make it first",
        errno.ENOTDIR: "its folder is no folder: choose another one",
        errno.ENAMETOOLONG: "its name is too long: choose a shorter one",
        errno.EISDIR: "it is a folder: name a file",
    }
)


class CannotWrite(Refusal):
    """The file cannot be written; nothing was left behind."""


class FileExists(Refusal):
    """The file exists already; choose another name, or say --overwrite."""


@dataclass(frozen=True)
class ExportReport:
    """What was written: rows without the header, SHA-256 of the file in hex, its manifest."""

    rows: int
    sha256: str
    manifest: Path


@dataclass(frozen=True)
class Written:
    """A complete file that has not got its name yet."""

    path: Path
    rows: int
    size: int
    sha256: str


class _Sink(io.RawIOBase):
    # What COPY's rows go to in large blocks: turns row ends into the form's, digests, and writes.
    def __init__(
        self,
        file: BinaryIO,
        form: str,
        beside: Executor,
        watch: Callable[[bytes], None] | None = None,
    ) -> None:
        self._file = file
        self._beside = beside
        self._passing: Future[None] | None = None
        self._csv = form == "csv"
        self._watch = watch
        self._rest = b""
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        # The buffer before us takes its own back, so this is a copy.
        block = self._rest + bytes(data)
        # Only whole rows, since a row end or an escape could be cut in two.
        mark = ROW_END if self._csv else b"\n"
        found = block.rfind(mark)
        end = found + len(mark) if found >= 0 else 0
        self._rest = block[end:]
        self._settle()
        # In another thread, so that the database sends on meanwhile.
        self._passing = self._beside.submit(self._pass_on, block[:end])
        return len(memoryview(data))

    def finish(self) -> None:
        self._settle()
        self._pass_on(self._rest)

    def _settle(self) -> None:
        if self._passing is not None:
            self._passing.result()

    def _pass_on(self, block: bytes) -> None:
        if self._watch is not None:
            self._watch(block)
        # JSON escapes every control character, so the backslash is all that COPY escapes in it.
        former, latter = (ROW_END, b"\r\n") if self._csv else (b"\\\\", b"\\")
        block = block.replace(former, latter)
        self.digest.update(block)
        self.size += len(block)
        self._file.write(block)


def check_target(out: Path, *, overwrite: bool) -> None:
    """Refuse a place where the file or its manifest could not be written or may not be."""
    if out.is_dir():
        raise CannotWrite(f"{out} is a folder; name a file in it.")
    if not out.parent.is_dir():
        raise CannotWrite(f"{out} cannot be written: {_WORDS[errno.ENOENT]}.")
    for path in (out, manifest_path(out)):
        if path.exists() and not overwrite:
            raise FileExists(f"{path} exists already; choose another name, or say --overwrite.")


def check_form(form: str) -> str:
    """`form`, or BadInput where it is neither csv nor jsonl."""
    if form not in FORMS:
        raise BadInput(f"there is no form {form!r:.60}; use csv or jsonl.")
    return form


def manifest_path(out: Path) -> Path:
    """Where the manifest of the export `out` stands."""
    return out.with_name(f"{out.name}.manifest.json")


@contextmanager
def in_words(out: Path) -> Iterator[None]:
    """Say as a refusal why the operating system did not let `out` be written."""
    try:
        yield
    except OSError as error:
        why = _WORDS.get(error.errno or 0, os.strerror(error.errno or 0))
        raise CannotWrite(f"{out} cannot be written: {why}. Nothing was left behind.") from error


@contextmanager
def part_beside(out: Path) -> Iterator[Path]:
    """A file of a name of its own in the folder of `out`, removed in the end if still there."""
    part = out.with_name(f".{out.name[:100]}.{secrets.token_hex(6)}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def copy_rows(  # noqa: PLR0913 - what, from where, to where, and who looks on
    session: Session,
    part: Path,
    columns: Sequence[Column],
    rows: ClauseElement,
    form: str,
    *,
    watch: Callable[[bytes], None] | None = None,
) -> Written:
    """COPY `rows`, a SELECT of `columns` as `row_query` makes it, into the new file `part`.

    `watch` is called with whole rows, as COPY sends them, each ended by `ROW_END` in CSV.
    """
    with part.open("xb") as file, ThreadPoolExecutor(1, "export") as beside:
        sink = _Sink(file, form, beside, watch)
        if form == "csv":
            header = ",".join(f'"{column.name}"' for column in columns)
            file.write(line := f"{header}\r\n".encode())
            sink.digest.update(line)
            sink.size += len(line)
        # One call in C for each row, and one of ours for each megabyte.
        with io.BufferedWriter(sink, _BUFFER) as buffer:
            count = _copy(session, buffer, rows, form)
            buffer.flush()
            sink.finish()
        file.flush()
        os.fsync(file.fileno())
    return Written(part, count, sink.size, sink.digest.hexdigest())


def _copy(session: Session, sink: BinaryIO, rows: ClauseElement, form: str) -> int:
    connected = session.connection()
    connection = connected.connection.driver_connection
    if connection is None:
        raise AssertionError("the session's connection was closed before its transaction ended")
    compiled = rows.compile(dialect=connected.dialect, compile_kwargs={"render_postcompile": True})
    options = "FORMAT csv, FORCE_QUOTE *" if form == "csv" else "FORMAT text"
    with connection.cursor() as cursor:
        # With its cache PostgreSQL takes a look-up for each of a million rows for cheap.
        cursor.execute("SET LOCAL enable_memoize = off")
        cursor.execute("SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'")
        query = cursor.mogrify(str(compiled), compiled.params).decode()
        try:
            cursor.copy_expert(f"COPY ({query}) TO STDOUT ({options}, ENCODING 'UTF8')", sink)
        except psycopg2.Error as error:
            raise DatabaseUnavailable(
                f"the database broke the export off: {str(error).partition(chr(10))[0]}. "
                "Nothing was written; try again."
            ) from error
        except BaseException:
            # The rest of the rows is still on the way; the connection is of no more use.
            connected.invalidate()
            raise
        return cast("int", cursor.rowcount)


def row_select(columns: Sequence[Column], form: str) -> str:
    """The SELECT list that `copy_rows` needs of a query."""
    if form == "csv":
        return ", ".join([*(column.cell for column in columns), f"'{_SENTINEL}' AS row_end"])
    return ", ".join(column.value for column in columns)


def publish(written: Written, out: Path, manifest: Mapping[str, Any], *, overwrite: bool) -> Path:
    """Give the file and its manifest their names; the manifest first. The manifest's path."""
    told = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    beside = manifest_path(out)
    with part_beside(beside) as part:
        with part.open("x", encoding="utf-8") as file:
            file.write(told)
            file.flush()
            os.fsync(file.fileno())
        check_target(out, overwrite=overwrite)
        part.replace(beside)
        written.path.replace(out)
    return beside
