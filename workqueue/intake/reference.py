"""Lists that rules refer to, as the operator has them; a new one supersedes the former."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from workqueue.accounts import Actor, acting_with
from workqueue.database import Database
from workqueue.errors import BadInput
from workqueue.intake.opening import open_data
from workqueue.intake.refusals import MissingColumns, WrongFileType
from workqueue.intake.report import ReferenceReport
from workqueue.lifecycle import Duty
from workqueue.models import ReferenceEntry, ReferenceList

Entries = dict[str, dict[str, Any]]

LICENCE_REQUIRED: Final = "licence-required"
_YES: Final = frozenset({"true", "yes", "y", "1", "t"})
_NO: Final = frozenset({"false", "no", "n", "0", "f"})
MAX_ENTRIES: Final = 1_000_000


def load_reference(database: Database, name: str, path: Path, *, actor: Actor) -> ReferenceReport:
    """Load the list `name` from a csv, in place of the one that was current.

    licence-required: columns code, entity_type and license_required (true or false); the codes
    of individuals (entity type I) become entries with detail {"required": bool}. Raises BadInput
    for an unknown name, and for the first line that cannot be used: a list is loaded whole or
    not at all.
    """
    read = _READERS.get(name)
    if read is None:
        known = ", ".join(sorted(_READERS))
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
        session.execute(
            insert(ReferenceEntry),
            [
                {"list_id": added.id, "key": key, "detail": detail}
                for key, detail in entries.items()
            ],
        )
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


def _licence_required(path: Path) -> Entries:
    entries: Entries = {}
    for line, row in _rows(path, ("code", "entity_type", "license_required")):
        code, entity, required = (cell.strip() for cell in row)
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


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    """The cells of `columns` in each record, with its physical line."""
    data = open_data(path, 1)
    with data.open() as stream:
        content = stream.read(MAX_ENTRIES * 1000)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongFileType(
            f"{path.name} is not UTF-8 (byte {error.start:,}); save it as UTF-8."
        ) from None
    if "\0" in text:
        raise WrongFileType(f"{path.name} holds a NUL byte; save it as csv again.")
    reader = csv.reader(text.splitlines(keepends=True))
    found: list[tuple[int, list[str]]] = []
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            raise MissingColumns(
                f"{path.name}: column {', '.join(missing)} is missing; it has "
                f"{', '.join(header)[:500] or 'none'}."
            )
        places = [header.index(name) for name in columns]
        for row in reader:
            if row and len(row) != len(header):
                raise BadInput(
                    f"{path.name}, line {reader.line_num}: {len(row)} columns where the header "
                    f"has {len(header)}."
                )
            if row:
                found.append((reader.line_num, [row[place] for place in places]))
    except csv.Error as error:
        raise WrongFileType(f"{path.name}, line {reader.line_num}: {error}.") from None
    return found


_READERS: Final[dict[str, Callable[[Path], Entries]]] = {LICENCE_REQUIRED: _licence_required}
