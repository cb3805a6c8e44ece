"""Records of people some of whom are in them twice or three times, and who those are.

It shares nothing with the comparison that has to find them: what may happen between two records
of one person, and what two people may have in common, is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workqueue.demo import people
from workqueue.fields import FIELDS

AS_OF = date(2026, 6, 1)
SHARE = 0.02  # of the people that have a second record
AGAIN = 0.12  # of those that have a third
LOOKALIKES = 0.006  # of the people who have a son, a twin or a spouse at the same practice
_CHUNK = 50_000
_PAIRS = """WILLIAM BILL, ROBERT BOB, JAMES JIM, MICHAEL MIKE, RICHARD DICK, JOSEPH JOE,
THOMAS TOM, CHARLES CHUCK, CHRISTOPHER CHRIS, DANIEL DAN, MATTHEW MATT, ANTHONY TONY,
STEVEN STEVE, ANDREW ANDY, KENNETH KEN, TIMOTHY TIM, EDWARD ED, GREGORY GREG, PATRICIA PAT,
JENNIFER JENNY, ELIZABETH BETH, BARBARA BARB, SUSAN SUE, KIMBERLY KIM, DEBORAH DEBBIE,
STEPHANIE STEPH, REBECCA BECKY, KATHLEEN KATHY, PAMELA PAM, KATHERINE KATE, MARGARET PEGGY,
SAMANTHA SAM, SAMUEL SAM, BENJAMIN BEN, NICHOLAS NICK"""
_SHORT = dict(pair.split() for pair in _PAIRS.split(","))
_NEXT_KEY = dict(zip("QWERTYUIOPASDFGHJKLZXCVBNM", "WQEWRTYUIOSADFGHJKXZCVBNMN", strict=True))

Row = dict[str, Any]


@dataclass(frozen=True)
class Planted:
    """Records (id, source, column_set_id and the fields), and the pairs of one person.

    `pairs` are (smaller id, larger id); `how` says what was done to the later record of a pair.
    """

    records: pa.Table
    pairs: frozenset[tuple[int, int]]
    how: dict[int, tuple[str, ...]]


def clean(seed: int, rows: int) -> pa.Table:
    """`rows` people without a defect, each once."""
    parts = []
    for start in range(0, rows, _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, rows), dtype=np.uint64)
        made = people.build(seed, numbers, AS_OF, only_individuals=True).columns
        columns = {}
        for field in FIELDS:
            for header in field.headers:
                if header in made:
                    values = pc.if_else(pc.equal(made[header], ""), None, made[header])
                    if field.name.endswith("_date"):
                        days = pc.strptime(values, format="%m/%d/%Y", unit="s")
                        values = days.cast(pa.date32())
                    columns[field.name] = values
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)


def _typo(word: str, rng: Random) -> str:
    if len(word) < 4:
        return word
    place = rng.randrange(len(word) - 1)
    form = rng.random()
    if form < 0.3:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if form < 0.55:
        return word[:place] + word[place + 1 :]
    if form < 0.75:
        return word[:place] + word[place] + word[place:]
    return word[:place] + _NEXT_KEY.get(word[place], "E") + word[place + 1 :]


def _digits_swapped(number: str | None, rng: Random) -> str | None:
    if not number or len(number) < 3:
        return number
    place = rng.randrange(len(number) - 1)
    return number[:place] + number[place + 1] + number[place] + number[place + 2 :]


class Changer:
    """Makes another record of a person, or of somebody much like them."""

    def __init__(self, rng: Random, others: list[Row]) -> None:
        self.rng = rng
        self.others = others

    def other(self) -> Row:
        return self.rng.choice(self.others)

    def last_typo(self, row: Row) -> None:
        row["last_name"] = _typo(row["last_name"], self.rng)

    def first_typo(self, row: Row) -> None:
        row["first_name"] = _typo(row["first_name"], self.rng)

    def nickname(self, row: Row) -> None:
        row["first_name"] = _SHORT.get(row["first_name"], row["first_name"])

    def initial(self, row: Row) -> None:
        row["first_name"] = row["first_name"][0]

    def middle(self, row: Row) -> None:
        middle = row["middle_name"]
        row["middle_name"] = middle[0] if middle and len(middle) > 1 else None

    def by_middle_name(self, row: Row) -> None:
        middle = row["middle_name"]
        if middle and len(middle) > 2:
            row["first_name"], row["middle_name"] = middle, row["first_name"][0]

    def married(self, row: Row) -> None:
        if row["sex"] != "F":
            return
        before, row["last_name"] = row["last_name"], self.other()["last_name"]
        if self.rng.random() < 0.65:
            row["other_last_name"] = before
        elif self.rng.random() < 0.5:
            row["last_name"] = f"{before}-{row['last_name']}"

    def swapped(self, row: Row) -> None:
        row["first_name"], row["last_name"] = row["last_name"], row["first_name"]

    def moved(self, row: Row) -> None:
        there = self.other()
        near = [
            one
            for one in self.rng.sample(self.others, 60)
            if one["practice_state"] == row["practice_state"]
        ]
        if near and self.rng.random() < 0.75:
            there = near[0]
        for name in row:
            if name.startswith("practice_"):
                row[name] = there[name]

    def new_phone(self, row: Row) -> None:
        row["practice_phone"] = self.other()["practice_phone"]

    def phone_digits(self, row: Row) -> None:
        row["practice_phone"] = _digits_swapped(row["practice_phone"], self.rng)

    def street(self, row: Row) -> None:
        text = row["practice_address_1"] or ""
        for long, short in (
            (" STREET", " ST"),
            (" AVENUE", " AVE"),
            (" ST", " STREET"),
            (" AVE", " AVENUE"),
            (" DR", " DRIVE"),
            (" RD", " ROAD"),
        ):
            if text.endswith(long):
                text = text[: -len(long)] + short
                break
        row["practice_address_1"] = text.replace(".", "") + self.rng.choice(
            ["", "", " STE 4", " SUITE 210"]
        )

    def license_digits(self, row: Row) -> None:
        row["license_number_1"] = _digits_swapped(row["license_number_1"], self.rng)

    def no_license(self, row: Row) -> None:
        for slot in (1, 2):
            row[f"license_number_{slot}"] = row[f"license_state_{slot}"] = None

    def new_license(self, row: Row) -> None:
        row["license_number_1"] = str(self.rng.randrange(10_000, 999_999))

    def other_specialty(self, row: Row) -> None:
        row["taxonomy_code_1"] = self.other()["taxonomy_code_1"]

    def blanks(self, row: Row) -> None:
        for name in self.rng.sample(
            [
                "sex",
                "credential",
                "middle_name",
                "practice_phone",
                "practice_address_1",
                "name_suffix",
            ],
            2,
        ):
            row[name] = None

    def credential(self, row: Row) -> None:
        text = row["credential"]
        row["credential"] = text.replace(".", "") if text and self.rng.random() < 0.7 else None

    def changed(self, row: Row) -> tuple[str, ...]:
        """Change one to four things of the record; their names."""
        count = self.rng.choices([0, 1, 2, 3], [10, 40, 35, 15])[0]
        names = list(_CHANGES)
        chosen: dict[str, None] = {}
        while len(chosen) < count:
            chosen[self.rng.choices(names, list(_CHANGES.values()))[0]] = None
        for name in chosen:
            act: Callable[[Row], None] = getattr(self, name)
            act(row)
        return tuple(chosen)


_CHANGES = {
    "last_typo": 9,
    "first_typo": 7,
    "nickname": 10,
    "initial": 4,
    "middle": 9,
    "by_middle_name": 2,
    "married": 7,
    "swapped": 2,
    "moved": 12,
    "new_phone": 8,
    "phone_digits": 5,
    "street": 9,
    "license_digits": 4,
    "no_license": 7,
    "new_license": 3,
    "other_specialty": 6,
    "blanks": 8,
    "credential": 8,
}


def planted(seed: int, rows: int) -> Planted:
    """About `rows` people, with duplicates and lookalikes; the same for the same seed."""
    table = clean(seed, rows)
    rng = Random(f"duplicates {seed}")
    picked = rng.sample(range(rows), int(rows * (SHARE + LOOKALIKES)))
    originals = table.take(pa.array(picked)).to_pylist()
    pool = table.take(pa.array(rng.sample(range(rows), min(rows, 4000)))).to_pylist()
    changer = Changer(rng, pool)
    extra: list[Row] = []
    pairs: list[tuple[int, int]] = []
    how: dict[int, tuple[str, ...]] = {}
    doubles = int(rows * SHARE)
    for place, (index, original) in enumerate(zip(picked, originals, strict=True)):
        if place >= doubles:
            extra.append(_lookalike(changer, original, rows + len(extra)))
            continue
        group = [index + 1]
        for _ in range(2 if rng.random() < AGAIN else 1):
            row = _identity(dict(original), rng, rows + len(extra))
            made = changer.changed(row)
            extra.append(row)
            group.append(rows + len(extra))
            how[group[-1]] = made
        pairs += combinations(group, 2)
    schema = table.schema
    both = pa.concat_tables([table, pa.Table.from_pylist(extra, schema=schema)])
    count = both.num_rows
    both = both.add_column(0, "id", pa.array(range(1, count + 1), pa.int64()))
    both = both.append_column("source", pa.repeat(pa.scalar("NPPES"), count))
    both = both.append_column("column_set_id", pa.repeat(pa.scalar(1, pa.int32()), count))
    return Planted(both, frozenset(pairs), how)


def _identity(row: Row, rng: Random, number: int) -> Row:
    """Another NPI, or none, and mostly another day of enumeration."""
    row["npi"] = None if rng.random() < 0.12 else f"2{number:09d}"
    if rng.random() < 0.85:
        row["enumeration_date"] = date(2005, 6, 1) + timedelta(days=rng.randrange(7000))
    return row


def _lookalike(changer: Changer, original: Row, number: int) -> Row:
    """A son, a twin or a spouse at the same practice: another person all the same."""
    rng, row = changer.rng, dict(original)
    _identity(row, rng, number)
    row["npi"] = f"2{number:09d}"
    other = changer.other()
    row["license_number_1"] = other["license_number_1"] and str(rng.randrange(10_000, 9_999_999))
    row["license_number_2"] = None
    row["middle_name"] = other["middle_name"]
    row["enumeration_date"] = date(2005, 6, 1) + timedelta(days=rng.randrange(7000))
    kind = rng.random()
    if kind < 0.35 and row["sex"] == "M":
        row["name_suffix"] = "JR" if row["name_suffix"] is None else None
    elif kind < 0.7:
        same = [
            one
            for one in changer.others
            if one["sex"] == row["sex"] and one["first_name"] != row["first_name"]
        ]
        row["first_name"] = rng.choice(same)["first_name"]
    else:
        row["first_name"], row["sex"] = other["first_name"], other["sex"]
        row["taxonomy_code_1"], row["credential"] = other["taxonomy_code_1"], other["credential"]
    return row
