"""Which row gets which defect: rates, and which defects can stand on one record."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

# Share of individuals that get the defect, before scaling: 17 % in all, stale records apart.
RATES = {
    "LICENSE_MISSING": 0.010,
    "NPI_CHECK_DIGIT": 0.004,
    "NPI_DUPLICATE": 0.006,
    "NAME_LAST_MISSING": 0.003,
    "NAME_FIRST_MISSING": 0.003,
    "NAME_SUSPICIOUS": 0.006,
    "NAME_ORG_IN_PERSON": 0.003,
    "CREDENTIAL_MISSING": 0.005,
    "CREDENTIAL_TAXONOMY": 0.004,
    "SEX_MISSING": 0.004,
    "SOLE_PROPRIETOR_UNKNOWN": 0.006,
    "CERTIFICATION_MISSING": 0.006,
    "TAXONOMY_MISSING": 0.007,
    "TAXONOMY_FORMAT": 0.002,
    "TAXONOMY_INVALID": 0.002,
    "TAXONOMY_RETIRED": 0.003,
    "TAXONOMY_NON_INDIVIDUAL": 0.003,
    "TAXONOMY_PRIMARY_NONE": 0.005,
    "TAXONOMY_PRIMARY_MANY": 0.003,
    "TAXONOMY_REPEATED": 0.003,
    "LICENSE_SHARED": 0.006,
    "LICENSE_STATE_MISSING": 0.004,
    "LICENSE_FORMAT": 0.004,
    "LICENSE_NO_PRACTICE_STATE": 0.005,
    "ADDR_PRACTICE_MISSING": 0.005,
    "ADDR_SUSPICIOUS": 0.004,
    "PO_BOX_PRACTICE": 0.008,
    "STATE_INVALID": 0.005,
    "ZIP_INVALID": 0.006,
    "ZIP_STATE_MISMATCH": 0.005,
    "ZIP_CITY_MISMATCH": 0.005,
    "PHONE_MISSING": 0.008,
    "PHONE_INVALID": 0.008,
    "FAX_INVALID": 0.004,
    "FAX_EQUALS_PHONE": 0.005,
    "DATE_FUTURE": 0.004,
    "DATE_ORDER": 0.004,
    "EXCLUDED_LEIE": 0.002,
    "DUPLICATE": 0.012,
}
STALE = "RECORD_STALE"
STALE_RATE = 0.08
SECOND_DEFECT = 0.06  # of the rows with one defect, those that get another
HIGHEST_SCALE = 3.0  # beyond it too few clean rows are left to share an NPI or a licence with
GROUP_RULES = ("NPI_DUPLICATE", "LICENSE_SHARED", "DUPLICATE")

_LICENCE = {"licence"}
_EVERYTHING = {"npi", "last name", "first name", "sex", "sole", "licence", "credential", "street"}
_EVERYTHING |= {"state", "city", "zip", "phone", "fax", "dates"}

# What a defect writes to or depends on. Two defects may stand on one row if these differ.
TOUCHES = {
    "NPI_CHECK_DIGIT": {"npi"},
    "NPI_DUPLICATE": {"npi", "licence", "state"},
    "NAME_LAST_MISSING": {"last name"},
    "NAME_FIRST_MISSING": {"first name"},
    "NAME_SUSPICIOUS": {"last name", "first name"},
    "NAME_ORG_IN_PERSON": {"last name", "first name"},
    "CREDENTIAL_MISSING": {"credential", "licence"},
    "CREDENTIAL_TAXONOMY": {"credential", "licence"},
    "SEX_MISSING": {"sex"},
    "SOLE_PROPRIETOR_UNKNOWN": {"sole"},
    "CERTIFICATION_MISSING": {"dates"},
    "TAXONOMY_MISSING": _LICENCE,
    "TAXONOMY_FORMAT": _LICENCE,
    "TAXONOMY_INVALID": _LICENCE,
    "TAXONOMY_RETIRED": _LICENCE,
    "TAXONOMY_NON_INDIVIDUAL": _LICENCE,
    "TAXONOMY_PRIMARY_NONE": _LICENCE,
    "TAXONOMY_PRIMARY_MANY": _LICENCE,
    "TAXONOMY_REPEATED": _LICENCE,
    "LICENSE_MISSING": _LICENCE,
    "LICENSE_SHARED": {"npi", "licence", "state", "credential"},
    "LICENSE_STATE_MISSING": _LICENCE,
    "LICENSE_FORMAT": _LICENCE,
    "LICENSE_NO_PRACTICE_STATE": {"licence", "state"},
    "ADDR_PRACTICE_MISSING": {"street"},
    "ADDR_SUSPICIOUS": {"street"},
    "PO_BOX_PRACTICE": {"street"},
    "STATE_INVALID": {"state", "zip"},
    "ZIP_INVALID": {"zip"},
    "ZIP_STATE_MISMATCH": {"zip", "state", "licence"},
    "ZIP_CITY_MISMATCH": {"zip", "state", "city"},
    "PHONE_MISSING": {"phone"},
    "PHONE_INVALID": {"phone"},
    "FAX_INVALID": {"fax", "phone"},
    "FAX_EQUALS_PHONE": {"fax", "phone"},
    "DATE_FUTURE": {"dates"},
    "DATE_ORDER": {"dates"},
    "EXCLUDED_LEIE": {"npi", "last name", "first name", "state"},
    "DUPLICATE": _EVERYTHING,
    STALE: {"dates"},
}

Plan = dict[str, list[int]]


def _quota(rng: Random, expected: float) -> int:
    """A whole number whose mean is the expected one, so that small files are not left bare."""
    return int(expected + rng.random())


def _fits(rule: str, others: Iterable[str]) -> bool:
    return all(TOUCHES[rule].isdisjoint(TOUCHES[other]) for other in others)


def _first_defects(
    rng: Random, plain: list[int], able: dict[str, set[int]], scale: float
) -> dict[int, list[str]]:
    free = plain.copy()
    rng.shuffle(free)
    given: dict[int, list[str]] = {}
    for rule, rate in RATES.items():
        count = _quota(rng, rate * scale * len(plain)) if scale else 0
        fit = [row for row in free if row in able[rule]] if rule in able else free
        rows = set(fit[:count])
        free = [row for row in free if row not in rows]
        given |= {row: [rule] for row in sorted(rows)}
    return given


def draw_plan(rng: Random, plain: list[int], able: dict[str, set[int]], scale: float) -> Plan:
    """The rows of each defect, in file order.

    ``plain`` are the rows that may get one; ``able`` those that may get a certain one, by rule,
    where not every row may.
    """
    given = _first_defects(rng, plain, able, scale)
    for row, rules in given.items():
        if rng.random() < SECOND_DEFECT:
            fit = [
                rule
                for rule in RATES
                if rule not in GROUP_RULES
                and _fits(rule, rules)
                and (rule not in able or row in able[rule])
            ]
            if fit:
                rules.append(rng.choice(fit))
    undated = [row for row in plain if _fits(STALE, given.get(row, ()))]
    count = _quota(rng, STALE_RATE * scale * len(plain)) if scale else 0
    for row in rng.sample(undated, min(count, len(undated))):
        given.setdefault(row, []).append(STALE)
    plan: Plan = {rule: [] for rule in (*RATES, STALE)}
    for row in sorted(given):
        for rule in given[row]:
            plan[rule].append(row)
    return plan
