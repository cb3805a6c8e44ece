"""Reference lists: loaded whole or not at all, the newest one counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import LOCAL
from tests.intake.files import table
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import BadInput, NotAllowed
from workqueue.intake import ReferenceReport, current_reference, load_reference
from workqueue.intake.refusals import MissingColumns, UnreadableFile, WrongFileType

NAME = "licence-required"
HEADER = "code,entity_type, license_required,about\r\n"


def put(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_real_crosswalk(database: Database, shared_data: Path) -> None:
    """The public crosswalk is loaded with its stray blanks; codes of organisations are left out."""
    file = shared_data / "taxonomy_license_crosswalk.csv"
    report = load_reference(database, NAME, file, actor=LOCAL)
    with database.transaction() as session:
        entries = current_reference(session, NAME)
    assert entries is not None
    assert len(entries) == report.rows > 500
    assert entries["390200000X"] == {"required": False}
    assert entries["207Q00000X"] == {"required": True}
    assert "385HR2065X" not in entries


def test_newer_list_supersedes(database: Database, tmp_path: Path) -> None:
    """The newest list counts; the former one stays in the tables, superseded."""
    one = put(tmp_path / "1.csv", HEADER + "a1,I,True,x\r\nb1,I,no,\r\n")
    two = put(tmp_path / "2.csv", HEADER + '"a1",i,0,"x, y"\r\n')
    assert load_reference(database, NAME, one, actor=LOCAL) == ReferenceReport(NAME, 2, 1, False)
    assert load_reference(database, NAME, two, actor=LOCAL) == ReferenceReport(NAME, 1, 2, True)
    with database.transaction() as session:
        assert current_reference(session, NAME) == {"A1": {"required": False}}
    current = "SELECT id FROM reference_lists WHERE superseded_at IS NULL"
    assert table(database, current) == [(2,)]
    assert table(database, "SELECT count(*) FROM reference_entries") == [(3,)]


def test_no_list_yet(database: Database) -> None:
    """Without a list there is none, which is not an empty one."""
    with database.transaction() as session:
        assert current_reference(session, NAME) is None


@pytest.mark.parametrize(
    ("content", "refusal", "said"),
    [
        ("code,entity_type\nA,I\n", MissingColumns, "license_required"),
        ("Code,Grouping\nA,I\n", MissingColumns, "entity_type, license_required"),
        (HEADER, BadInput, "no code"),
        (HEADER + "A,X,True,\n", BadInput, "line 2: entity_type 'X'"),
        (HEADER + "A,I,True,\nB,I,maybe,\n", BadInput, "line 3: license_required 'maybe'"),
        (HEADER + "A,I,True,\nA,I,False,\n", BadInput, "line 3: .*both"),
        (HEADER + "A,I\n", BadInput, "line 2: 2 columns"),
        (HEADER + ",I,True,\n", BadInput, "line 2"),
        (HEADER + "A\0,I,True,\n", WrongFileType, "NUL"),
        ("", UnreadableFile, "empty"),
    ],
)
def test_list_that_cannot_be_used(
    database: Database, tmp_path: Path, content: str, refusal: type[BadInput], said: str
) -> None:
    """A list with a fault is refused with the line, and the former one stays."""
    good = put(tmp_path / "1.csv", HEADER + "A1,I,True,x\r\n")
    load_reference(database, NAME, good, actor=LOCAL)
    with pytest.raises(refusal, match=said):
        load_reference(database, NAME, put(tmp_path / "2.csv", content), actor=LOCAL)
    with database.transaction() as session:
        assert current_reference(session, NAME) == {"A1": {"required": True}}


def test_unknown_list_and_missing_right(
    database: Database, tmp_path: Path, people: dict[str, Actor]
) -> None:
    """An unknown name is refused with the known ones, and a reviewer may not load a list."""
    file = put(tmp_path / "1.csv", HEADER + "A1,I,True,x\r\n")
    with pytest.raises(BadInput, match=NAME):
        load_reference(database, "nucc", file, actor=LOCAL)
    with pytest.raises(NotAllowed):
        load_reference(database, NAME, file, actor=people["ruth"])
