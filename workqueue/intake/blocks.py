"""Cut the data into blocks of complete records, and read each block into text columns.

A clean block is read by Arrow in one pass. Where anything is odd (a record over several lines, a
wrong number of columns, a byte that is no text) the block is read again record by record, so
that every physical line is accounted for with its number.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from workqueue.intake.header import Layout
from workqueue.intake.records import (
    KEPT_OF_OVERLONG,
    MAX_RECORD,
    Block,
    Records,
    Reject,
    decoded,
    shown,
    table_of,
    too_long,
)


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
    reject = Reject(line, too_long(size), shown(kept, encoding) + " …")
    none = np.array([], np.int64)
    block = Block(table_of(layout, []), none, [reject], str, size, line + 1)
    return block, piece[used:]


def _read(chunk: bytes, line: int, layout: Layout, encoding: str, last: bool) -> Block:
    clean = _read_clean(chunk, line, layout, encoding)
    return clean or Records(chunk, line, layout, encoding, last).block()


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
