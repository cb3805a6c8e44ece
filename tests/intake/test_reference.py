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
from workqueue.verbs.knowledge import references

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


TAXONOMY_HEADER = (
    "Code,Grouping,Classification,Specialization,Definition,Notes,Display Name,Section\r\n"
)
TAXONOMY_LINES = (
    "207q00000x,Allopathic & Osteopathic Physicians,Family Medicine,,Texts,,,Individual\r\n"
    "193200000X,Group,Multi-Specialty,,,,,Individual or Groups (of Individuals)\r\n"
    "332B00000X,Suppliers,Durable Medical Equipment,,,,,Non-Individual\r\n"
    '2085B0100X,Physicians,Radiology,Body Imaging,"Inactive, use 2085R0202X",,,Individual\r\n'
)


def test_taxonomy_list(database: Database, tmp_path: Path) -> None:
    """Of the NUCC's list is kept who a code is for, and what became of it; never its texts."""
    file = tmp_path / "nucc.csv"
    content = (TAXONOMY_HEADER + TAXONOMY_LINES).replace("Texts", "the \u201cwhole\u201d person")
    file.write_bytes(content.encode("windows-1252"))
    assert load_reference(database, "taxonomy", file, actor=LOCAL).rows == 4
    with database.transaction() as session:
        entries = current_reference(session, "taxonomy")
        known = references(session, ["207Q00000X", "nothing"])
    assert entries == {
        "207Q00000X": {"individual": True},
        "193200000X": {"individual": False},
        "332B00000X": {"individual": False},
        "2085B0100X": {
            "individual": True,
            "retired": "the list calls it inactive",
            "successor": "2085R0202X",
        },
    }
    assert known.lists == {"taxonomy": {"207Q00000X": {"individual": True}}}
    assert known.has("taxonomy")
    assert not known.has("leie")


def test_older_taxonomy_list_without_sections(database: Database, tmp_path: Path) -> None:
    """Without sections the grouping tells organisations from people; dates are read as given."""
    file = put(
        tmp_path / "old.csv",
        "Code,Grouping,Classification,Specialization,Deactivation Date\n"
        "251E00000X,Agencies,Home Health,,\n"
        "246Y00000X,Technologists,Health Information,,07/01/2012\n",
    )
    load_reference(database, "taxonomy", file, actor=LOCAL)
    with database.transaction() as session:
        assert current_reference(session, "taxonomy") == {
            "251E00000X": {"individual": False},
            "246Y00000X": {"individual": True, "retired": "2012-07-01"},
        }


LEIE_HEADER = (
    "LASTNAME,FIRSTNAME,MIDNAME,BUSNAME,GENERAL,SPECIALTY,UPIN,NPI,DOB,ADDRESS,CITY,STATE,ZIP,"
    "EXCLTYPE,EXCLDATE,REINDATE,WAIVERDATE,WVRSTATE\r\n"
)


def _excluded(name: str, npi: str, reinstated: str = "00000000", general: str = "IND") -> str:
    return (
        f"{name},,{general},NURSE,,{npi},19600101,1 A ST,WACO,TX,76701,1128b4,20150420,"
        f"{reinstated},00000000,\r\n"
    )


def test_exclusion_list(database: Database, tmp_path: Path) -> None:
    """The excluded are kept by NPI, or by name where they have none; the reinstated are not."""
    file = put(
        tmp_path / "leie.csv",
        LEIE_HEADER
        + _excluded("O'HARA,SUE,ANN", "0000000000")
        + _excluded("OHARA,SUE,", "0000000000")
        + _excluded("EVANS,JO,", "1234567893")
        + _excluded("GONE,JIM,", "0000000000", reinstated="20200101")
        + _excluded("LATE,PAT,", "0000000000", general="DECEASED")
        + _excluded(",,", "0000000000"),
    )
    assert load_reference(database, "leie", file, actor=LOCAL).rows == 2
    with database.transaction() as session:
        entries = current_reference(session, "leie")
    assert entries is not None
    assert set(entries) == {"name OHARA|SUE", "npi 1234567893"}
    assert [one["middle"] for one in entries["name OHARA|SUE"]["rows"]] == ["ANN", ""]
    assert entries["npi 1234567893"]["rows"] == [
        {
            "name": "EVANS JO",
            "middle": "",
            "city": "WACO",
            "state": "TX",
            "specialty": "NURSE",
            "since": "2015-04-20",
            "ground": "1128b4",
            "waived": "",
        }
    ]


@pytest.mark.parametrize(
    ("name", "content", "refusal", "said"),
    [
        ("taxonomy", "Code,Grouping\nA,I\n", MissingColumns, "classification, specialization"),
        ("taxonomy", TAXONOMY_HEADER, BadInput, "no taxonomy code"),
        ("taxonomy", TAXONOMY_HEADER + "207Q,,,,,,,\n", BadInput, "line 2: '207Q' is no taxonomy"),
        (
            "taxonomy",
            "Code,Grouping,Classification,Specialization,Deactivation Date\n207Q00000X,,,,soon\n",
            BadInput,
            "line 2: Deactivation Date 'soon' is no date",
        ),
        ("leie", "LASTNAME,NPI\nA,1\n", MissingColumns, "firstname, state, excltype"),
        ("leie", LEIE_HEADER, BadInput, "nobody"),
        ("leie", LEIE_HEADER + _excluded("A,B,", "1234567890"), BadInput, "line 2: '1234567890'"),
        (
            "leie",
            LEIE_HEADER + _excluded("A,B,", "0000000000").replace("20150420", "2015"),
            BadInput,
            "line 2: EXCLDATE '2015' is no date",
        ),
        ("leie", LEIE_HEADER + "A,B\n", BadInput, "line 2: 2 columns"),
    ],
)
def test_published_list_that_cannot_be_used(
    database: Database,
    tmp_path: Path,
    name: str,
    content: str,
    refusal: type[BadInput],
    said: str,
) -> None:
    """A fault in a published list is named with its line and column; nothing is loaded."""
    with pytest.raises(refusal, match=said):
        load_reference(database, name, put(tmp_path / "list.csv", content), actor=LOCAL)
    assert table(database, "SELECT count(*) FROM reference_lists") == [(0,)]


def test_unknown_list_and_missing_right(
    database: Database, tmp_path: Path, people: dict[str, Actor]
) -> None:
    """An unknown name is refused with the known ones, and a reviewer may not load a list."""
    file = put(tmp_path / "1.csv", HEADER + "A1,I,True,x\r\n")
    with pytest.raises(BadInput, match=NAME):
        load_reference(database, "nucc", file, actor=LOCAL)
    with pytest.raises(NotAllowed):
        load_reference(database, NAME, file, actor=people["ruth"])
