"""Small provider files for the tests of intake, and looks into what became of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text

from tests.conftest import LOCAL
from workqueue.database import Database
from workqueue.fields import BY_NAME
from workqueue.intake import LoadReport, load
from workqueue.settings import Settings

ENTITY = "Entity Type Code"
KEY = "Source Key"
SMALL = ("npi", ENTITY, "last_name", "first_name", "practice_phone", "last_update_date")
COUNTS = ("read", "loaded", "updated", "unchanged", "rejected", "skipped")


def header(name: str) -> str:
    """The NPPES header of a field; other names stay."""
    return BY_NAME[name].headers[0] if name in BY_NAME else name


def write(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> Path:
    """A csv file as CMS writes it: every cell quoted. Columns without a value are blank."""
    columns = list(columns)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow([header(name) for name in columns])
        writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return path


def person(number: int, **values: str) -> dict[str, str]:
    """An individual; the number makes the NPI."""
    return {
        "npi": f"1{number:09d}",
        ENTITY: "1",
        "last_name": f"LAST{number}",
        "first_name": "ANN",
        "practice_phone": "5125550142",
        "last_update_date": "01/31/2024",
        **values,
    }


def settings() -> Settings:
    """Settings that name a server of one's own, so that no disk is measured."""
    return Settings.model_validate({"WORKQUEUE_DATABASE_URL": "postgresql://example"})


def loaded(database: Database, *paths: Path, **options: Any) -> LoadReport:
    """Load as the tester; the counts must add up, whatever the file."""
    report = load(database, paths, **{"actor": LOCAL, "settings": settings(), **options})
    parts = [getattr(report, name) for name in COUNTS]
    assert parts[0] == sum(parts[1:])
    return report


def counts(report: LoadReport) -> dict[str, int]:
    """The counts that are not zero."""
    return {name: getattr(report, name) for name in COUNTS if getattr(report, name)}


def records(database: Database, *columns: str) -> list[tuple[Any, ...]]:
    """All provider records by id."""
    with database.transaction() as session:
        rows = session.execute(
            text(f"SELECT {', '.join(columns)} FROM individual_providers ORDER BY id")
        )
        return [tuple(row) for row in rows]


def rejects(database: Database) -> list[tuple[int, str, str]]:
    """All rejected lines: line, reason, raw text."""
    return table(database, "SELECT line, reason, raw FROM intake_rejects ORDER BY run_id, line")


def table(database: Database, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with database.transaction() as session:
        return [tuple(row) for row in session.execute(text(sql))]


# Everything that a load writes, but for the runs themselves; xmin tells a row written anew.
FINGERPRINTS = {
    name: f"SELECT {columns} FROM {name} ORDER BY 1, 2"
    for name, columns in {
        "individual_providers": "id, xmin::text",
        "provider_sources": "provider_id, xmin::text",
        "provider_source_history": "id, xmin::text",
        "provider_overrides": "id, xmin::text",
        "column_sets": "id, xmin::text",
    }.items()
}


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Row versions of all tables of records: equal before and after means nothing was written."""
    return {name: table(database, sql) for name, sql in FINGERPRINTS.items()}


def content(database: Database, source: str = "NPPES") -> list[tuple[Any, ...]]:
    """Records and provenance by value, without ids: equal for two loads with the same outcome."""
    return table(
        database,
        "SELECT (to_jsonb(p) - 'id' - 'source_id' - 'column_set_id')::text, c.fields::text, s.line,"
        " s.source_key, s.occurrence, s.row_hash::text, s.as_received::text"
        " FROM individual_providers p JOIN provider_sources s ON s.provider_id = p.id"
        " JOIN column_sets c ON c.id = p.column_set_id JOIN sources o ON o.id = p.source_id"
        f" WHERE o.name = '{source}' ORDER BY s.source_key, s.occurrence",
    )
