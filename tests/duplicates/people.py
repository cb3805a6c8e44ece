"""People for the tests of duplicates: twelve who have nothing in common, and second records."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

from sqlalchemy import text

from tests.conftest import LOCAL
from tests.detection.records import TODAY, Seen, clean, items
from workqueue.database import Database
from workqueue.detection import DetectReport, detect

_NAMES = (
    *("ABERNATHY WINIFRED", "BLOOMQUIST THADDEUS", "CASTELLANOS XIOMARA", "DRINKWATER OSWALD"),
    *("EICHELBERGER RUTH", "FEATHERSTONE GIDEON", "GOLDSBOROUGH IMOGEN", "HOLLINGSHEAD BRAM"),
    *("IVANOVSKAYA LUDMILA", "JABLONSKI KASIMIR", "KINGSOLVER BEATRIX", "LOVELLETTE AMBROSE"),
)
_forms = itertools.count(1)
_STATES = ("OR", "TX", "NY", "GA", "IL", "WA", "FL", "OH", "PA", "MN", "AZ", "CO")


def person(number: int, **values: Any) -> dict[str, Any]:
    """Person `number` of twelve, each of another name, place, profession and licence."""
    last, first = _NAMES[number].split()
    return (
        clean(
            last_name=last,
            first_name=first,
            middle_name="QRSTUVWXYZJK"[number],
            practice_address_1=f"{100 + 7 * number} {_NAMES[(number + 5) % 12].split()[0]} AVE",
            practice_state=_STATES[number],
            practice_zip=f"{10_000 + 7_001 * number}",
            practice_phone=f"{212 + number}555{2000 + 37 * number}",
            enumeration_date=date(2007 + number, 1 + number, 3 + number),
            taxonomy_code_1=("207Q00000X", "225100000X", "1223G0001X", "163W00000X")[number % 4],
            license_number_1=f"A{551_000 + 91 * number}",
            license_state_1=_STATES[number],
        )
        | values
    )


def again(number: int, **values: Any) -> dict[str, Any]:
    """Another record of the same person, with an NPI of its own and another enumeration."""
    # The licence in a form of its own: LICENSE_SHARED, which takes it as it stands, keeps out.
    licence = f"A{'-' * next(_forms)}{551_000 + 91 * number}"
    return person(number, enumeration_date=date(2019, 4, 9), license_number_1=licence) | values


def search(database: Database) -> DetectReport:
    """Detect with duplicates."""
    report = detect(database, actor=LOCAL, as_of=TODAY)
    assert report.failed == {}
    return report


def found(database: Database) -> list[Seen]:
    """The items about duplicates, of both rules, oldest first."""
    both = items(database, "DUPLICATE_LIKELY") + items(database, "DUPLICATE_POSSIBLE")
    return sorted(both, key=lambda item: item.id)


def fingerprint(database: Database, item_id: int) -> str:
    """What an item is recognised by."""
    with database.transaction() as session:
        told: str = session.execute(
            text("SELECT fingerprint FROM work_items WHERE id = :id"), {"id": item_id}
        ).scalar_one()
        return told
