"""What providers do: taxonomy codes, credentials and licence numbers.

Codes are from the public Health Care Provider Taxonomy code set. A profession whose licence is
``always`` needs one under every list in use; ``usual`` ones carry a licence on every clean row and
are never planted with a missing one, because lists differ on them; ``never`` ones need none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from workqueue.demo.draws import Bools, Draws, Ints, Weighted, digits, joined, lookup, where

ALWAYS, USUAL, NEVER = "always", "usual", "never"


class Profession(NamedTuple):
    """One profession: how common, who, and how its members sign and are licensed."""

    weight: int
    women: float
    doctor: bool
    license: str
    license_prefix: str
    credentials: str
    codes: str


PROFESSIONS = (
    Profession(
        380,
        0.38,
        True,
        ALWAYS,
        "ME",
        "M.D.|MD|M.D.|MD|D.O.|DO|MD, MPH|M.D., PH.D.",
        """207R00000X 207Q00000X 208000000X 207P00000X 207V00000X 2084P0800X 207L00000X 208M00000X
        2085R0202X 208600000X 207RC0000X 207X00000X 207W00000X 207N00000X 207RG0100X 2084N0400X
        207RP1001X 207RH0003X 207RN0300X 207Y00000X 208800000X 208100000X 207ZP0102X 207T00000X
        207RE0101X 207RI0200X 207RR0500X 207K00000X 208D00000X 2086S0129X 208200000X 208G00000X
        2080N0001X 207QS0010X 207RG0300X 2085R0001X 208C00000X 2080P0206X""",
    ),
    Profession(
        230,
        0.86,
        False,
        ALWAYS,
        "RN",
        "RN|R.N.|FNP-C|APRN|NP|CRNA|FNP|BSN, RN|ARNP|FNP-BC|CNM",
        """363LF0000X 163W00000X 363L00000X 367500000X 364S00000X 163WP0808X 363LA2200X 363LP0808X
        163WM0705X 364SP0808X 363LP0200X 163WG0000X 363LA2100X 163WH0200X 363LX0001X""",
    ),
    Profession(
        85,
        0.34,
        True,
        ALWAYS,
        "DN",
        "DDS|D.D.S.|DMD|D.M.D.",
        """122300000X 1223G0001X 1223P0221X 1223X0400X 1223S0112X 1223E0200X 1223P0300X 1223D0001X
        1223P0700X""",
    ),
    Profession(
        70,
        0.60,
        False,
        ALWAYS,
        "PS",
        "PHARMD|PHARM.D.|RPH|R.PH.|PHARMD, BCPS",
        "183500000X 1835P1200X 1835P0018X 1835G0303X 1835X0200X 1835N1003X",
    ),
    Profession(
        60,
        0.68,
        True,
        USUAL,
        "PY",
        "PH.D.|PSY.D.|PHD|PSYD|ED.D.",
        "103TC0700X 103T00000X 103TC2200X 103TS0200X 103G00000X 103TC1900X",
    ),
    Profession(
        75,
        0.85,
        False,
        USUAL,
        "SW",
        "LCSW|LMSW|L.C.S.W.|MSW|LICSW",
        "1041C0700X 104100000X 1041S0200X",
    ),
    Profession(
        70,
        0.76,
        False,
        USUAL,
        "LC",
        "LPC|LMHC|LPCC|M.A.|LMFT|NCC",
        "101YM0800X 101YP2500X 101YA0400X 106H00000X",
    ),
    Profession(
        65,
        0.68,
        False,
        USUAL,
        "PT",
        "PT|P.T.|DPT|PT, DPT|MPT",
        "225100000X 2251X0800X 2251P0200X 2251S0007X 2251G0304X",
    ),
    Profession(
        35,
        0.90,
        False,
        USUAL,
        "OT",
        "OTR/L|OT|OTR|MOT, OTR/L",
        "225X00000X 225XP0200X 225XH1200X",
    ),
    Profession(
        35, 0.95, False, USUAL, "SA", "CCC-SLP|M.S., CCC-SLP|SLP|AU.D.", "235Z00000X 231H00000X"
    ),
    Profession(
        45,
        0.66,
        False,
        USUAL,
        "PA",
        "PA-C|PA|P.A.-C.|PAC",
        "363A00000X 363AM0700X 363AS0400X",
    ),
    Profession(
        40, 0.28, True, ALWAYS, "CH", "D.C.|DC", "111N00000X 111NS0005X 111NR0400X 111NN0400X"
    ),
    Profession(30, 0.46, True, ALWAYS, "OP", "O.D.|OD", "152W00000X 152WC0802X 152WP0200X"),
    Profession(14, 0.30, True, ALWAYS, "PO", "D.P.M.|DPM", "213E00000X 213ES0103X 213ES0131X"),
    Profession(15, 0.90, False, USUAL, "DT", "RD|R.D.|RDN, LD|RDN", "133V00000X 133N00000X"),
    Profession(45, 0.52, False, NEVER, "", "|||MS4|RESIDENT", "390200000X"),
    Profession(
        55,
        0.84,
        False,
        NEVER,
        "",
        "||||CHES|CHW|CPS|BS",
        "171M00000X 172V00000X 174H00000X 175T00000X 374U00000X 374J00000X 372600000X 376J00000X",
    ),
)

_PROFESSION = Weighted([p.license_prefix for p in PROFESSIONS], [p.weight for p in PROFESSIONS])
_CODES = [Weighted(p.codes.split()) for p in PROFESSIONS]
_CREDENTIALS = [Weighted(p.credentials.split("|")) for p in PROFESSIONS]
_ALL_CODES = pa.concat_arrays([table.values for table in _CODES])
_FIRST_CODE = np.cumsum([0] + [len(table.values) for table in _CODES[:-1]])

# How states write a licence: letters of the profession in front or not, width, what follows.
_STATE_FORMS = {
    "FL": (True, 0, ""),
    "TN": (True, 0, ""),
    "PA": (True, 6, "L"),
    "MI": (False, 10, ""),
    "NY": (False, 6, "-1"),
    "NJ": (True, 8, "00"),
    "OH": (True, 6, ""),
    "NC": (False, 7, ""),
    "VA": (False, 10, ""),
    "UT": (False, 7, "-1205"),
    "WA": (True, 8, ""),
    "WI": (False, 0, "-20"),
    "IL": (False, 9, ""),
    "LA": (True, 6, ""),
    "MD": (True, 7, ""),
    "HI": (True, 0, ""),
    "DC": (True, 9, ""),
    "CT": (False, 6, ""),
    "MA": (True, 0, ""),
}
_PLAIN = (False, 0, "")


def professions(draws: Draws) -> Ints:
    """Position in PROFESSIONS, one a row."""
    return draws.index("profession", _PROFESSION)


def code_positions(draws: Draws, profession: Ints, field: str) -> Ints:
    """A code of each row's profession, as a position among all codes (see ``codes``)."""
    position = np.zeros(len(profession), dtype=np.int64)
    for number, table in enumerate(_CODES):
        drawn = _FIRST_CODE[number] + draws.index(field, table)
        position = np.where(profession == number, drawn, position)
    return position


def codes(positions: Ints) -> pa.Array:
    """Taxonomy codes at the positions that ``code_positions`` gives."""
    return _ALL_CODES.take(pa.array(positions))


def credentials(draws: Draws, profession: Ints) -> pa.Array:
    """Credentials in the spellings that providers use; none where none goes with the work."""
    position = np.zeros(len(profession), dtype=np.int64)
    start = 0
    for number, table in enumerate(_CREDENTIALS):
        drawn = start + draws.index("credential", table)
        position = np.where(profession == number, drawn, position)
        start += len(table.values)
    return pa.concat_arrays([table.values for table in _CREDENTIALS]).take(pa.array(position))


def licensed(profession: Ints, *kinds: str) -> Bools:
    """Whether each row's profession has one of the kinds of licence (ALWAYS, USUAL, NEVER)."""
    table = np.array([p.license in kinds for p in PROFESSIONS])
    return np.asarray(table[profession], dtype=np.bool_)


def license_numbers(serial: Ints, states: list[str], state: Ints, profession: Ints) -> pa.Array:
    """Licence numbers in the form of each row's state; distinct serials never share a number.

    ``state`` holds positions in ``states``, ``serial`` whole numbers of at least 10,000.
    """
    forms = [_STATE_FORMS.get(name, _PLAIN) for name in states]
    lettered = np.array([form[0] for form in forms])[state]
    width = np.array([form[1] for form in forms])[state]
    length = np.floor(np.log10(serial)).astype(np.int64) + 1
    zeros = lookup(["0" * count for count in range(12)], np.clip(width - length, 0, 11))
    letters = where(lettered, lookup([p.license_prefix for p in PROFESSIONS], profession), "")
    ends = lookup([form[2] for form in forms], state)
    return joined(letters, zeros, digits(serial), ends)
