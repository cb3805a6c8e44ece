"""Cells of an exported CSV: safe in a spreadsheet, and read back without loss.

A spreadsheet takes a cell for a formula when it begins with = + - or @ (also in full width), and
may skip blanks such as TAB, CR and LF before one. Such a cell gets one apostrophe in front, and
so does one that begins with an apostrophe, so that a reader may strip one from any cell. Every
cell is quoted, rows end in CRLF. No value (NULL) is an empty cell; empty text is an apostrophe.
The rule is OWASP's "CSV Injection", made reversible.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

GUARD: Final = "'"
GUARDED: Final = "=+-@\t\r\n＝＋－＠'"
_LONGEST_CELL = 2**24


def write_cell(value: str | None) -> str:
    """The content of the cell, before quoting, that stands for `value`."""
    if value is None:
        return ""
    return GUARD + value if not value or value[0] in GUARDED else value


def read_cell(cell: str) -> str | None:
    """The value that a cell of an export stands for: the inverse of `write_cell`."""
    if not cell:
        return None
    return cell[1:] if cell[0] == GUARD else cell


def read_rows(path: Path) -> Iterator[dict[str, str | None]]:
    """The rows of an exported CSV as they were in the database, by column name."""
    former = csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            names = [read_cell(cell) or "" for cell in next(reader)]
            for cells in reader:
                yield dict(zip(names, map(read_cell, cells), strict=True))
    finally:
        csv.field_size_limit(former)


def guarded(text: str, begins: str) -> str:
    """`write_cell` as SQL; `begins` is an expression of type text that begins as `text` does.

    NULL stays NULL.
    """
    # Code points, in a database of encoding UTF8; of empty text it is 0. Quicker than comparing.
    starts = ", ".join(str(code) for code in (0, *map(ord, GUARDED)))
    return f"CASE WHEN ascii({begins}) IN ({starts}) THEN '{GUARD * 2}' || {text} ELSE {text} END"
