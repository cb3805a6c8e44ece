"""One person under two NPIs, and different people who look like one.

The second entry of a person differs by one or two variants (see ``variants``). Those who only look
alike share what families, colleagues and bearers of a common name share.
"""

from __future__ import annotations

from random import Random

from workqueue.demo import columns
from workqueue.demo.columns import PRACTICE
from workqueue.demo.groups import GroupPlanter
from workqueue.demo.sheet import Sheet
from workqueue.demo.variants import Record, home_state, relicense, second_entry

DUPLICATE = "DUPLICATE"
STRANGERS = 0.005  # share of the individuals that are made to look like somebody else
SAME_LICENSE = 0.35  # of the second entries that could have the licence of the first
_FATHERS = "father and son"
_KINDS = {
    "spouses": 30,
    "namesakes in one city": 27,
    "partners": 23,
    _FATHERS: 15,
    "twins": 5,
}
_TWINS = {
    "F": ("MARIA MARISOL", "ANNA HANNAH", "KAREN KATHLEEN", "JESSICA JENNIFER", "EMMA EMILY"),
    "M": ("JASON JUSTIN", "BRIAN BRYAN", "AARON ADAM", "MARK MARCUS", "ERIC EDWIN"),
}
_WORK = (*columns.taxonomy_slot(1), columns.CREDENTIAL)
_NAMES = (columns.LAST_NAME, columns.FIRST_NAME)
_PLACE = (columns.CITY, columns.STATE, columns.ZIP)


def plant_doubles(
    sheet: Sheet, groups: GroupPlanter, rng: Random, takers: list[int], able: set[int]
) -> None:
    """Make each taker a second entry of a clean person; ``able`` have one needed licence."""
    lenders = groups.lenders(takers, None)
    takers = takers[: len(lenders)]
    before, own = groups.records(lenders), sheet.records(takers)
    entries = []
    shared: list[int] = []
    for n, (first, mine) in enumerate(zip(before, own, strict=True)):
        entry = second_entry(first, mine, rng)
        moved = home_state(entry) != home_state(first)
        if not moved and lenders[n] in able and rng.random() < SAME_LICENSE:
            shared.append(n)
        else:
            letters = rng.choice(("TL", "TRN", "EX", "L-"))
            relicense(entry, f"{letters}{sheet.first_line + takers[n]:07d}")
        entries.append(entry)
    sheet.write(takers, entries)
    if not takers:
        return
    keys = [record[columns.NPI] for record in before]
    groups.note(DUPLICATE, takers, lenders, keys)
    if shared:
        groups.note(
            "LICENSE_SHARED",
            [takers[n] for n in shared],
            [lenders[n] for n in shared],
            [_license_key(before[n]) for n in shared],
        )


def _license_key(record: Record) -> str:
    number, state = record[columns.LICENSE], record[columns.LICENSE_STATE]
    return f"{number}|{state}|{record[columns.TAXONOMY][:4]}"


def plant_strangers(sheet: Sheet, groups: GroupPlanter, rng: Random, count: int) -> None:
    """Make so many clean people look like somebody else, who they are not."""
    takers = groups.spare(count)
    lenders = groups.lenders(takers, None)
    takers = takers[: len(lenders)]
    before, own = groups.records(lenders), sheet.records(takers)
    rows, written = [], []
    fathers: list[int] = []
    for row, lender, other, mine in zip(takers, lenders, before, own, strict=True):
        [kind] = rng.choices([*_KINDS], [*_KINDS.values()])
        if kind == _FATHERS and lender >= sheet.size:
            continue  # the father stands in a part of the file that is written already
        made = _stranger(kind, mine, other, rng, f"TL{sheet.first_line + row:07d}")
        if made is not None:
            rows.append(row)
            written.append(made)
            sheet.seems(row, kind, other[columns.NPI])
            if kind == _FATHERS:
                fathers.append(lender)
                sheet.seems(lender, "father of a son", made[columns.NPI])
    sheet.write(rows, written)
    sheet.put(columns.SUFFIX, fathers, ["SR."] * len(fathers))


def _stranger(kind: str, mine: Record, other: Record, rng: Random, number: str) -> Record | None:
    """``mine`` as one who looks like ``other``; None where the two do not lend themselves to it."""
    if kind == "spouses":
        apart = mine[columns.SEX] != other[columns.SEX]
        made = {**mine, **_of(other, PRACTICE), columns.LAST_NAME: other[columns.LAST_NAME]}
    elif kind == _FATHERS:
        apart = other[columns.SEX] == "M" and mine[columns.ENUMERATED] != other[columns.ENUMERATED]
        shared = (*_NAMES, columns.SEX, columns.PREFIX, *PRACTICE)
        made = {**mine, **_of(other, shared), columns.SUFFIX: "JR."}
        _work_of(made, other, number)
    elif kind == "twins":
        given = rng.choice(_TWINS[other[columns.SEX]]).split()
        apart = other[columns.FIRST_NAME] not in given
        shared = (columns.LAST_NAME, columns.SEX, *PRACTICE)
        made = {**mine, **_of(other, shared), columns.FIRST_NAME: rng.choice(given)}
        _work_of(made, other, number)
    elif kind == "partners":
        apart = mine[columns.LAST_NAME] != other[columns.LAST_NAME]
        made = {**mine, **_of(other, PRACTICE)}
        _work_of(made, other, number)
    else:
        apart = mine[columns.TAXONOMY][:2] != other[columns.TAXONOMY][:2]
        made = {**mine, **_of(other, (*_NAMES, columns.SEX, *_PLACE))}
        if made[columns.MIDDLE_NAME][:1] == other[columns.MIDDLE_NAME][:1]:
            made[columns.MIDDLE_NAME] = "Q" if other[columns.MIDDLE_NAME][:1] != "Q" else "Z"
    relicense(made)
    return made if apart else None


def _of(record: Record, names: tuple[str, ...]) -> Record:
    return {name: record[name] for name in names}


def _work_of(made: Record, other: Record, number: str) -> None:
    """The profession of the other, under a licence of one's own."""
    made |= _of(other, _WORK)
    made |= dict.fromkeys(columns.taxonomy_slot(2), "")
    made[columns.PRIMARY] = "Y"
    if made[columns.LICENSE]:
        made[columns.LICENSE] = number
