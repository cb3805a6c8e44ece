"""Providers without a defect: what a row number looks like before anything is planted in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from workqueue.demo import addresses, columns, names, professions
from workqueue.demo.addresses import Columns
from workqueue.demo.draws import Bools, Draws, Ints, Rows, Weighted, digits, lookup, where
from workqueue.demo.organizations import organization_columns

FIRST_DAY = date(2005, 5, 23)
FRESH_DAYS = 1640  # four and a half years: no clean row is older, so none is stale at five
MOST_ROWS = 50_000_000  # half of the NPIs that begin with 1

_KINDS = Weighted(["individual", "organization", "deactivated"], [83, 15, 2])
PERSON, COMPANY, GONE = range(3)
_FOREIGN = Weighted(
    [
        "200 UNIVERSITY AVE|TORONTO|ONTARIO|M5H 3C6|CA|4165550 EXT 12",
        "14 HARLEY STREET|LONDON|ENGLAND|W1G 9PF|GB|442079460018",
        "AV REFORMA 222|CIUDAD DE MEXICO|CDMX|06600|MX|525512345678",
        "HAUPTSTRASSE 9|LANDSTUHL|RHEINLAND-PFALZ|66849|DE|49637112345",
        "1-2-3 AKASAKA|MINATO|TOKYO|107-0052|JP|81312345678",
    ],
    [4, 2, 2, 2, 1],
)


@dataclass(frozen=True)
class People:
    """Rows of a file, still clean. ``columns`` has no entry for a column that is empty throughout.

    ``individual`` tells which rows are people; ``plain`` which of them may be given a defect
    (foreign addresses and reactivated records stay as they are); ``licensed`` which of the people
    have one taxonomy and cannot do without a licence for it, ``two`` which have two taxonomies,
    ``signed`` whose profession is licensed everywhere, ``civil`` who practises in a state that has
    several cities here.
    """

    columns: Columns
    individual: Bools
    plain: Bools
    licensed: Bools
    two: Bools
    signed: Bools
    civil: Bools


def npi_numbers(seed: int, rows: Rows) -> pa.Array:
    """NPIs beginning with 1, each row its own, with the check digit of ISO 7812 over 80840."""
    offset = np.uint64(seed * 7_654_321 % 100_000_000)
    free = (rows * np.uint64(48_271_737) + offset) % np.uint64(100_000_000)
    payload = (free + np.uint64(100_000_000)).astype(np.int64)
    total = np.full(len(rows), 24, dtype=np.int64)  # what 80840 adds
    rest = payload.copy()
    for place in range(9):
        digit = rest % 10
        rest //= 10
        doubled = digit * 2
        total += np.where(place % 2 == 0, doubled - 9 * (doubled > 9), digit)
    return digits(payload * 10 + (-total) % 10)


def _names(draws: Draws, women: Bools) -> Columns:
    former = women & (draws.share("former name") < 0.09)
    first = names.first_names(draws, women)
    kinds = Weighted(["1", "2", "5"], [70, 10, 20])
    return {
        columns.LAST_NAME: names.last_names(draws),
        columns.FIRST_NAME: first,
        columns.MIDDLE_NAME: names.middle_names(draws, women),
        columns.SUFFIX: names.suffixes(draws, women),
        columns.SEX: where(women, "F", lookup(["M"], np.zeros(len(women), dtype=np.int64))),
        columns.OTHER_LAST_NAME: where(former, names.last_names(draws, "former last name")),
        "Provider Other First Name": where(former, first),
        "Provider Other Last Name Type Code": where(former, draws.text("former kind", kinds)),
    }


def _titles(draws: Draws, women: Bools, profession: Ints) -> pa.Array:
    doctor = np.array([p.doctor for p in professions.PROFESSIONS])[profession]
    plain = where(women, draws.text("title", Weighted(["MRS.", "MS.", "MISS"])), "MR.")
    chance = draws.share("has title")
    return where(doctor & (chance < 0.85), "DR.", where(~doctor & (chance < 0.40), plain))


def _days(first: date, last: date) -> list[str]:
    """Every day from first to last as CMS writes it."""
    return [
        (first + timedelta(days=n)).strftime("%m/%d/%Y") for n in range((last - first).days + 1)
    ]


def _dates(draws: Draws, as_of: date, reactivated: Bools) -> Columns:
    """Enumeration <= deactivation <= reactivation <= update < as_of; update within FRESH_DAYS."""
    days = _days(FIRST_DAY, as_of)
    last = len(days) - 1
    early = draws.share("early") < 0.35
    enumerated = draws.below("enumerated", np.where(early, 1300, last))
    oldest = np.maximum(enumerated, last - FRESH_DAYS)
    updated = oldest + draws.below("updated", last - oldest)
    room = updated - enumerated
    off = enumerated + draws.below("deactivated", room // 2 + 1)
    on = off + draws.below("reactivated", room // 2 + 1)
    return {
        columns.ENUMERATED: lookup(days, enumerated),
        columns.UPDATED: lookup(days, updated),
        columns.DEACTIVATED: where(reactivated, lookup(days, off)),
        columns.REACTIVATED: where(reactivated, lookup(days, on)),
        columns.CERTIFIED: lookup(days, updated),
    }


def _serials(rows: Rows, state: Ints, profession: Ints, draws: Draws) -> Ints:
    """A licence serial of one's own; a few share the number of the row before, which is no defect.

    They do so only where the state or the profession differs: numbers repeat across boards.
    """
    order = rows.astype(np.int64)
    block, place = np.divmod(order, 1_000_000)
    serial = block * 1_010_000 + place * 617_283 % 1_000_000 + 10_000
    other = (np.roll(state, 1) != state) | (np.roll(profession, 1) != profession)
    licensed = professions.licensed(profession, professions.ALWAYS)
    twin = (draws.share("twin") < 0.006) & other & licensed & np.roll(licensed, 1)
    twin[:1] = False
    return np.asarray(np.where(twin, np.roll(serial, 1), serial), dtype=np.int64)


def _practice(draws: Draws, rows: Rows, profession: Ints, state: Ints) -> tuple[Columns, Bools]:
    """Taxonomies with licences in one or two slots; and which rows have a second slot."""
    serial = _serials(rows, state, profession, draws)
    number = professions.license_numbers(serial, addresses.STATES, state, profession)
    first = professions.code_positions(draws, profession, "code")
    second = professions.code_positions(draws, profession, "second code")
    two = (draws.share("two codes") < 0.20) & (second != first)
    has = professions.licensed(profession, professions.ALWAYS, professions.USUAL)
    states = lookup(addresses.STATES, state)
    yes = lookup(["Y"], np.zeros(len(rows), dtype=np.int64))
    second_main = two & (draws.share("second is primary") < 0.25)
    return {
        columns.TAXONOMY: professions.codes(first),
        columns.LICENSE: where(has, number),
        columns.LICENSE_STATE: where(has, states),
        columns.PRIMARY: where(second_main, "N", yes),
        columns.SECOND_TAXONOMY: where(two, professions.codes(second)),
        columns.SECOND_LICENSE: where(two & has, number),
        columns.SECOND_LICENSE_STATE: where(two & has, states),
        columns.SECOND_PRIMARY: where(two, where(second_main, "Y", "N")),
    }, two


def _other_identifiers(draws: Draws, state: Ints) -> Columns:
    has = draws.share("medicaid") < 0.15
    names_ = columns.identifier_slot(1)
    number = digits(draws.below("medicaid number", 9_000_000) + 1_000_000)
    kinds = lookup(["05"], np.zeros(len(has), dtype=np.int64))
    states = lookup(addresses.STATES, state)
    return {
        names_[0]: where(has, number),
        names_[1]: where(has, kinds),
        names_[2]: where(has, states),
    }


def _abroad(values: Columns, draws: Draws, foreign: Bools) -> None:
    """Move the rows' practice abroad, where state, ZIP and telephone are free-form and correct."""
    place = draws.index("abroad", _FOREIGN)
    parts = [entry.split("|") for entry in _FOREIGN.values.to_pylist()]
    names_ = (
        columns.LINE_1,
        columns.CITY,
        columns.STATE,
        columns.ZIP,
        columns.COUNTRY,
        columns.PHONE,
    )
    for position, name in enumerate(names_):
        values[name] = where(foreign, lookup([p[position] for p in parts], place), values[name])
    for name in (columns.LINE_2, columns.FAX):
        values[name] = where(foreign, "", values[name])


def _sites(draws: Draws, rows: Rows) -> Rows:
    """Site of each row: about half work in shared sites of their block of 4,096 rows."""
    shared = (rows >> np.uint64(12)) * np.uint64(340) + draws.below("site", 340).astype(np.uint64)
    alone = rows + np.uint64(1 << 40)
    return np.where(draws.share("shares a site") < 0.55, shared, alone)


class Traits(NamedTuple):
    """See People."""

    licensed: Bools
    two: Bools
    signed: Bools
    civil: Bools


def individual_columns(
    seed: int, rows: Rows, as_of: date, foreign: Bools, reactivated: Bools
) -> tuple[Columns, Traits]:
    """The rows as people, and what may be planted in them."""
    draws = Draws(seed, rows)
    profession = professions.professions(draws)
    share = np.array([p.women for p in professions.PROFESSIONS])[profession]
    women = draws.share("sex") < share
    at_practice, city = addresses.practice(seed, _sites(draws, rows))
    state = addresses.license_states(city)
    values = _names(draws, women)
    values |= {
        columns.PREFIX: _titles(draws, women, profession),
        columns.CREDENTIAL: professions.credentials(draws, profession),
    }
    values |= at_practice | addresses.mailing(seed, rows, city, at_practice)
    values |= _dates(draws, as_of, reactivated)
    practised, two = _practice(draws, rows, profession, state)
    values |= practised
    values |= _other_identifiers(draws, state)
    sole = Weighted(["N", "Y"], [74, 26])
    values[columns.SOLE_PROPRIETOR] = draws.text("sole proprietor", sole)
    _abroad(values, draws, foreign)
    return values, Traits(
        licensed=~two & professions.licensed(profession, professions.ALWAYS),
        two=two,
        signed=professions.licensed(profession, professions.ALWAYS),
        civil=addresses.in_roomy_state(city),
    )


def kinds(seed: int, rows: Rows) -> Ints:
    """PERSON, COMPANY or GONE (a deactivated NPI), one a row."""
    return Draws(seed, rows).index("kind", _KINDS)


def build(seed: int, rows: Rows, as_of: date, *, only_individuals: bool = False) -> People:
    """The given rows of the seed's world, all clean, with dates up to the day before ``as_of``."""
    draws = Draws(seed, rows)
    kind = kinds(seed, rows)
    person, company = kind == PERSON, kind == COMPANY
    if only_individuals:
        person, company = np.ones_like(person), np.zeros_like(company)
    foreign = person & (draws.share("foreign") < 0.002)
    reactivated = person & (draws.share("was deactivated") < 0.003)
    values, traits = individual_columns(seed, rows, as_of, foreign, reactivated)
    companies = organization_columns(draws, values)
    gone = lookup(_days(FIRST_DAY, as_of), draws.below("gone", (as_of - FIRST_DAY).days))
    merged = {}
    for name in {**values, **companies}:
        merged[name] = where(person, values.get(name, ""), where(company, companies.get(name, "")))
    merged[columns.NPI] = npi_numbers(seed, rows)
    merged[columns.REPLACEMENT_NPI] = pa.array([""] * len(rows), pa.string())
    merged[columns.ENTITY_TYPE] = where(
        person, "1", where(company, lookup(["2"], np.zeros(len(rows), dtype=np.int64)))
    )
    neither = ~(person | company)
    merged[columns.DEACTIVATED] = where(neither, gone, merged[columns.DEACTIVATED])
    plain = person & ~foreign & ~reactivated
    return People(merged, person, plain, *(person & trait for trait in traits))
