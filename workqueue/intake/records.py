"""Records one by one: what a block of them is, and how odd lines are told from good ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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


def table_of(layout: Layout, rows: list[list[str | None]]) -> pa.Table:
    """Rows of cells as a table with one text column per field of the layout."""
    columns = list(zip(*rows, strict=True)) or [() for _ in layout.columns]
    return pa.table(
        {
            name: pa.array(values, pa.string())
            for name, values in zip(layout.columns, columns, strict=True)
        }
    )


def too_long(size: int) -> str:
    """Why a line of so many bytes is rejected."""
    return f"the line has {size:,} bytes; a record may have {MAX_RECORD:,}"


class Records:
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
            table_of(self._layout, self._rows),
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
            self._rejects.append(Reject(self._line + start, too_long(len(first)), kept))
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
