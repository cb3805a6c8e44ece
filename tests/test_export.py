"""Exports: exactly the rows of the filter, safe in a spreadsheet, lossless, complete or not."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import resource
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import text

from tests.conftest import person
from tests.factories import make_items
from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.audit import heads_digest
from workqueue.database import Database
from workqueue.errors import BadInput, NotAllowed
from workqueue.export import (
    export_corrections,
    export_items,
    read_cell,
    read_rows,
    write_cell,
)
from workqueue.export.cells import GUARDED
from workqueue.export.files import CannotWrite, FileExists
from workqueue.inbox import Filter, ids
from workqueue.lifecycle import Status

HOSTILE = (
    "=HYPERLINK(\"http://evil\")",
    "+1", "-1", "@SUM(A1)", "\tx", "'quoted", "''two", "＝1", "＋1", "－1", "＠x",
    'he said "yes", then',
    'ends in ,"~"\nand goes on',
    ',"~"\n',
    '"\r\n"',
    "back\\slash \\n \\\\ \\.",
    "\\.",
    "line\nbreak\r\nand\rmore",
    "NULL", "\\N", "~", '"', "é 漢 🙂", "\u2028", "%s %% %(x)s :name",
)  # fmt: skip
cells = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"))


def rows_of(out: Path) -> list[dict[str, str | None]]:
    return list(read_rows(out))


def set_notes(database: Database, item_ids: list[int], notes: list[str]) -> None:
    with database.transaction() as session:
        for item_id, note in zip(item_ids, notes, strict=True):
            session.execute(
                text("UPDATE work_items SET notes = :note WHERE id = :id"),
                {"note": note, "id": item_id},
            )


@given(st.none() | cells)
@example("")
@example("'")
def test_cell_reads_back(value: str | None) -> None:
    """What a cell stands for is what was written, for any text and for none."""
    assert read_cell(write_cell(value)) == value


@given(cells)
def test_no_cell_begins_like_a_formula(value: str) -> None:
    """No cell begins with a character that a spreadsheet could take for a formula."""
    assert not write_cell(value).startswith(tuple("=+-@\t\r\n＝＋－＠"))


def test_hostile_text_survives(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """Any text comes back from both forms as it was, and its cells are guarded as Python does."""
    notes = [*HOSTILE, *(f"{each}x" for each in GUARDED)]
    item_ids = make_items(database, len(notes))
    set_notes(database, item_ids, notes)
    out, lines = tmp_path / "out.csv", tmp_path / "out.jsonl"
    export_items(database, Filter(), out, actor=people["max"])
    export_items(database, Filter(), lines, actor=people["max"], form="jsonl")
    assert [row["notes"] for row in rows_of(out)] == notes
    told = [json.loads(line) for line in lines.read_text().split("\n")[:-1]]
    assert [row["notes"] for row in told] == notes
    with out.open(newline="") as file:
        raw = [row["notes"] for row in csv.DictReader(file)]
    assert raw == [write_cell(note) for note in notes]


def test_every_cell_is_quoted_and_rows_end_in_crlf(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """Header and rows are quoted cell by cell, values or none, and end in CR LF."""
    make_items(database, 2)
    out = tmp_path / "out.csv"
    export_items(database, Filter(), out, actor=people["max"])
    content = out.read_bytes()
    assert content.endswith(b'"\r\n')
    lines = content.decode().removesuffix("\r\n").split("\r\n")
    assert len(lines) == 3
    columns = lines[0].count('","') + 1
    for line in lines:
        assert line.startswith('"')
        assert line.endswith('"')
        assert next(csv.reader([line], strict=True, quoting=csv.QUOTE_ALL)) is not None
        assert ",," not in line
    assert len(next(csv.reader([lines[1]]))) == columns == 19


def test_columns_tell_the_item(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """A row tells item, rule, holder, decision, actions and newest hash; times end in Z."""
    (item_id,) = make_items(database)
    with database.transaction() as session:
        verbs.claim(session, item_id, actor=people["ruth"], lease=timedelta(minutes=15))
    with database.transaction() as session:
        verbs.resolve(session, item_id, actor=people["ruth"], note="done")
    out = tmp_path / "out.csv"
    export_items(database, Filter(), out, actor=people["max"])
    (row,) = rows_of(out)
    assert row["provider"] == "SANDERS, MARTHA, MD"
    assert (row["status"], row["resolved_by"], row["notes"]) == ("RESOLVED", "ruth", "done")
    assert (row["version"], row["actions"]) == ("3", "3")
    assert row["evidence"] == "{}"
    resolved_at = row["resolved_at"] or ""
    assert resolved_at.endswith("Z")
    assert abs(datetime.fromisoformat(resolved_at) - datetime.now(UTC)) < timedelta(minutes=5)
    with database.snapshot() as session:
        head = session.scalar(text("SELECT encode(hash, 'hex') FROM work_actions WHERE seq = 3"))
    assert row["last_action_hash"] == head


def test_times_do_not_depend_on_the_session(
    database: Database, server: Any, database_name: str, people: dict[str, Actor], tmp_path: Path
) -> None:
    """Another time zone and date style of the server change nothing in the file."""
    make_items(database, 2)
    plain, other = tmp_path / "plain.csv", tmp_path / "other.csv"
    export_items(database, Filter(), plain, actor=people["max"])
    limits = {"timezone": "Asia/Kolkata", "datestyle": "SQL,DMY"}
    with Database(server.url("app", database_name), limits=limits) as elsewhere:
        export_items(elsewhere, Filter(), other, actor=people["max"])
    assert plain.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(statuses=(Status.OPEN,), priorities=(2,)),
        Filter(statuses=(Status.RESOLVED,)),
        Filter(text="sand mart"),
        Filter(states=("NE", "CA"), rule_ids=("PHONE_MISSING", "ZIP_INVALID")),
        Filter(provider_id=2),
        Filter.waiting("ruth"),
        Filter(created_from=date(2100, 1, 1)),
    ],
)
def test_exactly_the_rows_of_the_filter(
    database: Database, people: dict[str, Actor], tmp_path: Path, wanted: Filter
) -> None:
    """An export holds the items that the inbox lists for the same filter, by id."""
    items = make_items(database, 3) + make_items(database, 2, rule_id="ZIP_INVALID", priority=3)
    with database.transaction() as session:
        verbs.claim(session, items[0], actor=people["ruth"], lease=timedelta(minutes=15))
    out = tmp_path / "out.csv"
    report = export_items(database, wanted, out, actor=people["max"])
    with database.snapshot() as session:
        expected = sorted(ids(session, wanted))
    assert [int(row["id"] or 0) for row in rows_of(out)] == expected
    assert report.rows == len(expected)


def test_manifest_vouches_for_the_file(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """The manifest tells filter, rows, SHA-256, chain heads, time, person and version."""
    make_items(database, 3)
    out = tmp_path / "out.csv"
    wanted = Filter(statuses=(Status.OPEN,), created_from=date(2020, 1, 1))
    report = export_items(database, wanted, out, actor=people["lea"])
    told = json.loads(report.manifest.read_text())
    assert report.manifest == tmp_path / "out.csv.manifest.json"
    assert told["sha256"] == report.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
    assert (told["rows"], told["bytes"]) == (3, out.stat().st_size)
    assert told["filter"] == {"statuses": ["OPEN"], "created_from": "2020-01-01"}
    assert (told["exported_by"], told["via"]) == ("lea", "cli:tester")
    assert told["columns"] == list(rows_of(out)[0])
    with database.snapshot() as session:
        assert told["chain_heads_sha256"] == heads_digest(session)


def test_export_is_a_security_event(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """Who exported what is kept in the database."""
    make_items(database)
    report = export_items(database, Filter(), tmp_path / "out.csv", actor=people["max"])
    with database.snapshot() as session:
        event = session.execute(
            text(
                "SELECT e.detail, e.via, u.username FROM security_events e "
                "JOIN \"user\" u ON u.id = e.user_id WHERE event = 'export'"
            )
        ).one()
    assert (event.username, event.via) == ("max", "cli:tester")
    assert event.detail["sha256"] == report.sha256
    assert (event.detail["rows"], event.detail["what"]) == (1, "items")


def test_role_without_the_right_is_refused(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """A reviewer may not export, and nothing is written."""
    with pytest.raises(NotAllowed, match="reviewer"):
        export_items(database, Filter(), tmp_path / "out.csv", actor=people["ruth"])
    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_kept(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """A file that exists is refused, and replaced only when that is said."""
    make_items(database)
    out = tmp_path / "out.csv"
    out.write_text("precious")
    with pytest.raises(FileExists, match="exists already"):
        export_items(database, Filter(), out, actor=people["max"])
    assert out.read_text() == "precious"
    export_items(database, Filter(), out, actor=people["max"], overwrite=True)
    assert len(rows_of(out)) == 1


@pytest.mark.parametrize("place", ["missing/out.csv", ".", "file/out.csv", "x" * 300])
def test_place_that_cannot_be_written_is_refused(
    database: Database, people: dict[str, Actor], tmp_path: Path, place: str
) -> None:
    """A missing folder, a folder as file, and a name too long are refused in words."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        export_items(database, Filter(), tmp_path / place, actor=people["max"])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_unknown_form_is_refused(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """Only csv and jsonl are written."""
    with pytest.raises(BadInput, match="csv or jsonl"):
        export_items(database, Filter(), tmp_path / "x", actor=people["max"], form="xlsx")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from tests.conftest import person
from workqueue.database import Database
from workqueue.export import export_items
from workqueue.errors import Refusal
from workqueue.inbox import Filter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
with Database(sys.argv[1]) as database:
    try:
        export_items(database, Filter(), Path(sys.argv[2]), actor=person("max"))
    except Refusal as refusal:
        print(refusal)
    with database.snapshot() as session:
        print("still connected")
"""


def test_disk_that_is_too_small_leaves_nothing(
    server: Any, database: Database, database_name: str, people: dict[str, Actor], tmp_path: Path
) -> None:
    """When the file cannot grow, the refusal says so, nothing is left, no event is kept."""
    make_items(database, 50)
    out = tmp_path / "out.csv"
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, server.url("app", database_name), str(out)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert "cannot be written" in run.stdout, run.stderr
    assert "still connected" in run.stdout
    assert list(tmp_path.iterdir()) == []
    with database.snapshot() as session:
        assert not session.scalar(
            text("SELECT count(*) FROM security_events WHERE event = 'export'")
        )


def test_memory_does_not_grow_with_the_rows(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """Fifty megabytes of notes pass through without being held."""
    set_notes(database, make_items(database, 5000), ["x" * 10_000] * 5000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    export_items(database, Filter(), tmp_path / "out.csv", actor=people["max"])
    assert (tmp_path / "out.csv").stat().st_size > 50_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 25_000


def test_corrections_for_the_source(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """A correction tells NPI, source key, field, old, new, who, when, how and whether it lives."""
    (item_id,) = make_items(database)
    ruth = people["ruth"]
    with database.transaction() as session:
        verbs.claim(session, item_id, actor=ruth, lease=timedelta(minutes=15))
    for phone, how in (("3085550142", ""), ("3085550143", "=called")):
        with database.transaction() as session:
            verbs.field_update(
                session, item_id, {"practice_phone": phone}, actor=ruth, verified_how=how
            )
    out = tmp_path / "corrections.csv"
    export_corrections(database, out, actor=person("max"))
    first, second = rows_of(out)
    assert first["npi"] == first["source_key"]
    assert (first["source"], first["field"], first["old"], first["new"]) == (
        "TEST",
        "practice_phone",
        None,
        "3085550142",
    )
    assert (first["live"], first["withdrawn_by"], first["how_verified"]) == ("false", "ruth", None)
    assert (second["live"], second["withdrawn_at"]) == ("true", None)
    assert second["how_verified"] == "=called"
    assert (second["who"], second["item_id"]) == ("ruth", str(item_id))


def test_corrections_since_a_day(
    database: Database, people: dict[str, Actor], tmp_path: Path
) -> None:
    """Corrections made before the day are left out, and the manifest tells the day."""
    (item_id,) = make_items(database)
    with database.transaction() as session:
        verbs.claim(session, item_id, actor=people["ruth"], lease=timedelta(minutes=15))
        verbs.field_update(session, item_id, {"practice_fax": "3085550142"}, actor=people["ruth"])
    today = datetime.now(UTC).date()
    some = export_corrections(database, tmp_path / "a.csv", actor=people["max"], since=today)
    none = export_corrections(
        database, tmp_path / "b.csv", actor=people["max"], since=today + timedelta(days=1)
    )
    assert (some.rows, none.rows) == (1, 0)
    assert json.loads(none.manifest.read_text())["filter"]["since"].endswith("T00:00:00Z")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_heads_of_chains_survive_long_notes(
    database: Database,
    superuser_database: Database,
    people: dict[str, Actor],
    tmp_path: Path,
    form: str,
) -> None:
    """Megabytes of notes with line ends, quotes and commas: the digest of the heads is right."""
    made = make_items(database, 300)
    evil = '",""\n","~"\r\n"1","2"' * 450
    with superuser_database.transaction() as session:
        session.execute(text("UPDATE work_items SET notes = :evil"), {"evil": evil[:9_000]})
    out = tmp_path / f"items.{form}"
    report = export_items(database, Filter(), out, actor=people["max"], form=form)
    assert out.stat().st_size > 2 * 2**20
    manifest = json.loads(report.manifest.read_text(encoding="utf-8"))
    with database.snapshot() as session:
        assert manifest["chain_heads_sha256"] == heads_digest(session)
    assert report.rows == len(made)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == report.sha256
