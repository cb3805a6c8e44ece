"""Telephones that many people share: one that should not be, and two that may be."""

from __future__ import annotations

from collections import Counter

from workqueue.demo import columns
from workqueue.demo.groups import GroupPlanter
from workqueue.demo.planting import Planting

OVERSHARED = "PHONE_OVERSHARED"
ENOUGH = 1_500  # clean rows, below which a file is too small for such a group


def plant_telephones(here: Planting, groups: GroupPlanter, clean: int) -> None:
    """Give one number to many people of many states, one to a few, one to many of one state."""
    if clean < ENOUGH:
        return
    sheet, rng = here.sheet, here.rng
    for row, phone in _given(here, groups.spare(rng.randrange(26, 45))):
        sheet.found(row, OVERSHARED, phone)
    for row, _ in _given(here, groups.spare(9)):
        sheet.seems(row, "small practice of many states")
    candidates = groups.spare(clean // 8)
    states = Counter(sheet.read(columns.STATE, row) for row in candidates)
    [(state, _)] = states.most_common(1)
    colleagues = [row for row in candidates if sheet.read(columns.STATE, row) == state][:60]
    for row, _ in _given(here, colleagues):
        sheet.seems(row, "switchboard of one state")


def _given(here: Planting, rows: list[int]) -> list[tuple[int, str]]:
    area, exchange = here.rng.choice(("800", "866", "877", "888")), here.rng.randrange(220, 999)
    while exchange % 100 == 11 or exchange == 555:
        exchange += 1
    phone = f"{area}{exchange}{here.rng.randrange(10_000):04d}"
    here.sheet.put(columns.PHONE, rows, [phone] * len(rows))
    return [(row, phone) for row in rows]
