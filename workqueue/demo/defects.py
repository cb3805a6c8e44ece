"""Defects of a single record, each planted in the shapes in which real files show it."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from workqueue.demo import columns, contact_defects, identity_defects, licensing_defects
from workqueue.demo.people import FIRST_DAY
from workqueue.demo.plan import STALE, Plan
from workqueue.demo.planting import Planter, Planting, as_date, as_text, rewrite

_YEAR = 365.25
# NPPES has asked for a certification since 2020; nobody is blamed for the half year before.
CERTIFIED_FROM = date(2019, 7, 1)
_LOOKALIKES = {"O": "0", "I": "1", "E": "3", "S": "5", "A": "4"}


def _npi_check_digit(here: Planting, rows: list[int]) -> None:
    def spoilt(npi: str) -> str:
        if here.rng.random() < 0.75:
            return npi[:-1] + str((int(npi[-1]) + here.rng.randrange(1, 10)) % 10)
        return here.rng.choice("03456789") + npi[1:]

    rewrite(here.sheet, columns.NPI, rows, spoilt)


def _last_name_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, columns.LAST_NAME)


def _first_name_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, columns.FIRST_NAME)


def _with_digit(name: str, rng: Random) -> str:
    for letter, digit in _LOOKALIKES.items():
        if letter in name[1:]:
            return name[0] + name[1:].replace(letter, digit, 1)
    return f"{name}{rng.randrange(1, 10)}"


def _name_suspicious(here: Planting, rows: list[int]) -> None:
    def odd(name: str) -> str:
        form = here.rng.random()
        if form < 0.40:
            return _with_digit(name, here.rng)
        if form < 0.70:
            return here.rng.choice(["TEST", "UNKNOWN"])
        return here.rng.choice("AXZQ") * here.rng.randrange(4, 7)

    def odd_last(name: str) -> str:
        return name[0] if here.rng.random() < 0.25 else odd(name)

    in_first = [row for row in rows if here.rng.random() < 0.25]
    others = set(in_first)
    rewrite(here.sheet, columns.FIRST_NAME, in_first, odd)
    rewrite(here.sheet, columns.LAST_NAME, [row for row in rows if row not in others], odd_last)


def _taxonomy_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, *columns.taxonomy_slot(1), *columns.taxonomy_slot(2))


def _license_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, columns.LICENSE)
    here.sheet.blank([row for row in rows if here.rng.random() < 0.4], columns.LICENSE_STATE)


def _practice_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, columns.LINE_1, columns.LINE_2)


def _po_box_practice(here: Planting, rows: list[int]) -> None:
    spellings = ("PO BOX {}", "P.O. BOX {}", "P O BOX {}", "P. O. BOX {}", "POST OFFICE BOX {}")
    rarer = ("POB {}", "P.O.BOX {}", "PO BOX #{}", "PO BOX {} DEPT 40")
    boxes = [
        here.rng.choice(spellings if here.rng.random() < 0.8 else rarer).format(
            here.rng.randrange(1, 9999)
        )
        for _ in rows
    ]
    here.sheet.put(columns.LINE_1, rows, boxes)
    here.sheet.blank(rows, columns.LINE_2)


def _state_invalid(here: Planting, rows: list[int]) -> None:
    wrong = ("XX", "ZZ", "CALIF", "QQ", "UNK", "NONE")
    here.sheet.put(columns.STATE, rows, [here.rng.choice(wrong) for _ in rows])


def _zip_invalid(here: Planting, rows: list[int]) -> None:
    def spoilt(code: str) -> str:
        forms = (code[:4], "00000", f"{code[:4]}A", f"O{code[1:5]}", code[:5] + "1", "000000000")
        return here.rng.choice(forms)

    rewrite(here.sheet, columns.ZIP, rows, spoilt)


def _phone_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, columns.PHONE)


def _phone_invalid(here: Planting, rows: list[int]) -> None:
    def spoilt(number: str) -> str:
        forms = (
            number[:9],
            here.rng.choice("01") + number[1:],
            f"{number[:3]}55501{here.rng.randrange(100):02d}",
            here.rng.choice("0123456789") * 10,
        )
        return here.rng.choice(forms)

    rewrite(here.sheet, columns.PHONE, rows, spoilt)


def _date_future(here: Planting, rows: list[int]) -> None:
    """Most often the update; at times the enumeration, which then also lies after the update."""
    rng = here.rng
    updated: dict[int, str] = {}
    enumerated: dict[int, str] = {}
    for row in rows:
        form = rng.random()
        first = here.as_of + timedelta(days=rng.randrange(30, 900))
        if form < 0.7:
            updated[row] = as_text(first)
        elif form < 0.85:
            enumerated[row] = as_text(first)
            updated[row] = as_text(first + timedelta(days=rng.randrange(400)))
        else:
            enumerated[row] = as_text(first)
            here.sheet.found(row, "DATE_ORDER")
    here.sheet.put(columns.UPDATED, list(updated), list(updated.values()))
    here.sheet.put(columns.ENUMERATED, list(enumerated), list(enumerated.values()))


def _date_order(here: Planting, rows: list[int]) -> None:
    """An update before the enumeration, or an enumeration before NPIs were first given out."""
    rng = here.rng
    updated: dict[int, str] = {}
    enumerated: dict[int, str] = {}
    for row in rows:
        if rng.random() < 0.6:
            day = here.as_of - timedelta(days=rng.randrange(400, 1500))
            updated[row] = as_text(day)
            enumerated[row] = as_text(day + timedelta(days=rng.randrange(1, 300)))
        else:
            enumerated[row] = as_text(FIRST_DAY - timedelta(days=rng.randrange(1, 4500)))
    here.sheet.put(columns.UPDATED, list(updated), list(updated.values()))
    here.sheet.put(columns.ENUMERATED, list(enumerated), list(enumerated.values()))
    here.sheet.put(columns.CERTIFIED, list(updated), list(updated.values()))


def _record_stale(here: Planting, rows: list[int]) -> None:
    """Last touched 5 to 10 years ago, or for three in ten more than 10."""
    oldest = (here.as_of - FIRST_DAY).days
    updated = []
    enumerated = []
    for row in rows:
        low, high = (5.2, 9.9) if here.rng.random() < 0.7 else (10.1, 16.0)
        age = here.rng.uniform(low, high) * _YEAR
        day = here.as_of - timedelta(days=min(int(age), oldest))
        begun = as_date(here.sheet.read(columns.ENUMERATED, row))
        if begun > day:
            begun = FIRST_DAY + timedelta(days=here.rng.randrange((day - FIRST_DAY).days + 1))
        updated.append(as_text(day))
        enumerated.append(as_text(begun))
    here.sheet.put(columns.UPDATED, rows, updated)
    here.sheet.put(columns.ENUMERATED, rows, enumerated)
    certified = [day if as_date(day) >= CERTIFIED_FROM else "" for day in updated]
    here.sheet.put(columns.CERTIFIED, rows, certified)


_PLANTERS: dict[str, Planter] = {
    "NPI_CHECK_DIGIT": _npi_check_digit,
    "NAME_LAST_MISSING": _last_name_missing,
    "NAME_FIRST_MISSING": _first_name_missing,
    "NAME_SUSPICIOUS": _name_suspicious,
    "TAXONOMY_MISSING": _taxonomy_missing,
    "LICENSE_MISSING": _license_missing,
    "ADDR_PRACTICE_MISSING": _practice_missing,
    "PO_BOX_PRACTICE": _po_box_practice,
    "STATE_INVALID": _state_invalid,
    "ZIP_INVALID": _zip_invalid,
    "PHONE_MISSING": _phone_missing,
    "PHONE_INVALID": _phone_invalid,
    "DATE_FUTURE": _date_future,
    "DATE_ORDER": _date_order,
    STALE: _record_stale,
    **identity_defects.PLANTERS,
    **licensing_defects.PLANTERS,
    **contact_defects.PLANTERS,
}


def plant_defects(here: Planting, plan: Plan) -> None:
    """Plant every single-record defect of the plan and note it."""
    for rule, plant in _PLANTERS.items():
        rows = plan.get(rule, [])
        plant(here, rows)
        for row in rows:
            here.sheet.found(row, rule)
