"""What a load does with good files: who is kept, what is normalised, what a reload changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.conftest import LOCAL
from tests.conftest import person as user
from tests.intake.files import (
    ENTITY,
    KEY,
    SMALL,
    content,
    counts,
    everything,
    loaded,
    person,
    records,
    rejects,
    table,
    write,
)
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import BadInput, NoSuchUser, NotAllowed
from workqueue.received import received


def test_real_file_is_accounted_for(database: Database, shared_data: Path) -> None:
    """Of 1,000 real lines 733 individuals are kept, organisations and unknown NPIs skipped."""
    report = loaded(database, shared_data / "nppes_sample_1000.csv")
    assert counts(report) == {"read": 1000, "loaded": 733, "skipped": 267}
    assert report.normalised["spreadsheet_number"] > 4000
    assert report.normalised["zeros_restored"] == 95
    assert len(records(database, "id")) == 733


def test_same_real_file_again_changes_nothing(database: Database, shared_data: Path) -> None:
    """A second load of the same file writes no row of any record."""
    file = shared_data / "nppes_sample_1000.csv"
    loaded(database, file)
    before = everything(database)
    assert counts(loaded(database, file)) == {"read": 1000, "unchanged": 733, "skipped": 267}
    assert everything(database) == before


def test_older_layout_of_329_columns(database: Database, shared_data: Path) -> None:
    """The older file with `Provider Gender Code` fills the field sex."""
    report = loaded(database, shared_data / "nppes_raw_10.csv")
    assert counts(report) == {"read": 10, "loaded": 8, "skipped": 2}
    assert {row[0] for row in records(database, "sex")} == {"M", "F"}
    assert report.normalised == {}


def test_spreadsheet_numbers_become_digits(database: Database, tmp_path: Path) -> None:
    """Floats of a spreadsheet or pandas become digits, zeros come back, the raw text is kept."""
    columns = (*SMALL, "practice_zip", "practice_country", "license_number_1", "sex")
    abroad = {"practice_zip": "3000.0", "practice_country": "AU"}
    file = write(
        tmp_path / "a.csv",
        columns,
        [
            person(1, npi="1679576722.0", practice_phone="5125550142.0", practice_zip="322044736.0")
            | {ENTITY: "1.0", "license_number_1": "36.0"},
            person(2, npi="1.679576722E9", practice_zip="601.0"),
            person(3, practice_zip="20109527.0"),
            person(4, **abroad),
            person(5, practice_zip="60109"),
        ],
    )
    report = loaded(database, file)
    assert report.normalised == {"spreadsheet_number": 7, "zeros_restored": 2}
    found = records(database, "npi", "practice_phone", "practice_zip", "license_number_1")
    assert found[0] == ("1679576722", "5125550142", "322044736", "36.0")
    assert [row[2] for row in found[1:]] == ["00601", "020109527", "3000", "60109"]
    assert found[1][0] == "1679576722"
    with database.transaction() as session:
        said = received(session, records(database, "id")[0][0])
    assert (said["npi"], said["practice_zip"]) == ("1679576722.0", "322044736.0")


def test_values_are_brought_into_normal_form(database: Database, tmp_path: Path) -> None:
    """Blanks are cut, codes and licences are capitals, US phones digits, and each is counted."""
    columns = (*SMALL, "practice_zip", "practice_state", "license_number_1", "credential")
    file = write(
        tmp_path / "a.csv",
        columns,
        [
            person(1, last_name="  O'NEIL\t", practice_phone="(512) 555-0142")
            | {"practice_zip": "78701-1234", "practice_state": "tx", "license_number_1": "ab12"}
            | {"first_name": "   ", "credential": "<UNAVAIL>"}
        ],
    )
    report = loaded(database, file)
    row = records(database, *columns[2:5], *columns[6:])[0]
    assert row == ("O'NEIL", None, "5125550142", "787011234", "TX", "AB12", None)
    assert report.normalised == {"blanks_cut": 1, "rewritten": 4, "unavailable": 1}
    with database.transaction() as session:
        said = received(session, records(database, "id")[0][0])
    assert said["last_name"] == "  O'NEIL\t"
    assert said["practice_phone"] == "(512) 555-0142"
    assert said["credential"] == "<UNAVAIL>"
    assert said["first_name"] is None


@pytest.mark.parametrize(
    "written", ["05/23/2005", "2005-05-23", "5/23/2005", "2005-05-23 00:00:00"]
)
def test_dates_are_read_in_both_ways(database: Database, tmp_path: Path, written: str) -> None:
    """MM/DD/YYYY and YYYY-MM-DD are the same date, and no change of the value."""
    report = loaded(
        database, write(tmp_path / "a.csv", SMALL, [person(1, last_update_date=written)])
    )
    assert records(database, "last_update_date") == [(date(2005, 5, 23),)]
    assert report.normalised == {}


@pytest.mark.parametrize("written", ["31/31/2005", "02/30/2024", "05/23/05", "yesterday"])
def test_unreadable_date_is_kept_as_text(database: Database, tmp_path: Path, written: str) -> None:
    """A date that cannot be read is no value; its text is kept and it is counted."""
    report = loaded(
        database, write(tmp_path / "a.csv", SMALL, [person(1, last_update_date=written)])
    )
    assert records(database, "last_update_date") == [(None,)]
    assert report.normalised == {"date_unreadable": 1}
    with database.transaction() as session:
        assert received(session, records(database, "id")[0][0])["last_update_date"] == written


def test_columns_are_found_by_name(database: Database, tmp_path: Path) -> None:
    """Order, case, blanks, unknown columns and a byte order mark do not matter."""
    file = tmp_path / "a.csv"
    file.write_bytes(
        b"\xef\xbb\xbf nOtes , provider first NAME,npi,last_name\r\nx,ANN,1000000001,LEE\r\n"
    )
    assert counts(loaded(database, file)) == {"read": 1, "loaded": 1}
    assert records(database, "npi", "first_name", "last_name") == [("1000000001", "ANN", "LEE")]


def test_absent_column_is_unknown(database: Database, tmp_path: Path) -> None:
    """A record is known by the fields of its files only; the others are unknown, not blank."""
    loaded(database, write(tmp_path / "a.csv", ("npi", "last_name"), [person(1)]))
    with database.transaction() as session:
        said = received(session, records(database, "id")[0][0])
    assert said == {"npi": "1000000001", "last_name": "LAST1"}


def test_organisations_are_skipped(database: Database, tmp_path: Path) -> None:
    """Entity type 2 is counted as skipped, whatever else is in the row."""
    file = write(
        tmp_path / "a.csv",
        SMALL,
        [person(1), person(2, **{ENTITY: "2"}), person(3, npi="", **{ENTITY: "2.0"})],
    )
    assert counts(loaded(database, file)) == {"read": 3, "loaded": 1, "skipped": 2}


def test_repeated_npi_is_a_second_provider(database: Database, tmp_path: Path) -> None:
    """The second row with an NPI in one file is occurrence 2, on each load the same one."""
    twice = [person(1, last_name="LEE"), person(2), person(1, last_name="LEIGH")]
    file = write(tmp_path / "a.csv", SMALL, twice)
    assert loaded(database, file).loaded == 3
    found = table(
        database,
        "SELECT p.last_name, s.occurrence FROM individual_providers p JOIN provider_sources s"
        " ON s.provider_id = p.id WHERE npi = '1000000001' ORDER BY occurrence",
    )
    assert found == [("LEE", 1), ("LEIGH", 2)]
    assert loaded(database, file).unchanged == 3
    twice[2]["last_name"] = "LEHIGH"
    assert counts(loaded(database, write(file, SMALL, twice))) == {
        "read": 3,
        "updated": 1,
        "unchanged": 2,
    }


def test_repeats_are_numbered_across_blocks(database: Database, tmp_path: Path) -> None:
    """Occurrences count through the whole file, however small its blocks are."""
    file = write(tmp_path / "a.csv", SMALL, [person(n % 7) for n in range(50)])
    assert loaded(database, file, block_bytes=300).loaded == 50
    highest = table(database, "SELECT source_key, max(occurrence) FROM provider_sources GROUP BY 1")
    assert dict(highest) == {f"1{n:09d}": 8 if n == 0 else 7 for n in range(7)}


def test_changed_value_updates_the_record(database: Database, tmp_path: Path) -> None:
    """A changed row updates its record; what was said before is in the history."""
    loaded(database, write(tmp_path / "a.csv", SMALL, [person(1), person(2)]))
    file = write(tmp_path / "b.csv", SMALL, [person(1, last_name="NEW", practice_phone="")])
    assert counts(loaded(database, file)) == {"read": 1, "updated": 1}
    assert records(database, "last_name", "practice_phone")[0] == ("NEW", None)
    former = table(database, "SELECT former->'values' FROM provider_source_history")
    assert former == [({"last_name": "LAST1", "practice_phone": "5125550142"},)]
    assert table(database, "SELECT line FROM provider_sources ORDER BY 1") == [(2,), (3,)]


def test_partial_file_never_blanks(database: Database, tmp_path: Path) -> None:
    """A file that lacks columns the record is known by changes values, but blanks none."""
    loaded(database, write(tmp_path / "a.csv", SMALL, [person(1)]))
    partial = ("npi", "last_name", "practice_phone")
    file = write(tmp_path / "b.csv", partial, [person(1, last_name="NEW", practice_phone="")])
    assert counts(loaded(database, file)) == {"read": 1, "updated": 1}
    assert records(database, "last_name", "practice_phone", "first_name") == [
        ("NEW", "5125550142", "ANN")
    ]
    assert counts(loaded(database, file)) == {"read": 1, "unchanged": 1}


def test_fuller_file_makes_more_known(database: Database, tmp_path: Path) -> None:
    """A file with more columns teaches the record fields, blank ones too."""
    loaded(database, write(tmp_path / "a.csv", ("npi", "last_name"), [person(1)]))
    full = write(tmp_path / "b.csv", SMALL, [person(1, first_name="")])
    assert counts(loaded(database, full)) == {"read": 1, "updated": 1}
    with database.transaction() as session:
        said = received(session, records(database, "id")[0][0])
    assert said["first_name"] is None
    assert said["practice_phone"] == "5125550142"
    assert counts(loaded(database, full)) == {"read": 1, "unchanged": 1}


def test_sources_are_kept_apart(database: Database, tmp_path: Path) -> None:
    """The same NPI from another source is another record; a reload of one leaves the other."""
    file = write(tmp_path / "a.csv", SMALL, [person(1)])
    loaded(database, file)
    assert counts(loaded(database, file, source="Clinic")) == {"read": 1, "loaded": 1}
    assert len(records(database, "id")) == 2


def test_own_source_goes_by_its_key(database: Database, tmp_path: Path) -> None:
    """In a source of one's own the key column is the identity; an NPI may be missing or change."""
    columns = (KEY, "npi", "last_name")
    rows = [
        {KEY: "A-1", "last_name": "LEE"},
        {KEY: "A-2", "npi": "1000000002", "last_name": "KIM"},
    ]
    assert loaded(database, write(tmp_path / "a.csv", columns, rows), source="Clinic").loaded == 2
    rows[0]["npi"] = "1000000001"
    report = loaded(database, write(tmp_path / "b.csv", columns, rows), source="Clinic")
    assert counts(report) == {"read": 2, "updated": 1, "unchanged": 1}
    assert records(database, "npi") == [("1000000001",), ("1000000002",)]


def test_rows_without_any_key_go_by_content(database: Database, tmp_path: Path) -> None:
    """A row of one's own without NPI and key is recognised by its content."""
    rows = [{"last_name": "LEE"}, {"last_name": "KIM"}, {"last_name": "LEE"}]
    file = write(tmp_path / "a.csv", ("npi", "last_name"), rows)
    assert loaded(database, file, source="Clinic").loaded == 3
    assert counts(loaded(database, file, source="Clinic")) == {"read": 3, "unchanged": 3}


def test_small_blocks_make_the_same_records(database: Database, tmp_path: Path) -> None:
    """How a file is cut into blocks makes no difference, record breaks inside quotes included."""
    rows = [person(n, last_name=f"A\nB{n}" if n % 5 == 0 else f"N{n}") for n in range(200)]
    file = write(tmp_path / "a.csv", SMALL, rows)
    loaded(database, file)
    again = loaded(database, file, source="Other", block_bytes=211)
    assert counts(again) == {"read": 200, "loaded": 200}
    assert len(content(database)) == 200
    assert content(database, "Other") == content(database)


def test_several_files_are_one_report(database: Database, tmp_path: Path) -> None:
    """The counts of several files add up; each has a run of its own."""
    one = write(tmp_path / "a.csv", SMALL, [person(1)])
    two = write(tmp_path / "b.csv", SMALL, [person(2), person(1)])
    report = loaded(database, one, two)
    assert counts(report) == {"read": 3, "loaded": 2, "unchanged": 1}
    assert len(report.run_ids) == 2


def test_progress_comes_to_the_end(database: Database, tmp_path: Path) -> None:
    """Progress moves forward in bytes and ends at the size of the file."""
    file = write(tmp_path / "a.csv", SMALL, [person(n) for n in range(100)])
    said: list[tuple[str, int, int]] = []
    loaded(database, file, block_bytes=1000, progress=lambda *parts: said.append(parts))
    done = [part[1] for part in said]
    assert done == sorted(done)
    assert len(done) > 5
    assert said[-1] == ("loading a.csv", file.stat().st_size, file.stat().st_size)


def test_header_alone_is_an_empty_load(database: Database, tmp_path: Path) -> None:
    """A file with nothing but its header loads nothing, without complaint."""
    assert counts(loaded(database, write(tmp_path / "a.csv", SMALL, []))) == {}
    assert rejects(database) == []


def test_loading_needs_the_duty(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """A reviewer and a lead may not load, a manager may; an unknown user is refused by name."""
    file = write(tmp_path / "a.csv", SMALL, [person(1)])
    for name in ("ruth", "lea", "ann"):
        with pytest.raises(NotAllowed, match="may not load"):
            loaded(database, file, actor=people[name])
    with pytest.raises(NoSuchUser, match="nobody"):
        loaded(database, file, actor=user("nobody"))
    assert loaded(database, file, actor=people["max"]).loaded == 1
    assert table(
        database, 'SELECT username, via FROM intake_runs JOIN "user" u ON u.id = user_id'
    ) == [("max", LOCAL.via)]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
def test_source_needs_a_usable_name(database: Database, tmp_path: Path, name: str) -> None:
    """A blank, overlong or unprintable source name is refused."""
    with pytest.raises(BadInput, match="source"):
        loaded(database, write(tmp_path / "a.csv", SMALL, [person(1)]), source=name)
