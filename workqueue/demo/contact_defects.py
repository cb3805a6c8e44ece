"""Defects in addresses and faxes that look right one by one and cannot be right together."""

from __future__ import annotations

from workqueue.demo import columns
from workqueue.demo.places import CITIES, City
from workqueue.demo.planting import Planter, Planting, put_one_of

_BY_STATE: dict[str, list[City]] = {}
for _city in CITIES:
    _BY_STATE.setdefault(_city.state, []).append(_city)
# The post office delivers to both by the same ZIPs.
_NEIGHBOURS = {"BOSTON": "CAMBRIDGE", "CAMBRIDGE": "BOSTON", "DENVER": "AURORA", "AURORA": "DENVER"}
_ROOMY = sorted(state for state, cities in _BY_STATE.items() if len(cities) > 1)


def _address_suspicious(here: Planting, rows: list[int]) -> None:
    junk = ("NONE", "N/A", "UNKNOWN", "TEST", "TBD", "XXXX", "SAME AS ABOVE", "SAME", "NA")
    put_one_of(here, columns.LINE_1, rows, (*junk, "NO ADDRESS", "UNKNOWN ADDRESS", "..."))
    here.sheet.blank(rows, columns.LINE_2)


def _zip_state_mismatch(here: Planting, rows: list[int]) -> None:
    """A ZIP of another state, or a move of which only the state was entered."""
    moved = [row for row in rows if here.rng.random() < 0.4]
    others = set(moved)
    spoilt = [row for row in rows if row not in others]
    codes = []
    for row in spoilt:
        state = here.sheet.read(columns.STATE, row)
        city = here.rng.choice([city for city in CITIES if city.state != state])
        codes.append(here.rng.choice(city.zips))
    here.sheet.put(columns.ZIP, spoilt, codes)
    was = [here.sheet.read(columns.STATE, row) for row in moved]
    now = [here.rng.choice([state for state in _ROOMY if state != old]) for old in was]
    here.sheet.put(columns.STATE, moved, now)
    for slot in (1, 2):
        _, number, license_state, _ = columns.taxonomy_slot(slot)
        held = {
            row: state
            for row, state in zip(moved, now, strict=True)
            if here.sheet.read(number, row)
        }
        here.sheet.put(license_state, list(held), list(held.values()))


def _zip_city_mismatch(here: Planting, rows: list[int]) -> None:
    """The ZIP of another city of the same state."""
    codes = []
    for row in rows:
        state = here.sheet.read(columns.STATE, row)
        city = here.sheet.read(columns.CITY, row)
        near = _NEIGHBOURS.get(city)
        others = [one for one in _BY_STATE[state] if one.name not in {city, near}]
        other = here.rng.choice(others)
        codes.append(here.rng.choice(other.zips))
    here.sheet.put(columns.ZIP, rows, codes)


def _fax_invalid(here: Planting, rows: list[int]) -> None:
    def spoilt(phone: str) -> str:
        forms = (
            phone[:9],
            phone[:7],
            here.rng.choice("01") + phone[1:],
            here.rng.choice("0123456789") * 10,
            f"{phone[:3]}0{phone[4:]}",
            phone + "12",
        )
        return here.rng.choice(forms)

    here.sheet.put(columns.FAX, rows, [spoilt(here.sheet.read(columns.PHONE, row)) for row in rows])


def _fax_equals_phone(here: Planting, rows: list[int]) -> None:
    here.sheet.put(columns.FAX, rows, [here.sheet.read(columns.PHONE, row) for row in rows])


PLANTERS: dict[str, Planter] = {
    "ADDR_SUSPICIOUS": _address_suspicious,
    "ZIP_STATE_MISMATCH": _zip_state_mismatch,
    "ZIP_CITY_MISMATCH": _zip_city_mismatch,
    "FAX_INVALID": _fax_invalid,
    "FAX_EQUALS_PHONE": _fax_equals_phone,
}
