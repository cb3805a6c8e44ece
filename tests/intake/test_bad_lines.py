"""Lines that cannot be loaded are kept with their number, the reason and their raw text."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.intake.files import SMALL, counts, loaded, person, records, rejects, write
from workqueue.database import Database
from workqueue.intake.blocks import blocks
from workqueue.intake.header import Layout
from workqueue.intake.records import MAX_RECORD, Block

HEADER = b"NPI,last_name,first_name\n"


def put(path: Path, *lines: bytes) -> Path:
    path.write_bytes(HEADER + b"".join(lines))
    return path


@pytest.mark.parametrize(
    ("line", "reason", "raw"),
    [
        (b"1000000002,KIM\n", "2 columns where the header has 3", "1000000002,KIM"),
        (b"1000000002,KIM,A,B\r\n", "4 columns where the header has 3", "1000000002,KIM,A,B"),
        (b"1000000002,K\x00M,A\n", "a NUL byte", r"1000000002,K\x00M,A"),
        (b"1000000002,PE\xd1A,A\n", "--encoding windows-1252", r"1000000002,PE\xd1A,A"),
        (b",KIM,A\n", "no NPI", ",KIM,A"),
        (b"  ,KIM,A\n", "no NPI", "  ,KIM,A"),
        (b"   \n", "1 columns", "   "),
        (b"1000000002,K\rM,A\n", "not well-formed csv", "1000000002,K\rM,A"),
        (b"1000000002," + b"K" * 201 + b",A\n", "last_name", None),
        (b'1000000002,"KIM,A\n', "quotation mark", '1000000002,"KIM,A'),
    ],
)
def test_bad_line_among_good_ones(
    database: Database, tmp_path: Path, line: bytes, reason: str, raw: str | None
) -> None:
    """One bad line is rejected with its number, the lines around it are loaded."""
    file = put(tmp_path / "a.csv", b"1000000001,LEE,A\n", line, b"1000000003,ORR,C\n")
    report = loaded(database, file)
    assert counts(report) == {"read": 3, "loaded": 2, "rejected": 1}
    found = rejects(database)
    assert [number for number, _, _ in found] == [3]
    assert reason in found[0][1]
    assert found[0][2] == (raw if raw is not None else line.decode().rstrip("\n"))
    assert records(database, "npi") == [("1000000001",), ("1000000003",)]


def test_declared_encoding_reads_what_is_not_utf8(database: Database, tmp_path: Path) -> None:
    """With --encoding, lines that are not UTF-8 are read in it, and the others as UTF-8."""
    lines = ("1000000001,PEÑA,Ä\n".encode("cp1252"), "1000000002,PEÑA,Ä\n".encode())
    file = put(tmp_path / "a.csv", *lines)
    assert counts(loaded(database, file)) == {"read": 2, "loaded": 1, "rejected": 1}
    report = loaded(database, file, encoding="windows-1252")
    assert counts(report) == {"read": 2, "loaded": 1, "unchanged": 1}
    assert set(records(database, "last_name", "first_name")) == {("PEÑA", "Ä")}


def test_byte_that_no_encoding_has(database: Database, tmp_path: Path) -> None:
    """A byte that is neither UTF-8 nor in the declared encoding rejects its line."""
    file = put(tmp_path / "a.csv", b"1000000001,A\x81,B\n", b"1000000002,C,D\n")
    report = loaded(database, file, encoding="windows-1252")
    assert counts(report) == {"read": 2, "loaded": 1, "rejected": 1}
    assert "neither UTF-8 nor cp1252" in rejects(database)[0][1]


def test_line_numbers_behind_embedded_line_breaks(database: Database, tmp_path: Path) -> None:
    """A record may go over several lines; numbers are those of an editor."""
    file = put(
        tmp_path / "a.csv",
        b'1000000001,"A\nB\r\nC",X\n',
        b"\n",
        b"1000000002,D\n",
        b'1000000003,"E ""F""\n",Y\n',
        b",G,Z\n",
    )
    report = loaded(database, file)
    assert counts(report) == {"read": 4, "loaded": 2, "rejected": 2}
    assert [line for line, _, _ in rejects(database)] == [6, 9]
    assert records(database, "last_name") == [("A\nB\r\nC",), ('E "F"',)]


def test_truncated_last_line(database: Database, tmp_path: Path) -> None:
    """A file that ends in the middle of a line loses that line only."""
    whole = write(tmp_path / "a.csv", SMALL, [person(n) for n in range(5)]).read_bytes()
    for cut in (3, 20, 50):
        file = tmp_path / "b.csv"
        file.write_bytes(whole[:-cut])
        report = loaded(database, file, source=f"cut {cut}")
        assert counts(report) == {"read": 5, "loaded": 4, "rejected": 1}
    assert [line for line, _, _ in rejects(database)] == [6, 6, 6]


def test_last_line_without_its_end(database: Database, tmp_path: Path) -> None:
    """A last line without a line break is a line like any other."""
    assert loaded(database, put(tmp_path / "a.csv", b"1000000001,LEE,A")).loaded == 1


def test_one_open_quotation_mark_takes_one_line(database: Database, tmp_path: Path) -> None:
    """A quotation mark that is never closed rejects its line, not the rest of the file."""
    lines = [b'100000%04d,"LEE",A\n' % n for n in range(2000)]
    lines[10] = b'1000000010,"LEE,A\n'
    report = loaded(database, put(tmp_path / "a.csv", *lines), block_bytes=4096)
    assert counts(report) == {"read": 2000, "loaded": 1999, "rejected": 1}
    assert [line for line, _, _ in rejects(database)] == [12]


def test_endless_line_is_rejected_without_being_kept(database: Database, tmp_path: Path) -> None:
    """A line of megabytes is rejected with its beginning as raw text; the next one is loaded."""
    long = b"1000000001," + b"x" * (3 * MAX_RECORD) + b",A\n"
    file = put(tmp_path / "a.csv", long, b"1000000002,LEE,A\n")
    for size in (4096, 32 << 20):
        report = loaded(database, file, block_bytes=size, source=f"by {size}")
        assert counts(report) == {"read": 2, "loaded": 1, "rejected": 1}
    first, second = rejects(database)
    assert first == second
    assert first[0] == 2
    assert "a record may have" in first[1]
    assert len(first[2]) < 20_000


@pytest.mark.parametrize(
    ("entity", "deactivated", "reason"),
    [
        ("3", "", "neither 1 nor 2"),
        ("X", "", "neither 1 nor 2"),
        ("", "", "Entity Type Code"),
        ("", "soon", "deactivation date"),
    ],
)
def test_row_of_no_entity_type(
    database: Database, tmp_path: Path, entity: str, deactivated: str, reason: str
) -> None:
    """A row that is neither individual, organisation nor deactivation is rejected."""
    columns = (*SMALL, "deactivation_date")
    row = person(1, **{"Entity Type Code": entity, "deactivation_date": deactivated})
    report = loaded(database, write(tmp_path / "a.csv", columns, [row, person(2)]))
    assert counts(report) == {"read": 2, "loaded": 1, "rejected": 1}
    assert reason in rejects(database)[0][1]


def cut(data: bytes, block_bytes: int, resume_at: int = 0) -> list[Block]:
    layout = Layout("providers", 2, {"npi": 0, "last_name": 1}, ("last_name", "npi"), 0, 1)
    return list(blocks(io.BytesIO(data), layout, "utf-8", block_bytes, resume_at))


def rows(found: list[Block]) -> list[tuple[int, str, str]]:
    return [
        (int(line), values["npi"] or "", values["last_name"] or "")
        for block in found
        for line, values in zip(block.lines, block.table.to_pylist(), strict=True)
    ]


CELLS = st.text(alphabet='ab",\n\r é', max_size=6)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS), max_size=12),
    st.integers(min_value=1, max_value=60),
    st.sampled_from(["\n", "\r\n"]),
)
def test_well_formed_csv_is_read_as_by_python(
    cells: list[tuple[str, str]], block_bytes: int, line_end: str
) -> None:
    """Any well-formed csv gives the values and line numbers of Python's csv, in any blocks."""
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(cells)
    data = text.getvalue()
    expected, line = [], 1
    for first, second in cells:
        expected.append((line, first, second))
        line += 1 + first.count("\n") + second.count("\n")
    found = cut(data.encode(), block_bytes)
    assert rows(found) == expected
    assert not [reject for block in found for reject in block.rejects]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=80) | st.text(alphabet='ab",\n\r\0é', max_size=80).map(str.encode),
    st.integers(min_value=1, max_value=100),
)
def test_every_line_of_anything_is_accounted_for(data: bytes, block_bytes: int) -> None:
    """Whatever the bytes: each non-blank line is in one row or one reject, in any blocks."""
    found = cut(data, block_bytes)
    lines = io.BytesIO(data).readlines()
    raws = {
        int(block.lines[row]): block.raw(row) for block in found for row in range(len(block.lines))
    }
    bad = {reject.line: reject for block in found for reject in block.rejects}
    assert not raws.keys() & bad.keys()
    begun = raws.keys() | bad.keys()
    texts = raws | {line: reject.raw for line, reject in bad.items()}
    spanned = {line + more for line, raw in texts.items() for more in range(1, raw.count("\n") + 1)}
    filled = {n for n, line in enumerate(lines, 1) if line.strip(b"\r\n")}
    assert begun <= set(range(1, len(lines) + 1))
    assert filled <= begun | spanned
    if found:
        assert found[-1].end == len(data)
    whole = cut(data, 1 << 20)
    assert rows(found) == rows(whole)
    assert bad == {reject.line: reject for block in whole for reject in block.rejects}


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='ab",\n\r', max_size=80), st.integers(1, 40), st.integers(1, 40))
def test_reading_again_stops_where_it_stopped(text: str, one: int, two: int) -> None:
    """Read again in other blocks, one block ends where the first reading was broken off."""
    data = text.encode()
    first = cut(data, one)
    for stop in {block.end for block in first}:
        again = cut(data, two, resume_at=stop)
        assert stop in {block.end for block in again}
        assert rows(again) == rows(first)
