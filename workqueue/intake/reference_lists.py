"""What each reference list says, as entries by key."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from workqueue.errors import BadInput
from workqueue.intake.reference_rows import rows
from workqueue.rules.references import LEIE, LICENCE_REQUIRED, TAXONOMY, name_key, npi_key
from workqueue.values import valid_npi

Entries = dict[str, dict[str, Any]]

_YES: Final = frozenset({"true", "yes", "y", "1", "t"})
_NO: Final = frozenset({"false", "no", "n", "0", "f"})
_CODE: Final = re.compile("[0-9A-Z]{9}X")
# Both publishers write with a word processor's quotation marks.
_PUBLISHED_IN: Final = "windows-1252"
_ORGANISATIONS: Final = frozenset(
    {
        *("agencies", "ambulatory health care facilities", "group", "hospital units", "hospitals"),
        *("laboratories", "managed care organizations", "nursing & custodial care facilities"),
        *("residential treatment facilities", "respite care facility", "suppliers"),
        "transportation services",
    }
)
_INACTIVE: Final = re.compile(
    r"\b(?:inactive|deactivated)\b[,;:. -]*(?:use (?:value |code )?([0-9A-Z]{9}X))?", re.IGNORECASE
)


def _licence_required(path: Path) -> Entries:
    entries: Entries = {}
    for line, row in rows(path, ("code", "entity_type", "license_required")):
        code, entity, required = row["code"], row["entity_type"], row["license_required"]
        if entity.upper() not in {"I", "O"}:
            raise BadInput(f"{path.name}, line {line}: entity_type {entity!r} is neither I nor O.")
        if required.lower() not in _YES | _NO:
            raise BadInput(
                f"{path.name}, line {line}: license_required {required!r} is neither true nor "
                "false."
            )
        if not 1 <= len(code) <= 20:
            raise BadInput(f"{path.name}, line {line}: {code[:40]!r} is no taxonomy code.")
        if entity.upper() == "O":
            continue
        detail = {"required": required.lower() in _YES}
        if entries.setdefault(code.upper(), detail) != detail:
            raise BadInput(f"{path.name}, line {line}: code {code} is said both ways.")
    if not entries:
        raise BadInput(f"{path.name} lists no code of an individual (entity_type I).")
    return entries


def _taxonomy(path: Path) -> Entries:
    """The NUCC's list as its csv has it; a later line about a code replaces an earlier one."""
    entries: Entries = {}
    for line, row in rows(
        path,
        ("code", "grouping", "classification", "specialization"),
        optional=("section", "definition", "notes", "deactivation date"),
        encoding=_PUBLISHED_IN,
    ):
        code = row["code"].upper()
        if not _CODE.fullmatch(code):
            raise BadInput(
                f"{path.name}, line {line}: {row['code'][:40]!r} is no taxonomy code: ten "
                "characters, the last an X."
            )
        grouping, section = row["grouping"].casefold(), row["section"].casefold()
        whole = section.startswith("non-individual") if section else False
        detail: dict[str, Any] = {"individual": not whole and grouping not in _ORGANISATIONS}
        said = _INACTIVE.search(row["definition"]) or _INACTIVE.search(row["notes"])
        if row["deactivation date"]:
            detail["retired"] = _day(path, line, "Deactivation Date", row["deactivation date"])
        elif said:
            detail["retired"] = "the list calls it inactive"
        if said and said[1]:
            detail["successor"] = said[1].upper()
        entries[code] = detail
    if not entries:
        raise BadInput(f"{path.name} lists no taxonomy code.")
    return entries


def _leie(path: Path) -> Entries:
    """The OIG's list: those of it that are still excluded, by NPI, or else by name."""
    entries: Entries = {}
    for line, row in rows(
        path,
        ("lastname", "firstname", "npi", "state", "excltype", "excldate", "reindate"),
        optional=("midname", "busname", "general", "specialty", "city", "wvrstate"),
        encoding=_PUBLISHED_IN,
    ):
        npi = row["npi"].strip("0") and row["npi"]
        if npi and not valid_npi(npi):
            raise BadInput(f"{path.name}, line {line}: {npi[:20]!r} is no NPI.")
        since = _day(path, line, "EXCLDATE", row["excldate"])
        if row["reindate"].strip("0") or "DECEASED" in row["general"].upper():
            continue
        named = row["lastname"] and row["firstname"]
        if not npi and not named:
            continue
        key = npi_key(npi) if npi else name_key(row["lastname"], row["firstname"])
        names = (row["lastname"], row["firstname"], row["midname"])
        detail = {
            "name": " ".join(part for part in names if part) or row["busname"],
            "middle": row["midname"].upper(),
            "city": row["city"],
            "state": row["state"].upper(),
            "specialty": row["specialty"],
            "since": since,
            "ground": row["excltype"],
            "waived": row["wvrstate"].upper(),
        }
        entries.setdefault(key, {"rows": []})["rows"].append(detail)
    if not entries:
        raise BadInput(f"{path.name} lists nobody who is excluded.")
    return entries


def _day(path: Path, line: int, column: str, text: str) -> str:
    for form in ("%Y%m%d", "%m/%d/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a day
        except ValueError:
            continue
    raise BadInput(
        f"{path.name}, line {line}: {column} {text[:40]!r} is no date; write YYYYMMDD, MM/DD/YYYY "
        "or YYYY-MM-DD."
    )


READERS: Final = MappingProxyType[str, Callable[[Path], Entries]](
    {LICENCE_REQUIRED: _licence_required, TAXONOMY: _taxonomy, LEIE: _leie}
)
"""How each list is read, by its name."""
