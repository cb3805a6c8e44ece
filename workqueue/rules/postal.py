"""What the postal service says of a ZIP code: its state, its city, and what else people call it.

From the `zipcodes` package, which holds the 42,789 codes of the United States Postal Service. A
full run loads all of them, in half a second and some 100 MB; the re-check of one record asks for
the few that it needs, so that the web process does not carry them. Both get the same answers.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

_WORD: Final = re.compile(r"[A-Z]+")
_FULL: Final = {
    "ST": "SAINT",
    "STE": "SAINTE",
    "MT": "MOUNT",
    "MTN": "MOUNTAIN",
    "FT": "FORT",
    "N": "NORTH",
    "E": "EAST",
    "S": "SOUTH",
    "W": "WEST",
    "PT": "POINT",
    "PRT": "PORT",
    "HTS": "HEIGHTS",
    "HGTS": "HEIGHTS",
    "SPG": "SPRINGS",
    "SPGS": "SPRINGS",
    "TWP": "TOWNSHIP",
    "BCH": "BEACH",
    "PK": "PARK",
    "LK": "LAKE",
    "LKS": "LAKES",
    "VLG": "VILLAGE",
    "CY": "CITY",
    "CTR": "CENTER",
    "HBR": "HARBOR",
    "IS": "ISLAND",
    "JCT": "JUNCTION",
    "HLS": "HILLS",
}
# PONTE VEDRA is PONTE VEDRA BEACH; of a shorter name, as of LAKE CITY, nobody could say.
_TELLING: Final = 6


class Place(NamedTuple):
    """Where a ZIP code is. `city` is in capitals; `names` are all its names, as `spelt`."""

    state: str
    city: str
    names: frozenset[str]


@lru_cache(16_384)
def spelt(city: str) -> str:
    """The name of a city in capitals, without marks, its usual short forms written out."""
    words = _WORD.findall(city.upper().replace("'", ""))
    return " ".join(_FULL.get(word, word) for word in words)


def letters(city: str) -> str:
    """The same without blanks: DESOTO and DE SOTO are one."""
    return spelt(city).replace(" ", "")


def load() -> None:
    """Load every ZIP code at once; without it each is asked for when it is needed."""
    _all()


def place(code: str) -> Place | None:
    """Where the ZIP code with these first five digits is; None where there is no such code."""
    if _all.cache_info().currsize:
        return _all().get(code)
    return _one(code)


def is_in(code: str, city: str) -> bool | None:
    """True where people may call the place of ZIP `code` by `city`; None for an unknown code."""
    found = place(code)
    if found is None:
        return None
    called = spelt(city)
    return not called or any(_same(called, name) for name in found.names)


def only_code(city: str, state: str) -> str | None:
    """The ZIP code of a city that has only one with street delivery, else None."""
    return _only_codes(state.upper()).get(letters(city))


def is_city(city: str, state: str) -> bool:
    """True where the state has a city of that name."""
    return letters(city) in _cities(state.upper())


def _same(one: str, other: str) -> bool:
    if one.replace(" ", "") == other.replace(" ", ""):
        return True
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _TELLING and longer.startswith(f"{shorter} ")


def _entry(told: dict[str, Any]) -> Place:
    called = (told["city"], *told["acceptable_cities"], *told["unacceptable_cities"])
    names = frozenset(spelt(name) for name in called)
    return Place(told["state"], str(told["city"]).upper(), names)


def _package() -> Any:
    # Reading the codes costs time and memory that a process without a check of them should not pay.
    import zipcodes  # noqa: PLC0415

    return zipcodes


@cache
def _all() -> dict[str, Place]:
    return {told["zip_code"]: _entry(told) for told in _package().list_all()}


@lru_cache(4096)
def _one(code: str) -> Place | None:
    if not re.fullmatch("[0-9]{5}", code):
        return None
    found = _package().matching(code)
    return _entry(found[0]) if found else None


@lru_cache(64)
def _cities(state: str) -> frozenset[str]:
    told = (_entry(one) for one in _package().filter_by(state=state))
    return frozenset(name.replace(" ", "") for place_ in told for name in place_.names)


@lru_cache(64)
def _only_codes(state: str) -> dict[str, str | None]:
    codes: dict[str, str | None] = {}
    for told in _package().filter_by(state=state):
        if told["active"] and told["zip_code_type"] == "STANDARD":
            name = letters(told["city"])
            codes[name] = told["zip_code"] if name not in codes else None
    return codes
