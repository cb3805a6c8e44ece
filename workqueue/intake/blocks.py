"""Cut the data into blocks of complete records, and read each block into text columns.

A clean block is read by Arrow in one pass. Where anything is odd (a record over several lines, a
wrong number of columns, a byte that is no text) the block is read again record by record, so
that every physical line is accounted for with its number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from workqueue.intake.header import Layout

MAX_RECORD: Final = 1 << 20
MAX_RECORD_LINES: Final = 500
KEPT_OF_OVERLONG: Final = 10_000


@dataclass(frozen=True)
class Reject:
    """A line that cannot be loaded: physical line, reason, raw text (escapes where no text)."""

    line: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Block:
    """Some complete records.

    `table` has one text column per field of the layout; NULL where the cell was empty. `lines`
    holds the physical line that each row begins on, `raw(i)` gives row i as it was. The block
    ends before byte `end` of the data, at physical line `next_line`.
    """

    table: pa.Table
    lines: npt.NDArray[np.int64]
    rejects: list[Reject]
    raw: Callable[[int], str]
    end: int = 0
    next_line: int = 0

    @property
    def read(self) -> int:
        """How many records the block accounts for."""
        return len(self.lines) + len(self.rejects)


def decoded(line: bytes, fallback: str) -> str:
    """A line as text: strict UTF-8, else the declared fallback. Raises UnicodeDecodeError."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        if fallback == "utf-8":
            raise
        return line.decode(fallback)


def shown(raw: bytes, fallback: str) -> str:
    """Raw bytes as text that PostgreSQL takes: what is no text becomes a backslash escape."""
    raw = raw.rstrip(b"\r\n")
    try:
        text = decoded(raw, fallback)
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\x00")


def blocks(
    stream: IO[bytes], layout: Layout, encoding: str, block_bytes: int, resume_at: int = 0
) -> Iterator[Block]:
    """All blocks of the data behind the header; one of them ends exactly at byte `resume_at`.

    `stream` must stand at its beginning.
    """
    offset, line = layout.offset, layout.line
    _skip(stream, offset)
    buffer, wanted = b"", block_bytes
    while True:
        limit = resume_at - offset if offset < resume_at else None
        goal = wanted if limit is None else min(wanted, limit)
        buffer, finished = _fill(stream, buffer, goal)
        if not buffer:
            return
        last = finished or len(buffer) == limit
        cut = len(buffer) if last else buffer.rfind(b"\n") + 1
        if cut == 0 and len(buffer) > MAX_RECORD:
            block, buffer = _overlong(stream, buffer, line, layout, encoding)
        else:
            block = _read(buffer[:cut], line, layout, encoding, last)
            if block.end == 0:
                # Not one complete record yet: look further.
                wanted += block_bytes
                continue
            buffer = buffer[block.end :]
        offset, line, wanted = offset + block.end, block.next_line, block_bytes
        yield replace(block, end=offset)


def _skip(stream: IO[bytes], count: int) -> None:
    while count > 0 and (piece := stream.read(min(count, 4 << 20))):
        count -= len(piece)


def _fill(stream: IO[bytes], buffer: bytes, goal: int) -> tuple[bytes, bool]:
    pieces, size = [buffer], len(buffer)
    while size < goal:
        piece = stream.read(goal - size)
        if not piece:
            return b"".join(pieces), True
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces), False


def _overlong(
    stream: IO[bytes], buffer: bytes, line: int, layout: Layout, encoding: str
) -> tuple[Block, bytes]:
    """Reject a line that never seems to end, without keeping it in memory."""
    kept, size, piece = buffer[:KEPT_OF_OVERLONG], 0, buffer
    while piece and b"\n" not in piece:
        size += len(piece)
        piece = stream.read(MAX_RECORD)
    used = piece.find(b"\n") + 1
    size += used
    reject = Reject(line, _too_long(size), shown(kept, encoding) + " …")
    none = np.array([], np.int64)
    block = Block(_table(layout, []), none, [reject], str, size, line + 1)
    return block, piece[used:]


def _too_long(size: int) -> str:
    return f"the line has {size:,} bytes; a record may have {MAX_RECORD:,}"


def _read(chunk: bytes, line: int, layout: Layout, encoding: str, last: bool) -> Block:
    clean = _read_clean(chunk, line, layout, encoding)
    return clean or _Records(chunk, line, layout, encoding, last).block()


def _read_clean(chunk: bytes, line: int, layout: Layout, encoding: str) -> Block | None:
    """The block if every physical line is one well-formed record, else None."""
    if not chunk or b"\0" in chunk or chunk.count(b"\r") != chunk.count(b"\r\n"):
        return None
    text = _as_utf8(chunk, encoding)
    if text is None:
        return None
    ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == ord("\n")) + 1
    if not chunk.endswith(b"\n"):
        ends = np.append(ends, len(chunk))
    count = len(ends)
    if np.diff(ends, prepend=0).max() > MAX_RECORD:
        return None
    names = {f"c{position}": name for name, position in layout.columns.items()}
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            # One Arrow block: a boundary inside would be one more place to be wrong about.
            pa_csv.ReadOptions(
                column_names=[f"c{position}" for position in range(layout.width)],
                block_size=len(text) + 1,
                use_threads=False,
            ),
            pa_csv.ParseOptions(newlines_in_values=True),
            pa_csv.ConvertOptions(
                include_columns=list(names),
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        return None
    # As many records as lines: each line is one record, except that the last may lack its end.
    final = chunk[chunk.rfind(b"\n", 0, len(chunk) - 1) + 1 :]
    if table.num_rows != count or not _complete(final):
        return None
    table = table.rename_columns(list(names.values()))
    kept: list[bytes] = []

    def raw(row: int) -> str:
        if not kept:
            kept.extend(io.BytesIO(chunk).readlines())
        return shown(kept[row], encoding)

    return Block(table, np.arange(line, line + count), [], raw, len(chunk), line + count)


def _as_utf8(chunk: bytes, fallback: str) -> bytes | None:
    """The chunk as UTF-8, line by line where it must be; None where neither encoding fits."""
    if chunk.isascii():
        return chunk
    try:
        chunk.decode()
    except UnicodeDecodeError:
        if fallback == "utf-8":
            return None
        try:
            lines = io.BytesIO(chunk).readlines()
            return "".join(decoded(line, fallback) for line in lines).encode()
        except UnicodeDecodeError:
            return None
    return chunk


def _complete(line: bytes) -> bool:
    asked = False

    def feed() -> Iterator[str]:
        nonlocal asked
        yield line.decode("utf-8", "replace")
        asked = True

    try:
        next(csv.reader(feed()))
    except csv.Error:
        return False
    return not asked


def _table(layout: Layout, rows: list[list[str | None]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [() for _ in layout.columns]
    return pa.table(
        {
            name: pa.array(values, pa.string())
            for name, values in zip(layout.columns, columns, strict=True)
        }
    )


class _Records:
    """Reads a chunk record by record."""

    def __init__(self, chunk: bytes, line: int, layout: Layout, encoding: str, last: bool) -> None:
        self._physical = io.BytesIO(chunk).readlines()
        self._line, self._layout, self._encoding, self._last = line, layout, encoding, last
        self._rows: list[list[str | None]] = []
        self._spans: list[tuple[int, int]] = []
        self._rejects: list[Reject] = []

    def block(self) -> Block:
        """The records of the chunk; `end` stops before one that goes on behind it."""
        at = 0
        while at < len(self._physical):
            taken = self._take(at)
            if taken == 0:
                break
            at += taken
        return Block(
            _table(self._layout, self._rows),
            np.array([self._line + start for start, _ in self._spans], np.int64),
            self._rejects,
            lambda row: self._raw(*self._spans[row]),
            sum(map(len, self._physical[:at])),
            self._line + at,
        )

    def _raw(self, start: int, count: int) -> str:
        return shown(b"".join(self._physical[start : start + count]), self._encoding)

    def _take(self, start: int) -> int:
        """Read the record that begins at physical line `start`; how many lines it took.

        0: it goes on behind the chunk. What cannot be a record is rejected by its first line
        alone, and the next line is tried as the beginning of another: one stray quotation mark
        must not take the rest of the file with it.
        """
        first = self._physical[start]
        if not first.strip(b"\r\n"):
            return 1
        if len(first) > MAX_RECORD:
            kept = shown(first[:KEPT_OF_OVERLONG], self._encoding) + " …"
            self._rejects.append(Reject(self._line + start, _too_long(len(first)), kept))
            return 1
        cells, count, end = self._cells(start)
        if end == "chunk":
            return 0
        width = self._layout.width
        if cells is None:
            return self._reject(start, 1, f"the line is not well-formed csv: {end}")
        if end == "open":
            return self._reject(start, 1, "a quotation mark is opened and never closed")
        if end == "loose":
            return self._reject(
                start, 1, "a quotation mark is opened, and behind the next one there is no comma"
            )
        if len(cells) != width:
            behind = " (with a quotation mark open across lines)" if count > 1 else ""
            return self._reject(
                start, 1, f"{len(cells)} columns{behind} where the header has {width}"
            )
        if any(b"\0" in line for line in self._physical[start : start + count]):
            return self._reject(start, count, "a NUL byte")
        wrong = self._undecodable(start, count)
        if wrong:
            return self._reject(start, count, wrong)
        self._rows.append([cells[position] or None for position in self._layout.columns.values()])
        self._spans.append((start, count))
        return count

    def _cells(self, start: int) -> tuple[list[str] | None, int, str]:
        """Cells, physical lines, and how it ended: "" well, "open" or "chunk" inside quotes.

        Over several lines quoting must be strict ("loose" where it is not): a mark that is never
        closed would end at the first one of the next line. Where csv gives up the cells are None
        and the end is the reason.
        """
        count, size, end = 0, 0, ""

        def feed() -> Iterator[str]:
            nonlocal count, size, end
            while start + count < len(self._physical):
                piece = self._physical[start + count]
                if count == MAX_RECORD_LINES or size + len(piece) > MAX_RECORD:
                    end = "open"
                    return
                count, size = count + 1, size + len(piece)
                try:
                    yield decoded(piece, self._encoding)
                except UnicodeDecodeError:
                    yield piece.decode("utf-8", "surrogateescape")
            end = "open" if self._last else "chunk"

        try:
            cells = next(csv.reader(feed()))
        except csv.Error as error:
            return None, count, str(error).split(" - ")[0]
        if count > 1 and not end:
            try:
                count, size = 0, 0
                next(csv.reader(feed(), strict=True))
            except csv.Error:
                end = "loose"
        return cells, count, end

    def _undecodable(self, start: int, count: int) -> str:
        for line in self._physical[start : start + count]:
            try:
                decoded(line, self._encoding)
            except UnicodeDecodeError as error:
                byte = line[error.start]
                if self._encoding == "utf-8":
                    return (
                        f"byte 0x{byte:02x} is not valid UTF-8; if the file is in another "
                        "encoding, load it with --encoding windows-1252"
                    )
                return f"byte 0x{byte:02x} is neither UTF-8 nor {self._encoding}"
        return ""

    def _reject(self, start: int, count: int, reason: str) -> int:
        self._rejects.append(Reject(self._line + start, reason, self._raw(start, count)))
        return count
