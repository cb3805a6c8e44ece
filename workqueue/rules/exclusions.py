"""Whether a record is of a person whom the OIG excludes from federal health programs.

An exclusion with an NPI speaks of that NPI only. Most of the older ones have none: they are matched
by last and first name and a state of an address, where neither the middle name nor anything else
says that it is somebody else. Such a match is for a person to judge, and says what agreed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from workqueue.rules.references import LEIE, Detail, References, name_key, npi_key

BY_NPI: Final = "the NPI"
BY_NAME: Final = "name and state"
BY_FULL_NAME: Final = "full name and state"


class Match(NamedTuple):
    """What agreed, and the exclusion in words: since when, on what ground, from where."""

    by: str
    said: str


def match(references: References, row: Mapping[str, Any]) -> Match | None:
    """The exclusion that fits the record best, or None."""
    found = references.entry(LEIE, npi_key(row.get("npi") or ""))
    if found is not None:
        return Match(BY_NPI, _said(found["rows"][0]))
    last, first = row.get("last_name"), row.get("first_name")
    if not last or not first:
        return None
    named = references.entry(LEIE, name_key(last, first))
    states = {row.get("practice_state"), row.get("mailing_state")} - {None}
    middle = (row.get("middle_name") or "").upper().rstrip(".")
    fitting = [
        (_middles_agree(middle, one["middle"]), one)
        for one in (named or {}).get("rows", ())
        if one["state"] in states
    ]
    for wanted, by in ((True, BY_FULL_NAME), (None, BY_NAME)):
        for agrees, one in fitting:
            if agrees is wanted:
                return Match(by, _said(one))
    return None


def _middles_agree(one: str, other: str) -> bool | None:
    """None where one of them has no middle name; an initial agrees with a name it begins."""
    if not one or not other:
        return None
    return one.startswith(other) or other.startswith(one)


def _said(one: Detail) -> str:
    where = ", ".join(part for part in (one["city"], one["state"]) if part)
    work = f", {one['specialty'].lower()}" if one["specialty"] else ""
    waived = f", waived in {one['waived']}" if one["waived"] else ""
    return f"{one['name']} of {where}{work}; since {one['since']}, section {one['ground']}{waived}"
