"""Lists that rules refer to, as the operator has them; a new one supersedes the former."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from workqueue.accounts import Actor, acting_with
from workqueue.database import Database
from workqueue.errors import BadInput
from workqueue.intake.reference_lists import READERS, Entries
from workqueue.intake.report import ReferenceReport
from workqueue.lifecycle import Duty
from workqueue.models import ReferenceEntry, ReferenceList

_AT_ONCE: Final = 10_000


def load_reference(database: Database, name: str, path: Path, *, actor: Actor) -> ReferenceReport:
    """Load the list `name` from a csv, in place of the one that was current.

    licence-required: columns code, entity_type and license_required (true or false); the codes
    of individuals (entity type I) become entries with detail {"required": bool}.
    taxonomy: the NUCC's csv, with Code, Grouping, Classification, Specialization, and where given
    Section, Definition, Notes and Deactivation Date. leie: the OIG's csv, with LASTNAME,
    FIRSTNAME, NPI, STATE, EXCLTYPE, EXCLDATE, REINDATE and more; the reinstated are left out.
    Raises BadInput for an unknown name, and for the first line that cannot be used: a list is
    loaded whole or not at all.
    """
    read = READERS.get(name)
    if read is None:
        known = ", ".join(sorted(READERS))
        raise BadInput(f"there is no reference list {name!r}; the lists are: {known}.")
    with database.transaction() as session:
        acting_with(session, actor, Duty.LOAD)
    entries = read(path)

    def store(session: Session) -> ReferenceReport:
        user = acting_with(session, actor, Duty.LOAD)
        former = session.execute(
            update(ReferenceList)
            .where(ReferenceList.name == name, ReferenceList.superseded_at.is_(None))
            .values(superseded_at=func.now())
            .returning(ReferenceList.id)
        ).all()
        added = ReferenceList(
            name=name, file_name=path.name, row_count=len(entries), user_id=user.id
        )
        session.add(added)
        session.flush()
        told = [
            {"list_id": added.id, "key": key, "detail": detail} for key, detail in entries.items()
        ]
        for start in range(0, len(told), _AT_ONCE):
            session.execute(insert(ReferenceEntry), told[start : start + _AT_ONCE])
        return ReferenceReport(name, len(entries), added.id, bool(former))

    return database.run(store)


def current_reference(session: Session, name: str) -> Entries | None:
    """The current list `name` as details by key, or None where none was loaded."""
    list_id = session.scalar(
        select(ReferenceList.id).where(
            ReferenceList.name == name, ReferenceList.superseded_at.is_(None)
        )
    )
    if list_id is None:
        return None
    rows = session.execute(
        select(ReferenceEntry.key, ReferenceEntry.detail).where(ReferenceEntry.list_id == list_id)
    )
    return {row.key: row.detail for row in rows}
