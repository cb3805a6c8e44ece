"""Deactivations: the monthly report as xlsx or csv, and the blank rows of the full file."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from tests.intake.files import ENTITY, SMALL, counts, loaded, person, records, table, write
from workqueue.database import Database

TITLE = "NPPES Deactivated NPI Report as of Jan 8 2026"
HEADER = ("NPI", "NPPES Deactivation Date")
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def workbook(path: Path, rows: list[tuple[str | float, ...]]) -> Path:
    """A workbook as small as it can be: one sheet, texts inline."""
    cells = []
    for number, row in enumerate(rows, 1):
        inner = "".join(
            f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
            if isinstance(value, str)
            else f"<c><v>{value}</v></c>"
            for value in row
        )
        cells.append(f'<row r="{number}">{inner}</row>')
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{NAMESPACE}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="Report" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{NAMESPACE}"><sheetData>'
        f"{''.join(cells)}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def known(database: Database, tmp_path: Path) -> Database:
    """Three known providers, 1000000001 to 1000000003."""
    file = write(tmp_path / "known.csv", SMALL, [person(n) for n in (1, 2, 3)])
    assert loaded(database, file).loaded == 3
    return database


REPORT: list[tuple[str | float, ...]] = [
    (TITLE,),
    HEADER,
    ("1000000001", "01/05/2026"),
    (1000000002, "2026-01-06"),
    ("1999999999", "01/07/2026"),
    ("1000000003", "not yet"),
]


def check(database: Database, file: Path) -> None:
    report = loaded(database, file)
    assert counts(report) == {"read": 4, "updated": 2, "rejected": 1, "skipped": 1}
    assert records(database, "deactivation_date", "last_name") == [
        (date(2026, 1, 5), "LAST1"),
        (date(2026, 1, 6), "LAST2"),
        (None, "LAST3"),
    ]
    assert table(database, "SELECT line, raw FROM intake_rejects") == [(6, "1000000003,not yet")]
    again = loaded(database, file)
    assert counts(again) == {"read": 4, "unchanged": 2, "rejected": 1, "skipped": 1}
    kinds = table(database, "SELECT kind FROM intake_runs ORDER BY id")
    assert kinds == [("providers",), ("deactivation",), ("deactivation",)]


def test_report_as_workbook(known: Database, tmp_path: Path) -> None:
    """The xlsx report deactivates known NPIs and skips unknown ones; lines are sheet rows."""
    check(known, workbook(tmp_path / "report.xlsx", REPORT))


def test_report_as_workbook_in_a_zip(known: Database, tmp_path: Path) -> None:
    """The report is published as an xlsx in a zip."""
    inner = workbook(tmp_path / "NPPES Deactivated NPI Report 20260108.xlsx", REPORT)
    file = tmp_path / "report.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(inner, inner.name)
    check(known, file)


def test_report_as_csv(known: Database, tmp_path: Path) -> None:
    """The report saved as csv does the same, with its title and without."""
    file = tmp_path / "report.csv"
    lines = [",".join(str(cell) for cell in row) for row in REPORT]
    file.write_text("\r\n".join([lines[0] + ",", *lines[1:]]), encoding="utf-8")
    check(known, file)


def test_blank_row_of_the_full_file(known: Database, tmp_path: Path) -> None:
    """A row with nothing but NPI and deactivation date deactivates, and blanks nothing."""
    columns = (*SMALL, "deactivation_reason", "deactivation_date")
    rows = [
        {"npi": "1000000001", "deactivation_date": "02/01/2026", "deactivation_reason": "DT"},
        {"npi": "1888888888", "deactivation_date": "02/01/2026"},
        person(2, deactivation_date="03/01/2026", **{ENTITY: "1"}),
    ]
    report = loaded(known, write(tmp_path / "b.csv", columns, rows))
    assert counts(report) == {"read": 3, "updated": 2, "skipped": 1}
    fields = ("last_name", "practice_phone", "deactivation_reason", "deactivation_date")
    found = records(known, *fields)
    assert found[0] == ("LAST1", "5125550142", "DT", date(2026, 2, 1))
    assert found[1][3] == date(2026, 3, 1)


def test_provenance_of_a_deactivated_record_stays(known: Database, tmp_path: Path) -> None:
    """The row of the full file remains the record's own: its reload changes nothing."""
    loaded(known, workbook(tmp_path / "report.xlsx", REPORT))
    again = loaded(known, tmp_path / "known.csv")
    assert counts(again) == {"read": 3, "unchanged": 3}
    assert records(known, "deactivation_date")[0] == (date(2026, 1, 5),)


def test_npi_twice_in_a_report(known: Database, tmp_path: Path) -> None:
    """Where a report names an NPI twice the later line counts, and both are accounted for."""
    rows = [HEADER, ("1000000001", "01/05/2026"), ("1000000001", "01/09/2026")]
    report = loaded(known, workbook(tmp_path / "report.xlsx", rows))
    assert counts(report) == {"read": 2, "updated": 1, "unchanged": 1}
    assert records(known, "deactivation_date")[0] == (date(2026, 1, 9),)
