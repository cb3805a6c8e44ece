"""Which record is meant by a number, and whose it is."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.orm import Session

from workqueue.dossier.parts import Named
from workqueue.fields import full_name
from workqueue.models import IndividualProvider, Source

RECORD: Final = IndividualProvider.__table__
NAME: Final = (
    RECORD.c.npi,
    RECORD.c.last_name,
    RECORD.c.first_name,
    RECORD.c.middle_name,
    RECORD.c.credential,
    RECORD.c.practice_state,
)
_SHOWN: Final = 5
_LONGEST: Final = 18


def name_of(row: Row[Any]) -> str:
    """The full name of a row that has the columns of NAME."""
    return full_name(row.last_name, row.first_name, row.middle_name, row.credential)


def records_called(session: Session, number: str) -> tuple[Named, ...]:
    """The records whose own number or whose NPI this is, by record number; five at most."""
    digits = number.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST):
        return ()
    wanted: Select[Any] = (
        select(RECORD.c.id, Source.name.label("source"), *NAME)
        .join(Source, Source.id == RECORD.c.source_id)
        .where(or_(RECORD.c.id == int(digits), RECORD.c.npi == digits))
        .order_by(RECORD.c.id)
        .limit(_SHOWN)
    )
    return tuple(
        Named(row.id, row.npi, name_of(row), row.practice_state, row.source)
        for row in session.execute(wanted)
    )
