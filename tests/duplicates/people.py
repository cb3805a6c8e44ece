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
_PLACES = (
    *("PORTLAND OR 97201", "AUSTIN TX 78701", "ALBANY NY 12207", "MACON GA 31201"),
    *("PEORIA IL 61602", "SPOKANE WA 99201", "TAMPA FL 33602", "TOLEDO OH 43604"),
    *("ERIE PA 16501", "DULUTH MN 55802", "TUCSON AZ 85701", "PUEBLO CO 81003"),
)
_PROFESSIONS = ("207Q00000X MD", "225100000X PT", "1223G0001X DDS", "163W00000X RN")


def person(number: int, **values: Any) -> dict[str, Any]:
    """Person `number` of twelve, each of another name, place, profession and licence."""
    last, first = _NAMES[number].split()
    city, state, zip_code = _PLACES[number].split()
    profession, credential = _PROFESSIONS[number % 4].split()
    return (
        clean(
            last_name=last,
            first_name=first,
            middle_name="QRSTUVWXYZJK"[number],
            practice_address_1=f"{100 + 7 * number} {_NAMES[(number + 5) % 12].split()[0]} AVE",
            credential=credential,
            practice_city=city,
            practice_state=state,
            practice_zip=zip_code,
            mailing_state=state,
            practice_phone=f"{212 + number}555{2000 + 37 * number}",
            enumeration_date=date(2007 + number, 1 + number, 3 + number),
            taxonomy_code_1=profession,
            license_number_1=f"A{551_000 + 91 * number}",
            license_state_1=state,
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
