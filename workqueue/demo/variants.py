"""How one person is written down the second time."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from workqueue.demo import columns
from workqueue.demo.columns import PRACTICE
from workqueue.demo.nicknames import NICKNAMES
from workqueue.demo.places import MILITARY

Record = dict[str, str]
Variant = Callable[[Record, Record, Random], bool]
"""Changes the first record; the second is the row whose place it takes, with values to move to.
False where the record has nothing that could be changed in this way."""

_ABROAD = {city.state for city in MILITARY}
_LETTERS = "ABCDEFGHIJKLMNOPRSTUVWY"
_DATES = (columns.ENUMERATED, columns.UPDATED, columns.CERTIFIED)
_DOOR = (columns.LINE_1, columns.LINE_2, columns.PHONE, columns.FAX)


def mistyped(name: str, rng: Random) -> str:
    """The name with a letter left out, doubled, changed, or two of them exchanged."""
    places = [n for n in range(1, len(name) - 1) if name[n].isalpha() and name[n + 1].isalpha()]
    if len(name) < 4 or not places:
        return name
    at = rng.choice(places)
    forms = (
        name[:at] + name[at + 1 :],
        name[: at + 1] + name[at:],
        name[:at] + rng.choice(_LETTERS) + name[at + 1 :],
        name[:at] + name[at + 1] + name[at] + name[at + 2 :],
    )
    return rng.choice(forms)


def exchanged(number: str, rng: Random) -> str:
    """The number with two neighbours of its last four digits exchanged."""
    places = [n for n in range(len(number) - 4, len(number) - 1) if number[n] != number[n + 1]]
    if len(number) < 8 or not places:
        return number
    at = rng.choice(places)
    return number[:at] + number[at + 1] + number[at] + number[at + 2 :]


def _typo_in(name: str) -> Variant:
    def typo(record: Record, _own: Record, rng: Random) -> bool:
        before = record[name]
        record[name] = mistyped(before, rng)
        return record[name] != before

    return typo


def _nickname(record: Record, _own: Record, rng: Random) -> bool:
    known = NICKNAMES.get(record[columns.FIRST_NAME])
    if known is None:
        return False
    record[columns.FIRST_NAME] = rng.choice(known)
    return True


def _initial(record: Record, _own: Record, _rng: Random) -> bool:
    """A first initial stands only beside a full middle name; else it is a defect of its own."""
    if len(record[columns.MIDDLE_NAME]) < 2:
        return False
    record[columns.FIRST_NAME] = record[columns.FIRST_NAME][0]
    return True


def _swapped(record: Record, _own: Record, _rng: Random) -> bool:
    first, last = record[columns.FIRST_NAME], record[columns.LAST_NAME]
    if min(len(first), len(last)) < 2 or first == last:
        return False
    record[columns.FIRST_NAME], record[columns.LAST_NAME] = last, first
    return True


def _married(record: Record, own: Record, rng: Random) -> bool:
    if record[columns.SEX] != "F":
        return False
    before, name = record[columns.LAST_NAME], own[columns.LAST_NAME].split("-")[0]
    form = rng.random()
    record[columns.LAST_NAME] = f"{before}-{name}" if form < 0.3 and "-" not in before else name
    if form > 0.5:
        record[columns.OTHER_LAST_NAME] = before
    return record[columns.LAST_NAME] != before


def _moved(record: Record, own: Record, rng: Random) -> bool:
    """To another door in the city, or for three in ten to where the other row practises."""
    far = rng.random() < 0.3
    for name in PRACTICE if far else _DOOR:
        record[name] = own[name]
    return True


def _digits(record: Record, _own: Record, rng: Random) -> bool:
    before = record[columns.PHONE]
    after = exchanged(before, rng)
    if after in {before, record[columns.FAX]}:
        return False
    record[columns.PHONE] = after
    number, _, street = record[columns.LINE_1].partition(" ")
    if rng.random() < 0.5 and len(number) > 1 and number.isdigit() and number[1] != "0":
        record[columns.LINE_1] = f"{number[1]}{number[0]}{number[2:]} {street}"
    return True


def _blanks(record: Record, _own: Record, rng: Random) -> bool:
    names = (columns.MIDDLE_NAME, columns.FAX, columns.SUFFIX, columns.PREFIX, columns.LINE_2)
    filled = [name for name in names if record[name]]
    for name in filled:
        if rng.random() < 0.7:
            record[name] = ""
    return bool(filled)


# (how often, what it is about, what it does); two that are about the same do not go together.
VARIANTS: tuple[tuple[int, str, Variant], ...] = (
    (28, "place", _moved),
    (16, "last", _typo_in(columns.LAST_NAME)),
    (10, "first", _typo_in(columns.FIRST_NAME)),
    (16, "first", _nickname),
    (16, "last", _married),
    (8, "place", _digits),
    (4, "last first", _swapped),
    (8, "first", _initial),
    (10, "blank", _blanks),
)


def second_entry(record: Record, own: Record, rng: Random) -> Record:
    """The record as the same person would be entered again, under the other row's NPI."""
    again = {**record, columns.NPI: own[columns.NPI], columns.REPLACEMENT_NPI: ""}
    if rng.random() < 0.4:
        again[columns.PREFIX] = ""
    if rng.random() < 0.45:
        again |= {name: own[name] for name in _DATES}
    wanted = rng.choices((0, 1, 2), (10, 55, 35))[0]
    done: set[str] = set()
    for _ in range(20):
        if wanted == 0:
            break
        [(_, about, change)] = rng.choices(VARIANTS, [often for often, _, _ in VARIANTS])
        if done.isdisjoint(about.split()) and change(again, own, rng):
            done.update(about.split())
            wanted -= 1
    return again


def home_state(record: Record) -> str:
    """The state whose board licenses people of this practice; Texas for forces abroad."""
    state = record[columns.STATE]
    return "TX" if state in _ABROAD else state


def relicense(record: Record, number: str | None = None) -> None:
    """Let the licences be those of the practice's state, under the number where one is given."""
    for slot in (1, 2):
        _, held, state, _ = columns.taxonomy_slot(slot)
        if record[held]:
            record[held] = number or record[held]
            record[state] = home_state(record)
