"""Defects in who somebody is: organisations entered as people, credentials, blank answers."""

from __future__ import annotations

from workqueue.demo import columns
from workqueue.demo.planting import Planter, Planting, put_one_of, rewrite

# A credential that the specialty rules out, by the first characters of the taxonomy code. Dentists
# are not set down as physicians: oral surgeons are both.
_FOREIGN_CREDENTIALS = {
    "20": ("R.N.", "RN", "PHARMD", "D.C.", "O.D.", "DPM"),
    "16": ("DDS", "D.C.", "O.D.", "DMD", "DPM"),
    "36": ("DDS", "D.C.", "O.D.", "DMD"),
    "12": ("RN", "R.N.", "PHARMD", "D.C.", "O.D.", "DPM"),
    "18": ("DDS", "DMD", "D.C.", "O.D.", "DPM"),
    "11": ("DDS", "RN", "O.D.", "PHARMD", "DMD"),
    "15": ("DDS", "RN", "D.C.", "DPM", "DMD"),
    "21": ("DDS", "RN", "D.C.", "O.D.", "PHARMD"),
}


def _organization(here: Planting, rows: list[int]) -> None:
    forms = (
        "{} LLC",
        "{}, INC.",
        "{} MEDICAL GROUP",
        "{} FAMILY CLINIC",
        "{} DENTAL P.C.",
        "{} HOSPITAL",
        "{} MEDICAL CENTER",
        "{}, L.L.C.",
        "{} PLLC",
        "{} HEALTH SERVICES INC",
        "{} PHARMACY",
        "{} & ASSOCIATES",
    )
    rewrite(here.sheet, columns.LAST_NAME, rows, lambda name: here.rng.choice(forms).format(name))


def _credential_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, columns.CREDENTIAL)


def _credential_taxonomy(here: Planting, rows: list[int]) -> None:
    codes = [here.sheet.read(columns.TAXONOMY, row) for row in rows]
    chosen = [here.rng.choice(_FOREIGN_CREDENTIALS[code[:2]]) for code in codes]
    here.sheet.put(columns.CREDENTIAL, rows, chosen)


def _sex_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, columns.SEX)


def _sole_proprietor_unknown(here: Planting, rows: list[int]) -> None:
    put_one_of(here, columns.SOLE_PROPRIETOR, rows, ("X", "X", ""))


def _certification_missing(here: Planting, rows: list[int]) -> None:
    here.sheet.blank(rows, columns.CERTIFIED)


PLANTERS: dict[str, Planter] = {
    "NAME_ORG_IN_PERSON": _organization,
    "CREDENTIAL_MISSING": _credential_missing,
    "CREDENTIAL_TAXONOMY": _credential_taxonomy,
    "SEX_MISSING": _sex_missing,
    "SOLE_PROPRIETOR_UNKNOWN": _sole_proprietor_unknown,
    "CERTIFICATION_MISSING": _certification_missing,
}
