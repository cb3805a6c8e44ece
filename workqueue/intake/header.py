"""The header line: which column holds which field. By name, never by position."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from typing import Final

from workqueue.errors import BadInput
from workqueue.fields import ENTITY_TYPE_HEADER, FIELDS, SOURCE_KEY_HEADERS
from workqueue.intake.opening import Data
from workqueue.intake.refusals import MissingColumns, WrongFileType

NPPES: Final = "NPPES"
ENTITY: Final = "_entity"
KEY: Final = "_key"
PROVIDERS: Final = "providers"
DEACTIVATION: Final = "deactivation"
DEACTIVATION_FIELDS: Final = frozenset({"npi", "deactivation_date", "deactivation_reason"})

MAX_HEADER = 1 << 20
# A report may carry a title and a note above its header.
_TITLE_LINES = 5

# In these every comma, quotation mark and line end is one byte, so that lines can be cut first.
ENCODINGS: Final = ("utf-8", "cp1252", "iso8859-1", "iso8859-15", "ascii")

_NAMES: Final = {
    **{name.casefold(): field.name for field in FIELDS for name in (field.name, *field.headers)},
    ENTITY_TYPE_HEADER.casefold(): ENTITY,
    **{name.casefold(): KEY for name in SOURCE_KEY_HEADERS},
}


@dataclass(frozen=True)
class Layout:
    """What the header says.

    `columns` maps a field (or ENTITY, KEY) to its position among `width` columns; `fields` are the
    sorted names of the fields; the data begins at byte `offset`, physical line `line`.
    """

    kind: str
    width: int
    columns: dict[str, int]
    fields: tuple[str, ...]
    offset: int
    line: int


def codec(encoding: str | None) -> str:
    """The codec for lines that are not UTF-8; UTF-8 itself if none is declared. Raises BadInput."""
    try:
        name = codecs.lookup(encoding or "utf-8").name
    except LookupError:
        name = ""
    if name == "utf-8-sig":
        name = "utf-8"
    if name not in ENCODINGS:
        raise BadInput(
            f"encoding {encoding!r} cannot be used; use utf-8, windows-1252, iso-8859-1 or "
            "iso-8859-15, or save the file as UTF-8."
        )
    return name


def read_layout(data: Data, source: str, encoding: str) -> Layout:
    """The layout of `data`. Raises MissingColumns or WrongFileType, naming what was found."""
    with data.open() as stream:
        start = stream.read(MAX_HEADER)
    offset = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    line = data.first_line
    first: list[str] | None = None
    for _ in range(_TITLE_LINES):
        names, size, lines = _record(data.name, start[offset:], encoding)
        offset, line = offset + size, line + lines
        first = first or names
        if {_NAMES.get(name.casefold()) for name in names} & {"npi", KEY}:
            return _layout(data.name, names, source, offset, line)
        # Only a title may stand above the header: one cell, not a row of them.
        if offset >= len(start) or sum(map(bool, names)) > 1:
            break
    raise MissingColumns(_missing(data.name, first or [], "NPI, nor a source key"))


def _record(name: str, text: bytes, encoding: str) -> tuple[list[str], int, int]:
    """The cells of the first record, its bytes, and its physical lines."""
    lines = io.BytesIO(text).readlines()
    taken = 0

    def feed() -> str:
        nonlocal taken
        taken += 1
        line = lines[taken - 1]
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            return line.decode(encoding, "replace")

    try:
        cells = next(csv.reader(feed() for _ in lines))
    except (csv.Error, StopIteration):
        raise WrongFileType(
            f"{name} does not begin with a header line of comma-separated column names."
        ) from None
    return [cell.strip() for cell in cells], sum(map(len, lines[:taken])), max(taken, 1)


def _missing(file: str, names: list[str], needed: str) -> str:
    found = [name for name in names if name]
    said = ", ".join(found[:8]) + (", …" if len(found) > 8 else "")
    hint = ""
    if len(names) == 1 and names[0].count(";") + names[0].count("\t") + names[0].count("|") > 1:
        hint = " The columns seem to be separated by something else than commas."
    return (
        f"{file}: the header has no column {needed} ({', '.join(SOURCE_KEY_HEADERS)}); it has "
        f"{len(found)} columns: {said[:500] or 'none'}.{hint} Add a header line that names them."
    )


def _layout(file: str, names: list[str], source: str, offset: int, line: int) -> Layout:
    columns: dict[str, int] = {}
    for position, name in enumerate(names):
        field = _NAMES.get(name.casefold())
        if field is None:
            continue
        if field in columns:
            raise WrongFileType(
                f"{file}: the columns {names[columns[field]]!r} and {name!r} both hold the same "
                "field; remove one of them."
            )
        columns[field] = position
    if source == NPPES and "npi" not in columns:
        raise MissingColumns(
            _missing(file, names, "NPI, which source NPPES needs; other sources may use a key")
        )
    fields = tuple(sorted(name for name in columns if name not in {ENTITY, KEY}))
    reports = set(columns) <= DEACTIVATION_FIELDS and {"npi", "deactivation_date"} <= set(columns)
    return Layout(DEACTIVATION if reports else PROVIDERS, len(names), columns, fields, offset, line)


@dataclass(frozen=True)
class SourceFile:
    """A file ready to be loaded; `encoding` is the codec of lines that are not UTF-8."""

    data: Data
    layout: Layout
    encoding: str


def source_file(data: Data, source: str, encoding: str) -> SourceFile:
    """`data` with its layout. Raises as `read_layout`."""
    return SourceFile(data, read_layout(data, source, encoding), encoding)
