"""Records for the rules' tests: a faultless one to change, and findings in short form."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from workqueue.fields import FIELDS, Form
from workqueue.rules import References, evaluate

AS_OF = date(2026, 7, 1)
ALL_FIELDS = frozenset(field.name for field in FIELDS)
COLUMN_SETS = {1: ALL_FIELDS}

GOOD: Mapping[str, Any] = {
    "source": "NPPES",
    "column_set_id": 1,
    "npi": "1234567893",
    "last_name": "RIVERA",
    "first_name": "ANNA",
    "middle_name": "M",
    "credential": "M.D.",
    "sex": "F",
    "sole_proprietor": "N",
    "practice_address_1": "12 MAIN ST",
    "practice_city": "AUSTIN",
    "practice_state": "TX",
    "practice_zip": "787011234",
    "practice_country": "US",
    "practice_phone": "5125550199".replace("55501", "47201"),
    "practice_fax": "5124720198",
    "mailing_address_1": "PO BOX 7",
    "mailing_phone": "5124720100",
    "mailing_state": "TX",
    "mailing_country": "US",
    "enumeration_date": date(2010, 1, 5),
    "last_update_date": date(2024, 3, 1),
    "certification_date": date(2024, 3, 1),
    "taxonomy_code_1": "207R00000X",
    "license_number_1": "K1234",
    "license_state_1": "TX",
    "taxonomy_primary_1": "Y",
}

NPPES_COLUMNS = ("nppes_status", "nppes_deactivated_on", "nppes_replacement")

_SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("source", pa.string()),
        ("column_set_id", pa.int32()),
        *((name, pa.string()) for name in ("contradicted", *NPPES_COLUMNS)),
        *(
            (field.name, pa.date32() if field.form is Form.DATE else pa.string())
            for field in FIELDS
        ),
    ]
)


def table(*changes: Mapping[str, Any]) -> pa.Table:
    """Good records with `changes`, numbered from 1 unless a change has an id."""
    rows = [{**GOOD, "id": number, **change} for number, change in enumerate(changes, 1)]
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in _SCHEMA.names} for row in rows], schema=_SCHEMA
    )


def found(records: pa.Table, **arguments: Any) -> list[dict[str, Any]]:
    """The findings with their evidence parsed."""
    given = {
        "column_sets": COLUMN_SETS,
        "as_of": AS_OF,
        "references": References(),
        **arguments,
    }
    findings: Iterable[dict[str, Any]] = evaluate(records, **given).to_pylist()
    return [{**finding, "evidence": json.loads(finding["evidence"])} for finding in findings]


def fired(*changes: Mapping[str, Any], **arguments: Any) -> list[str]:
    """The fingerprints of the findings, sorted."""
    return sorted(finding["fingerprint"] for finding in found(table(*changes), **arguments))


def _number(text: str) -> str:
    return text.removesuffix(".0")


def _zip(text: str) -> str:
    digits = _number(text)
    if digits == text:
        return text
    return digits.zfill(9 if len(digits) > 5 else 5)


def _day(text: str) -> date | None:
    if not text:
        return None
    if "/" in text:
        month, day, year = (int(part) for part in text.split("/"))
        return date(year, month, day)
    return date.fromisoformat(text)


def individuals(path: Path) -> pa.Table:
    """The individuals of an NPPES file by line, with what a spreadsheet did to them undone."""
    repair: dict[Form, Callable[[str], Any]] = {Form.DATE: _day, Form.ZIP: _zip}
    rows = []
    with path.open(newline="", encoding="utf-8") as lines:
        for line, raw in enumerate(csv.DictReader(lines), 2):
            if _number(raw["Entity Type Code"]) != "1":
                continue
            row: dict[str, Any] = {"id": line}
            for field in FIELDS:
                header = next((one for one in field.headers if one in raw), None)
                if header is not None:
                    row[field.name] = repair.get(field.form, _number)(raw[header]) or None
            rows.append(row)
    blank = dict.fromkeys(ALL_FIELDS)
    return table(*({**blank, **row} for row in rows))
