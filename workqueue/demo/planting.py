"""What planters share: where defects go, by what chance, and how a value is rewritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from random import Random

from workqueue.demo.sheet import Sheet

Change = Callable[[str], str]


@dataclass(frozen=True)
class Planting:
    """Where defects go, by what chance, and the (calendar, UTC) day on which the file is read."""

    sheet: Sheet
    rng: Random
    as_of: date


Planter = Callable[[Planting, list[int]], None]


def as_text(day: date) -> str:
    """A day as CMS writes it."""
    return day.strftime("%m/%d/%Y")


def as_date(text: str) -> date:
    """A day as CMS writes it, read back."""
    month, day, year = (int(part) for part in text.split("/"))
    return date(year, month, day)


def rewrite(sheet: Sheet, name: str, rows: list[int], change: Change) -> None:
    """Put the changed value in place of the value that stands in each row."""
    sheet.put(name, rows, [change(sheet.read(name, row)) for row in rows])


def put_one_of(here: Planting, name: str, rows: list[int], values: tuple[str, ...]) -> None:
    """Put one of the values, by chance, into each row."""
    here.sheet.put(name, rows, [here.rng.choice(values) for _ in rows])
