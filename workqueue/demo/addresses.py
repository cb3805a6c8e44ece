"""Places of business: an address with its telephone, a function of a site number.

Colleagues who share a site share street, telephone and fax, as they do in the published file.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workqueue.demo.columns import MAILING, PRACTICE
from workqueue.demo.draws import Bools, Draws, Ints, Rows, Weighted, digits, joined, lookup, where
from workqueue.demo.places import CITIES, MILITARY

Columns = dict[str, pa.Array]

_EVERY = CITIES + MILITARY
STATES = sorted({city.state for city in _EVERY})
_CITY = Weighted([city.name for city in CITIES], [city.weight for city in CITIES])
_MILITARY = Weighted([city.state for city in MILITARY], [city.weight for city in MILITARY])
_STATE_OF = np.array([STATES.index(city.state) for city in _EVERY])
_ZIPS = [code for city in _EVERY for code in city.zips]
_ZIP_COUNT = np.array([len(city.zips) for city in _EVERY])
_ZIP_START = np.cumsum(_ZIP_COUNT) - _ZIP_COUNT
_AREAS = [code for city in _EVERY for code in city.area_codes]
_AREA_COUNT = np.array([len(city.area_codes) for city in _EVERY])
_AREA_START = np.cumsum(_AREA_COUNT) - _AREA_COUNT
# North American Numbering Plan: an exchange begins with 2-9 and is no service code (N11). 555 is
# left out altogether, so that no clean number comes near the ones reserved for fiction.
_EXCHANGES = [str(n) for n in range(200, 1000) if n % 100 != 11 and n != 555]

_STREETS = Weighted(
    """MAIN|PARK|MEDICAL CENTER|OAK|MAPLE|WASHINGTON|2ND|HOSPITAL|LAKE|BROADWAY|CEDAR|HILL|ELM|3RD|
UNIVERSITY|PINE|CENTER|JEFFERSON|1ST|MARKET|HIGHLAND|CHURCH|LINCOLN|FRANKLIN|JACKSON|CENTRAL|MADISON|
STATE|RIVER|CHESTNUT|WALNUT|5TH|SPRING|HEALTH PARK|COLLEGE|VALLEY|SUNSET|MILL|PROSPECT|COUNTY LINE|
COMMERCE|SAINT CHARLES|JOHNSON|WILSON|OLD MILL|GRAND|FOREST|PROFESSIONAL|UNION|RIDGE|DELAWARE|ADAMS|
COLUMBIA|MERIDIAN|BAY|HARRISON|CYPRESS|BUSINESS PARK|VICTORY|MONROE|NORTHSIDE|MARTIN LUTHER KING JR|
PEACHTREE|SHERMAN|LIBERTY|CANYON|RANCH|HERITAGE|STONE|CLINIC|VETERANS|WOODLAND|AIRPORT|12TH|42ND|
72ND|110TH|CRESTVIEW|EAGLE|PLEASANT|WILLOW|SYCAMORE|MAGNOLIA|GARDEN|HARBOR|BEACON|CLAY|HIGH|PEARL|
""".replace("\n", "")
    .strip("|")
    .split("|")
)
_TYPES = Weighted(
    ["ST", "AVE", "RD", "DR", "BLVD", "LN", "WAY", "CT", "PKWY", "PL", "HWY", "CIR", "PIKE"],
    [24, 21, 14, 13, 10, 4, 4, 2, 3, 2, 2, 1, 1],
)
_DIRECTIONS = Weighted(["", "N ", "S ", "E ", "W ", "NW ", "SE "], [70, 8, 7, 6, 6, 2, 1])
_UNITS = Weighted(["STE ", "SUITE ", "#", "UNIT ", "FL ", "RM "], [58, 26, 5, 5, 4, 2])
_LETTERS = Weighted(["", "A", "B", "C", "D"], [86, 6, 4, 2, 2])
# Streets that only look like a post office box, and numbered rural and military boxes, which are
# where a practice really stands.
_NEAR_MISSES = Weighted(
    ["BOXWOOD LN", "POBLANO ST", "POST OFFICE RD", "BOX ELDER DR", "BOXFORD CT", "POBEDA WAY"]
)
_RURAL = Weighted(["RR 2 BOX ", "HC 64 BOX ", "RR 1 BOX "])
_MILITARY_UNITS = Weighted(["PSC 3 BOX ", "CMR 467 BOX ", "UNIT 45013 BOX "])


def cities(draws: Draws) -> Ints:
    """The city of each site; one in 500 is a military post office."""
    civil = draws.index("city", _CITY)
    military = len(CITIES) + draws.index("military", _MILITARY)
    return np.where(draws.share("is military") < 0.002, military, civil)


def states(city: Ints) -> Ints:
    """Positions in STATES of the states in which the cities lie."""
    return np.asarray(_STATE_OF[city], dtype=np.int64)


def in_roomy_state(city: Ints) -> Bools:
    """Whether the state of each row's city has further cities here, whose ZIPs could be taken."""
    several = np.bincount(_STATE_OF[: len(CITIES)], minlength=len(STATES)) > 1
    return np.asarray((city < len(CITIES)) & several[states(city)], dtype=np.bool_)


def license_states(city: Ints) -> Ints:
    """Positions in STATES of the licensing states.

    They are those of ``states``, but staff of a military post office are licensed at home (Texas).
    """
    return np.where(city < len(CITIES), states(city), STATES.index("TX"))


def _street(draws: Draws, city: Ints) -> pa.Array:
    number = draws.below("house size", 4)
    number = draws.below("house", np.array([90, 900, 9000, 900])[number]) + 10
    box = digits(draws.below("box", 2400) + 1)
    line = joined(
        digits(number),
        " ",
        draws.text("direction", _DIRECTIONS),
        draws.text("street", _STREETS),
        " ",
        draws.text("street type", _TYPES),
    )
    chance = draws.share("street form")
    near_miss = joined(digits(number), " ", draws.text("near miss", _NEAR_MISSES))
    line = where(chance < 0.003, near_miss, line)
    line = where(chance > 0.9985, joined(draws.text("rural", _RURAL), box), line)
    military = joined(draws.text("military unit", _MILITARY_UNITS), box)
    return where(city >= len(CITIES), military, line)


def _phone(draws: Draws, city: Ints, field: str) -> pa.Array:
    area = _AREA_START[city] + draws.below(field + " area", _AREA_COUNT[city])
    exchange = lookup(_EXCHANGES, draws.below(field + " exchange", len(_EXCHANGES)))
    return joined(lookup(_AREAS, area), exchange, digits(draws.below(field, 10_000), 4))


def _units(draws: Draws, city: Ints) -> pa.Array:
    number = digits((draws.below("floor", 9) + 1) * 100 + draws.below("door", 20))
    unit = joined(draws.text("unit", _UNITS), number, draws.text("unit letter", _LETTERS))
    return where((draws.share("has unit") < 0.42) & (city < len(CITIES)), unit, "")


def _located(seed: int, site: Rows, city: Ints, names: tuple[str, ...]) -> Columns:
    draws = Draws(seed, site)
    phone = _phone(draws, city, "phone")
    fax = _phone(draws, city, "fax")
    has_fax = (draws.share("has fax") < 0.8) & pc.not_equal(phone, fax).to_numpy(False)
    code = lookup(_ZIPS, _ZIP_START[city] + draws.below("zip", _ZIP_COUNT[city]))
    extension = digits(draws.below("zip extension", 9998) + 1, 4)
    values = (
        _street(draws, city),
        _units(draws, city),
        lookup([place.name for place in _EVERY], city),
        lookup(STATES, states(city)),
        where(draws.share("long zip") < 0.8, joined(code, extension), code),
        lookup(["US"], np.zeros(len(city), dtype=np.int64)),
        phone,
        where(has_fax, fax, ""),
    )
    return dict(zip(names, values, strict=True))


def practice(seed: int, site: Rows) -> tuple[Columns, Ints]:
    """Practice columns of the sites, and the city of each (a position for ``states``)."""
    city = cities(Draws(seed, site))
    return _located(seed, site, city, PRACTICE), city


def mailing(seed: int, rows: Rows, city: Ints, at_practice: Columns) -> Columns:
    """Mailing columns: mostly the practice, else a box or an office in the same city.

    A box is no defect here: mail may go to one.
    """
    draws = Draws(seed, rows)
    office = _located(seed, rows + np.uint64(1 << 50), city, MAILING)
    form = draws.share("mailing form")
    box = joined("PO BOX ", digits(draws.below("mail box", 9_990) + 10))
    has_box = (form > 0.86) & (city < len(CITIES))
    office[MAILING[0]] = where(has_box, box, office[MAILING[0]])
    office[MAILING[1]] = where(has_box, "", office[MAILING[1]])
    same = form < 0.62
    columns = {
        there: where(same, at_practice[here], office[there])
        for here, there in zip(PRACTICE, MAILING, strict=True)
    }
    columns[MAILING[6]] = where(draws.share("no mailing phone") < 0.05, "", columns[MAILING[6]])
    return columns
