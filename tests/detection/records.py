"""Provider records for tests, put straight into the tables: all clean unless told otherwise."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from tests.conftest import LOCAL
from workqueue.database import Database
from workqueue.detection import DetectReport, detect
from workqueue.fields import FIELDS
from workqueue.models import Base, ColumnSet, Source, WorkAction, WorkItem
from workqueue.verbs import claim

TODAY = date(2026, 3, 2)
_serial = itertools.count(1)
PROVIDERS = Base.metadata.tables["individual_providers"]


def npi(number: int) -> str:
    """A valid NPI: check digit by Luhn over 80840 and the first nine digits."""
    first = f"{100_000_000 + number}"
    digits = [int(digit) for digit in reversed("80840" + first)]
    total = sum(
        digit if place % 2 else (2 * digit - 9 if digit > 4 else 2 * digit)
        for place, digit in enumerate(digits)
    )
    return f"{first}{-total % 10}"


def clean(**values: Any) -> dict[str, Any]:
    """The fields of a record on which no rule finds anything, with `values` on top."""
    number = next(_serial)
    return {
        "npi": npi(number),
        "last_name": "MARLOWE",
        "first_name": "PHILIPPA",
        "credential": "MD",
        "sex": "F",
        "sole_proprietor": "N",
        "practice_address_1": "12 HIGH STREET",
        "practice_city": "SPRINGFIELD",
        "practice_state": "IL",
        "practice_zip": "62701",
        "practice_country": "US",
        "practice_phone": "2175232345",
        "mailing_state": "IL",
        "enumeration_date": date(2012, 5, 1),
        "last_update_date": date(2025, 5, 1),
        "certification_date": date(2025, 5, 1),
        "taxonomy_code_1": "207Q00000X",
        "license_number_1": f"036.{number:06}",
        "license_state_1": "IL",
        "taxonomy_primary_1": "Y",
        **values,
    }


def add(
    database: Database,
    *records: dict[str, Any],
    source: str = "NPPES",
    known: frozenset[str] = frozenset(field.name for field in FIELDS),
) -> list[int]:
    """Insert `records`, known by the fields of `known`; their ids in order."""
    with database.transaction() as session:
        source_id = _one(session, Source, Source.name, source)
        set_id = _one(session, ColumnSet, ColumnSet.fields, sorted(known))
        return [
            session.scalars(
                insert(PROVIDERS)
                .values(source_id=source_id, column_set_id=set_id, **record)
                .returning(PROVIDERS.c.id)
            ).one()
            for record in records
        ]


def _one(session: Session, model: Any, column: Any, value: Any) -> int:
    found = session.scalar(select(model.id).where(column == value))
    if found is None:
        found = session.scalar(insert(model).values({column.key: value}).returning(model.id))
    return int(found)


def change(database: Database, provider_id: int, **values: Any) -> None:
    """Set fields of a record as a later file would, without a person's correction."""
    with database.transaction() as session:
        session.execute(PROVIDERS.update().where(PROVIDERS.c.id == provider_id).values(**values))


def run(database: Database, as_of: date = TODAY) -> DetectReport:
    """Detect as the local user, on a fixed day."""
    return detect(database, actor=LOCAL, as_of=as_of)


def changed_by(report: DetectReport) -> dict[str, int]:
    """The acts of a run that befell at least one item."""
    names = ("new", "refreshed", "closed", "reopened", "cured", "recurred")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


@dataclass(frozen=True)
class Seen:
    """An item as the table has it."""

    id: int
    status: str
    priority: int
    provider_id: int
    generation: int
    evidence: dict[str, Any]
    cured: bool
    notes: str
    version: int


def items(database: Database, rule_id: str) -> list[Seen]:
    """The items of a rule, oldest first."""
    with database.transaction() as session:
        rows = session.scalars(
            select(WorkItem).where(WorkItem.rule_id == rule_id).order_by(WorkItem.id)
        ).all()
        return [
            Seen(
                row.id,
                row.status,
                row.priority,
                row.provider_id,
                row.generation,
                row.evidence,
                row.cured_at is not None,
                row.notes,
                row.version,
            )
            for row in rows
        ]


def only(database: Database, rule_id: str) -> Seen:
    """The only item of a rule."""
    (found,) = items(database, rule_id)
    return found


def acts(database: Database, item_id: int) -> list[str]:
    """The history of an item, as the words of its actions."""
    with database.transaction() as session:
        return list(
            session.scalars(
                select(WorkAction.action_type)
                .where(WorkAction.work_item_id == item_id)
                .order_by(WorkAction.seq)
            )
        )


def last_payload(database: Database, item_id: int) -> dict[str, Any]:
    """What the newest action of an item says."""
    with database.transaction() as session:
        payload: dict[str, Any] = session.scalars(
            select(WorkAction.payload)
            .where(WorkAction.work_item_id == item_id)
            .order_by(WorkAction.seq.desc())
            .limit(1)
        ).one()
        return payload


def members(database: Database, item_id: int) -> dict[int, bool]:
    """The members of a group item, and whether each still is one."""
    with database.transaction() as session:
        rows = session.execute(
            text(
                "SELECT provider_id, left_at IS NULL AS still FROM work_item_providers "
                "WHERE work_item_id = :item"
            ),
            {"item": item_id},
        )
        return {row.provider_id: row.still for row in rows}


def everything(database: Database) -> dict[str, list[Any]]:
    """Every row of items, actions and members with the transaction that wrote it."""
    with database.transaction() as session:
        return {
            table: session.execute(
                text(f'SELECT xmin::text, ctid::text, t::text FROM "{table}" t ORDER BY ctid')
            ).all()
            for table in ("work_items", "work_actions", "work_item_providers", "rules")
        }


def problems(database: Database) -> list[tuple[Any, ...]]:
    """What the queue says of every problem, without times and versions."""
    with database.transaction() as session:
        rows = session.execute(
            text(
                "SELECT fingerprint, generation, status, priority, provider_id, evidence::text, "
                "cured_at IS NULL AS stands FROM work_items ORDER BY fingerprint, generation"
            )
        )
        return [tuple(row) for row in rows]


def hold(database: Database, item_id: int, who: Any) -> None:
    """Claim an item for a person."""
    database.run(lambda session: claim(session, item_id, actor=who, lease=timedelta(minutes=15)))
