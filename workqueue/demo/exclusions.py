"""A list of excluded people in the form of the OIG's LEIE, about people of the file and others."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random

from workqueue.demo import columns
from workqueue.demo.groups import GroupPlanter
from workqueue.demo.planting import Planting

EXCLUDED = "EXCLUDED_LEIE"
HEADER = (
    *("LASTNAME", "FIRSTNAME", "MIDNAME", "BUSNAME", "GENERAL", "SPECIALTY", "UPIN", "NPI", "DOB"),
    *("ADDRESS", "CITY", "STATE", "ZIP", "EXCLTYPE", "EXCLDATE", "REINDATE", "WAIVERDATE"),
    "WVRSTATE",
)
NO_NPI = "0000000000"
_NOT_YET = "00000000"
_SYLLABLES = "VA RO LI MU KE TA SO NI PE DU GA BRI ZO HE WI CO"
_TYPES = ("1128a1", "1128a2", "1128a3", "1128b4", "1128b14", "1128b7")

Lines = list[tuple[str, ...]]


def rare_surname(number: int) -> str:
    """A surname that nobody else has: the number in syllables."""
    syllables = _SYLLABLES.split()
    text = ""
    while number:
        number, rest = divmod(number, len(syllables))
        text = syllables[rest] + text
    return f"{text}SKY"


def plant_excluded(here: Planting, groups: GroupPlanter, rows: list[int]) -> Lines:
    """Exclude the people of the rows, half of them by name only; the lines of the list.

    Some who are not excluded stand on it too: reinstated people, and bearers of an excluded
    person's name in another state.
    """
    sheet, rng = here.sheet, here.rng
    by_name = [row for row in rows if rng.random() < 0.4]
    others = groups.spare((len(rows) + 1) // 2)
    reinstated = others[::2]
    elsewhere = others[1::2]
    renamed = [*by_name, *elsewhere]
    names = [rare_surname(sheet.first_line + row) for row in renamed]
    sheet.put(columns.LAST_NAME, renamed, names)
    unnumbered = set(by_name)
    lines = []
    for row in rows:
        sheet.found(row, EXCLUDED)
        lines.append(_line(sheet.records([row])[0], rng, npi=row not in unnumbered))
    for row in reinstated:
        sheet.seems(row, "reinstated after an exclusion")
        lines.append(_line(sheet.records([row])[0], rng, npi=True, back="20210415"))
    for row in elsewhere:
        sheet.seems(row, "name of an excluded person of another state")
        record = sheet.records([row])[0]
        taken = {record[columns.STATE], record["Provider Business Mailing Address State Name"]}
        state = rng.choice([one for one in ("WY", "VT", "DE", "ME") if one not in taken])
        lines.append(_line({**record, columns.STATE: state}, rng, npi=False))
    return lines


def _line(
    record: dict[str, str], rng: Random, *, npi: bool, back: str = _NOT_YET
) -> tuple[str, ...]:
    names = (columns.LAST_NAME, columns.FIRST_NAME, columns.MIDDLE_NAME)
    born = f"19{rng.randrange(40, 95)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    began = f"20{rng.randrange(10, 25)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    return (
        *(record[name] for name in names),
        *("", "INDIVIDUAL", "HEALTH CARE", "", record[columns.NPI] if npi else NO_NPI, born),
        *(f"{rng.randrange(10, 999)} OLD ADDRESS RD", record[columns.CITY]),
        *(record[columns.STATE], record[columns.ZIP][:5], rng.choice(_TYPES), began, back),
        *(_NOT_YET, ""),
    )


def strangers(rng: Random, count: int) -> Lines:
    """Lines about organisations and people who are in no file."""
    lines: Lines = []
    for number in range(count):
        business = f"{rare_surname(number + 40)} MEDICAL SUPPLY INC" if number % 3 == 0 else ""
        last = "" if business else f"{rare_surname(number + 40)}A"
        first = "" if business else rng.choice(("IGOR", "LENA", "OTTO"))
        lines.append(
            (
                *(last, first, "", business, "OTHER BUSINESS", "", "", NO_NPI, ""),
                *("1 GONE ST", "MIAMI", "FL", "33122", "1128a1", "20190520", _NOT_YET),
                *(_NOT_YET, ""),
            )
        )
    return lines


def write_exclusions(path: Path, lines: Lines) -> None:
    """Write the list."""
    with path.open("w", newline="", encoding="ascii") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(lines)
