"""Which row gets which defect: rates, and which defects can stand on one record."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

# Share of individuals that get the defect, before scaling: 12 % in all, stale records apart.
RATES = {
    "LICENSE_MISSING": 0.012,
    "NPI_CHECK_DIGIT": 0.005,
    "NPI_DUPLICATE": 0.008,
    "NAME_LAST_MISSING": 0.004,
    "NAME_FIRST_MISSING": 0.004,
    "NAME_SUSPICIOUS": 0.008,
    "TAXONOMY_MISSING": 0.010,
    "LICENSE_SHARED": 0.008,
    "ADDR_PRACTICE_MISSING": 0.007,
    "PO_BOX_PRACTICE": 0.012,
    "STATE_INVALID": 0.006,
    "ZIP_INVALID": 0.007,
    "PHONE_MISSING": 0.010,
    "PHONE_INVALID": 0.009,
    "DATE_FUTURE": 0.005,
    "DATE_ORDER": 0.005,
}
STALE = "RECORD_STALE"
STALE_RATE = 0.08
SECOND_DEFECT = 0.06  # of the rows with one defect, those that get another
HIGHEST_SCALE = 5.0  # beyond it too few clean rows are left to share an NPI or a licence with
GROUP_RULES = ("NPI_DUPLICATE", "LICENSE_SHARED")

# What a defect writes to. Two defects may stand on one row if they touch different things.
TOUCHES = {
    "NPI_CHECK_DIGIT": {"npi"},
    "NPI_DUPLICATE": {"npi", "licence"},
    "NAME_LAST_MISSING": {"last name"},
    "NAME_FIRST_MISSING": {"first name"},
    "NAME_SUSPICIOUS": {"last name", "first name"},
    "TAXONOMY_MISSING": {"licence"},
    "LICENSE_MISSING": {"licence"},
    "LICENSE_SHARED": {"npi", "licence"},
    "ADDR_PRACTICE_MISSING": {"street"},
    "PO_BOX_PRACTICE": {"street"},
    "STATE_INVALID": {"state"},
    "ZIP_INVALID": {"zip"},
    "PHONE_MISSING": {"phone"},
    "PHONE_INVALID": {"phone"},
    "DATE_FUTURE": {"dates"},
    "DATE_ORDER": {"dates"},
    STALE: {"dates"},
}

Plan = dict[str, list[int]]


def _quota(rng: Random, expected: float) -> int:
    """A whole number whose mean is the expected one, so that small files are not left bare."""
    return int(expected + rng.random())


def _fits(rule: str, others: Iterable[str]) -> bool:
    return all(TOUCHES[rule].isdisjoint(TOUCHES[other]) for other in others)


def _first_defects(
    rng: Random, plain: list[int], licensed: set[int], scale: float
) -> dict[int, list[str]]:
    free = plain.copy()
    rng.shuffle(free)
    given: dict[int, list[str]] = {}
    for rule, rate in RATES.items():
        count = _quota(rng, rate * scale * len(plain)) if scale else 0
        fit = [row for row in free if row in licensed] if rule == "LICENSE_MISSING" else free
        rows = set(fit[:count])
        free = [row for row in free if row not in rows]
        given |= {row: [rule] for row in sorted(rows)}
    return given


def draw_plan(rng: Random, plain: list[int], licensed: set[int], scale: float) -> Plan:
    """The rows of each defect, in file order.

    ``plain`` are the rows that may get one, ``licensed`` those of them that can miss a licence.
    """
    given = _first_defects(rng, plain, licensed, scale)
    for row, rules in given.items():
        if rng.random() < SECOND_DEFECT:
            fit = [rule for rule in RATES if rule not in GROUP_RULES and _fits(rule, rules)]
            if row not in licensed and "LICENSE_MISSING" in fit:
                fit.remove("LICENSE_MISSING")
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
