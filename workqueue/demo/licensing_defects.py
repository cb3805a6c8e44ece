"""Defects in taxonomies and licences."""

from __future__ import annotations

from workqueue.demo import columns
from workqueue.demo.addresses import STATES
from workqueue.demo.places import MILITARY
from workqueue.demo.planting import Planter, Planting, put_one_of, rewrite
from workqueue.demo.taxonomy_list import ORGANIZATIONS, retired_for

_FIRST = columns.taxonomy_slot(1)
_SECOND = columns.taxonomy_slot(2)
_HOME_STATES = sorted(set(STATES) - {city.state for city in MILITARY})


def _taxonomy_format(here: Planting, rows: list[int]) -> None:
    """What cannot be a code, from the fifth character on, so that the profession is still told."""

    def spoilt(code: str) -> str:
        forms = (code[:9], code[:4], code[:-1] + "Y", code[:-1] + "0", code + "1", f"{code[:6]}--X")
        return here.rng.choice(forms)

    rewrite(here.sheet, columns.TAXONOMY, rows, spoilt)


def _taxonomy_invalid(here: Planting, rows: list[int]) -> None:
    """What could be a code and is none."""

    def spoilt(code: str) -> str:
        start, number = code[:5], here.rng.randrange(6000, 9999)
        forms = (f"{start}ZZZ9X", f"{start}{number}X", code[:4] + code[4:].replace("0", "O", 1))
        return here.rng.choice([form for form in forms if form != code])

    rewrite(here.sheet, columns.TAXONOMY, rows, spoilt)


def _taxonomy_retired(here: Planting, rows: list[int]) -> None:
    rewrite(here.sheet, columns.TAXONOMY, rows, retired_for)


def _taxonomy_non_individual(here: Planting, rows: list[int]) -> None:
    """The code of an organisation in place of the person's."""
    put_one_of(here, columns.TAXONOMY, rows, ORGANIZATIONS)


def _primary_none(here: Planting, rows: list[int]) -> None:
    put_one_of(here, columns.PRIMARY, rows, ("N", "N", "X", ""))
    second = [row for row in rows if here.sheet.read(columns.SECOND_TAXONOMY, row)]
    put_one_of(here, columns.SECOND_PRIMARY, second, ("N", "X"))


def _primary_many(here: Planting, rows: list[int]) -> None:
    for name in (columns.PRIMARY, columns.SECOND_PRIMARY):
        here.sheet.put(name, rows, ["Y"] * len(rows))


def _repeated(here: Planting, rows: list[int]) -> None:
    """The same taxonomy with the same licence once more."""
    for name, again in zip(_FIRST, _SECOND, strict=True):
        here.sheet.put(again, rows, [here.sheet.read(name, row) for row in rows])
    here.sheet.put(columns.PRIMARY, rows, ["Y"] * len(rows))
    here.sheet.put(columns.SECOND_PRIMARY, rows, ["N"] * len(rows))


def _state_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, columns.LICENSE_STATE)


def _license_format(here: Planting, rows: list[int]) -> None:
    """What is written where a number belongs; none of it could be anybody's number."""
    words = ("PENDING", "N/A", "NONE", "APPLIED FOR", "XXXXX", "000000", "SEE ATTACHED", "TBD")
    put_one_of(here, columns.LICENSE, rows, (*words, "0", "-", "UNKNOWN", "#####"))


def _no_practice_state(here: Planting, rows: list[int]) -> None:
    def elsewhere(state: str) -> str:
        return here.rng.choice([other for other in _HOME_STATES if other != state])

    rewrite(here.sheet, columns.LICENSE_STATE, rows, elsewhere)


PLANTERS: dict[str, Planter] = {
    "TAXONOMY_FORMAT": _taxonomy_format,
    "TAXONOMY_INVALID": _taxonomy_invalid,
    "TAXONOMY_RETIRED": _taxonomy_retired,
    "TAXONOMY_NON_INDIVIDUAL": _taxonomy_non_individual,
    "TAXONOMY_PRIMARY_NONE": _primary_none,
    "TAXONOMY_PRIMARY_MANY": _primary_many,
    "TAXONOMY_REPEATED": _repeated,
    "LICENSE_STATE_MISSING": _state_missing,
    "LICENSE_FORMAT": _license_format,
    "LICENSE_NO_PRACTICE_STATE": _no_practice_state,
}
