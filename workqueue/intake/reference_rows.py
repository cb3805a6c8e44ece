"""The lines of a reference list, read whole: a list is small, and one bad line refuses it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from workqueue.errors import BadInput
from workqueue.intake.opening import open_data
from workqueue.intake.refusals import MissingColumns, WrongFileType

MAX_ENTRIES: Final = 1_000_000


def rows(
    path: Path, columns: tuple[str, ...], *, optional: tuple[str, ...] = (), encoding: str = ""
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Each record's physical line, and its cells by column: trimmed, "" for an optional one.

    Columns are found by name, whatever their case and order. `encoding` is that of a file which is
    not UTF-8. Raises MissingColumns, WrongFileType or BadInput.
    """
    reader = csv.reader(_text(path, encoding).splitlines(keepends=True))
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            raise MissingColumns(
                f"{path.name}: column {', '.join(missing)} is missing; it has "
                f"{', '.join(header)[:500] or 'none'}."
            )
        places = {name: header.index(name) for name in (*columns, *optional) if name in header}
        for row in reader:
            if row and len(row) != len(header):
                raise BadInput(
                    f"{path.name}, line {reader.line_num}: {len(row)} columns where the header "
                    f"has {len(header)}."
                )
            if row:
                cells = {name: row[place].strip() for name, place in places.items()}
                yield reader.line_num, dict.fromkeys(optional, "") | cells
    except csv.Error as error:
        raise WrongFileType(f"{path.name}, line {reader.line_num}: {error}.") from None


def _text(path: Path, encoding: str) -> str:
    data = open_data(path, 1)
    with data.open() as stream:
        content = stream.read(MAX_ENTRIES * 1000)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not encoding:
            raise WrongFileType(
                f"{path.name} is not UTF-8 (byte {error.start:,}); save it as UTF-8."
            ) from None
        text = content.decode(encoding, errors="replace")
    if "\0" in text:
        raise WrongFileType(f"{path.name} holds a NUL byte; save it as csv again.")
    return text
