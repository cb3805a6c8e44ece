"""What an own directory has wrong beside NPPES, and what only reads differently there."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from workqueue.demo import columns
from workqueue.demo.lookalikes import with_check_digit
from workqueue.demo.places import CITIES
from workqueue.demo.sheet import Sheet
from workqueue.demo.variants import Record, exchanged, mistyped

REPLACED = "replaced NPI"  # the near miss of the NPPES file that is a defect here
# Share of the plain rows for each, before scaling.
RATES = {
    "NPI_MISSING": 0.02,
    "NPI_NOT_IN_NPPES": 0.01,
    "SOURCE_CONFLICT": 0.04,
    "NAME_CONFLICT": 0.015,
}
READS_DIFFERENTLY = 0.10
_ZIPS = {(city.name, city.state): city.zips for city in CITIES}


class Part(NamedTuple):
    """Rows of the directory, still as in NPPES.

    ``plain`` may be changed, ``gone`` have an NPI that NPPES has deactivated, ``replaced`` one that
    it has replaced; ``start`` is the number of the part's first row in the seed's world.
    """

    start: int
    sheet: Sheet
    plain: frozenset[int]
    gone: frozenset[int]
    replaced: frozenset[int]


def plant_disagreements(part: Part, rng: Random, scale: float) -> None:
    """Plant and note every disagreement of the part."""
    sheet = part.sheet
    for rule, given in (("NPI_DEACTIVATED_ACTIVE", part.gone), ("NPI_REPLACED", part.replaced)):
        for row in sorted(given):
            sheet.found(row, rule)
    free = sorted(part.plain - part.gone - part.replaced)
    rng.shuffle(free)
    changed: dict[int, Record] = {}
    for rule, rate in RATES.items():
        count = int(rate * scale * len(free) + rng.random()) if scale else 0
        rows, free = sorted(free[:count]), free[count:]
        for row, record in zip(rows, sheet.records(rows), strict=True):
            if _DISAGREE[rule](sheet, row, record, rng):
                changed[row] = record
    rows = sorted(free[: int(READS_DIFFERENTLY * len(free))])
    for row, record in zip(rows, sheet.records(rows), strict=True):
        kind, rewritten = rng.choice(_READS_DIFFERENTLY)
        changed[row] = {**record, **rewritten(record)}
        sheet.seems(row, kind, record[columns.NPI])
    sheet.write(list(changed), list(changed.values()))


def _without_npi(sheet: Sheet, row: int, record: Record, _rng: Random) -> bool:
    """The same person as in NPPES, who can only be recognised by name and place."""
    sheet.found(row, "NPI_MISSING")
    sheet.found(row, "DUPLICATE", record[columns.NPI])
    record[columns.NPI] = ""
    return True


def _unknown_npi(sheet: Sheet, row: int, record: Record, _rng: Random) -> bool:
    """An NPI that was never given out: the file's own begin with 1, these with 2.

    The person is the one of NPPES, so that the two entries are of one person under two NPIs.
    """
    sheet.found(row, "NPI_NOT_IN_NPPES")
    sheet.found(row, "DUPLICATE", record[columns.NPI])
    record[columns.NPI] = with_check_digit("2" + record[columns.NPI][1:9])
    if record[columns.LICENSE]:
        record[columns.LICENSE] = f"X{sheet.first_line + row:07d}"
    return True


def _contradicting(sheet: Sheet, row: int, record: Record, rng: Random) -> bool:
    forms = [form for form in (_phone, _zip, _license, _taxonomy) if form(dict(record), sheet, row)]
    if not forms:
        return False
    rng.choice(forms)(record, sheet, row)
    sheet.found(row, "SOURCE_CONFLICT", record[columns.NPI])
    return True


def _phone(record: Record, sheet: Sheet, row: int) -> bool:
    before = record[columns.PHONE]
    record[columns.PHONE] = exchanged(before, Random(sheet.first_line + row))  # noqa: S311
    return record[columns.PHONE] != before


def _zip(record: Record, _sheet: Sheet, _row: int) -> bool:
    codes = _ZIPS.get((record[columns.CITY], record[columns.STATE]), ())
    others = [code for code in codes if code != record[columns.ZIP][:5]]
    if others:
        record[columns.ZIP] = others[0]
    return bool(others)


def _license(record: Record, sheet: Sheet, row: int) -> bool:
    if record[columns.LICENSE]:
        record[columns.LICENSE] = f"X{sheet.first_line + row + 50_000_000}"
    return bool(record[columns.LICENSE])


def _taxonomy(record: Record, _sheet: Sheet, _row: int) -> bool:
    """A doctor of another kind: the classification differs, the profession does not."""
    if not record[columns.TAXONOMY].startswith("207") or record[columns.SECOND_TAXONOMY]:
        return False
    record[columns.TAXONOMY] = "208600000X"
    return True


def _renamed(sheet: Sheet, row: int, record: Record, rng: Random) -> bool:
    name = columns.LAST_NAME if rng.random() < 0.7 else columns.FIRST_NAME
    before = record[name]
    record[name] = mistyped(before, rng) if rng.random() < 0.5 else f"{before} HOLLOWAY"
    if record[name] == before:
        return False
    sheet.found(row, "NAME_CONFLICT", record[columns.NPI])
    return True


_DISAGREE: dict[str, Callable[[Sheet, int, Record, Random], bool]] = {
    "NPI_MISSING": _without_npi,
    "NPI_NOT_IN_NPPES": _unknown_npi,
    "SOURCE_CONFLICT": _contradicting,
    "NAME_CONFLICT": _renamed,
}


def _punctuated(record: Record) -> Record:
    phone = record[columns.PHONE]
    return {columns.PHONE: f"({phone[:3]}) {phone[3:6]}-{phone[6:]}"}


def _in_small_letters(record: Record) -> Record:
    names = (columns.LAST_NAME, columns.FIRST_NAME, columns.CITY, columns.STATE)
    return {name: record[name].title() for name in names[:3]} | {
        columns.STATE: record[columns.STATE].lower()
    }


_READS_DIFFERENTLY: tuple[tuple[str, Callable[[Record], Record]], ...] = (
    ("phone with punctuation", _punctuated),
    ("small letters", _in_small_letters),
    ("ZIP of five digits", lambda record: {columns.ZIP: record[columns.ZIP][:5]}),
    ("no middle name", lambda _: {columns.MIDDLE_NAME: ""}),
    ("no second address line", lambda _: {columns.LINE_2: ""}),
    ("punctuated surname", lambda record: {columns.LAST_NAME: _spaced(record[columns.LAST_NAME])}),
)


def _spaced(name: str) -> str:
    return name.replace("-", " ").replace("'", "").replace(".", "")
