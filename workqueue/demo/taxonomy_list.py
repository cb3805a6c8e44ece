"""A list of taxonomy codes in the form of the NUCC's, with words of our own.

The codes are those that the generator uses. The texts are made up: the NUCC's own are theirs.
"""

from __future__ import annotations

import csv
from pathlib import Path

from workqueue.demo.professions import PROFESSIONS

HEADER = (
    "Code",
    "Grouping",
    "Classification",
    "Specialization",
    "Definition",
    "Effective Date",
    "Deactivation Date",
    "Notes",
    "Display Name",
    "Section",
)

ORGANIZATIONS = (
    "261QP2300X",
    "261QD0000X",
    "3336C0003X",
    "251E00000X",
    "282N00000X",
    "261QM1300X",
    "251S00000X",
    "332B00000X",
    "302R00000X",
    "193200000X",
)

# By the first characters of the code that a person had before.
_RETIRED = {
    "20": "207QZ0101X",
    "122": "1223Z0102X",
    "163": "163WZ0103X",
    "363": "363LZ0104X",
    "364": "364SZ0105X",
    "367": "363LZ0104X",
    "183": "1835Z0106X",
    "111": "111NZ0107X",
    "152": "152WZ0108X",
    "213": "213EZ0109X",
}


def retired_for(code: str) -> str:
    """A retired code of the same profession."""
    return next(old for start, old in _RETIRED.items() if code.startswith(start))


def write_taxonomy_list(path: Path) -> int:
    """Write the list to ``path`` and return how many codes it has."""
    current = sorted({code for each in PROFESSIONS for code in each.codes.split()})
    lines = [_line(code, "Individual", "") for code in current]
    lines += [_line(code, "Individual", "07/01/2014") for code in sorted(set(_RETIRED.values()))]
    lines += [_line(code, "Non-Individual", "") for code in sorted(ORGANIZATIONS)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(lines)
    return len(lines)


def _line(code: str, section: str, ended: str) -> tuple[str, ...]:
    kind = "Group" if code.startswith("193") else "People" if section == "Individual" else "Places"
    name = f"Profession {code[:4]}"
    special = f"Speciality {code[4:9]}"
    said = f"A made-up description of {code}."
    grouping = f"{kind} of type {code[:2]}"
    return (
        *(code, grouping, name, special, said, "01/01/2005", ended, ""),
        *(f"{name}, {special}", section),
    )
