"""The part of a run of detection that looks for one person in several records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from sqlalchemy import text
from sqlalchemy.orm import Session

from workqueue import duplicates
from workqueue.database import Database

FIELDS = duplicates.FIELDS


@dataclass(frozen=True)
class Duplicates:
    """The findings, with the ids that were looked at; None: all."""

    findings: pa.Table
    asked: frozenset[int] | None


# Deactivated records take no part; a day more or less does not matter here.
_TAKING_PART: Final = text("""
SELECT count(*) FROM individual_providers WHERE deactivation_date IS NULL
    OR reactivation_date >= deactivation_date
""")


def due(session: Session) -> bool:
    """Whether the next comparison has to estimate its parameters, and so to look at everything."""
    return duplicates.current(session, session.scalar(_TAKING_PART) or 0) is None


def find_duplicates(
    database: Database, records: pa.Table, changed: frozenset[int] | None = None
) -> Duplicates:
    """The groups among `records` that look like one person; keeps the model it was done with.

    `records` are all there are. With `changed`, the ids that were added, changed or removed since
    the last run, only their groups are sought, unless the model has to be estimated first.
    """
    with database.transaction() as session:
        stored = duplicates.current(session, duplicates.count(records))
        known = duplicates.known(session)
    found = duplicates.find(
        records, model=stored.model if stored else None, known=known, changed=changed
    )
    database.run(lambda session: duplicates.keep(session, found.model, stored))
    return Duplicates(found.findings, found.asked)
