"""The demo generator: its file looks like NPPES, and its truth is the whole truth."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import pyarrow.csv as pacsv
import pytest
from stdnum import luhn

from tests.demo_opinion import (
    ENUMERATED,
    FIRST,
    LAST,
    LINE_1,
    PRACTICE,
    UPDATED,
    Broken,
    Row,
    day,
    opinion,
    taxonomy_codes,
)
from workqueue import demo as demo_room
from workqueue.demo import DemoFile, generate, generate_own_source
from workqueue.demo.columns import HEADER
from workqueue.errors import BadInput

AS_OF = date(2026, 6, 1)
ROWS = 12_000
LICENSE_1 = "Provider License Number_1"
SAMPLE = Path(__file__).parents[2] / "shared" / "data" / "nppes_sample_1000.csv"

APART = {"DUPLICATE", "EXCLUDED_LEIE"}  # what cannot be seen in the file alone


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def truth_of(demo: DemoFile) -> Broken:
    return {(int(r["line"]), r["rule_id"], r["group_key"]) for r in read(demo.truth)}


def alone(truth: Broken) -> Broken:
    return {noted for noted in truth if noted[1] not in APART}


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Row]:
    return taxonomy_codes(tmp_path_factory.mktemp("codes"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFile:
    out = tmp_path_factory.mktemp("demo") / "npidata.csv"
    return generate(out, rows=ROWS, as_of=AS_OF)


@pytest.fixture(scope="module")
def rows(demo: DemoFile) -> list[Row]:
    return read(demo.path)


def test_truth_is_exactly_what_the_file_contains(
    demo: DemoFile, rows: list[Row], codes: dict[str, Row]
) -> None:
    """Thirty-nine rules worked out from the file alone give the truth: no more, no less."""
    expected, truth = opinion(rows, AS_OF, codes), alone(truth_of(demo))
    assert truth - expected == set()
    assert expected - truth == set()
    assert len({rule for _, rule, _ in truth}) == 39


def test_truth_names_the_npi_of_its_line(demo: DemoFile, rows: list[Row]) -> None:
    """The NPI in the truth is the one that stands in the file on that line, in file order."""
    noted = read(demo.truth)
    assert all(rows[int(n["line"]) - 2]["NPI"] == n["npi"] for n in noted)
    lines = [int(n["line"]) for n in noted]
    assert lines == sorted(lines)


def test_counts_are_those_asked_for(demo: DemoFile, rows: list[Row]) -> None:
    """About 17 % of the individuals carry a defect, 8 % are stale, and the summary counts them."""
    people = sum(row["Entity Type Code"] == "1" for row in rows)
    truth = truth_of(demo)
    defective = {line for line, rule, _ in truth if rule != "RECORD_STALE"}
    assert demo.individuals == people
    assert demo.rows == len(rows) == ROWS
    assert demo.defects == Counter(rule for _, rule, _ in truth)
    # Groups count their lenders too, which adds about 2.5 points.
    assert 0.17 < len(defective) / people < 0.23
    most = max(count for rule, count in demo.defects.items() if rule != "RECORD_STALE")
    assert most / people < 0.03
    assert 0.07 < demo.defects["RECORD_STALE"] / people < 0.09
    assert 0.81 < people / ROWS < 0.85


def test_some_groups_have_three_members_and_some_records_two_defects(demo: DemoFile) -> None:
    """Groups of two and of three occur in both group rules, and so do records with two rules."""
    truth = truth_of(demo)
    for rule in ("NPI_DUPLICATE", "LICENSE_SHARED", "DUPLICATE"):
        assert set(Counter(k for _, r, k in truth if r == rule).values()) == {2, 3}
    per_line = Counter(line for line, rule, _ in truth if rule != "RECORD_STALE")
    assert max(per_line.values()) >= 2


def test_stale_records_lie_on_both_sides_of_ten_years(demo: DemoFile, rows: list[Row]) -> None:
    """About three in ten stale records are older than ten years, the rest five to ten."""
    updates = [day(rows[n - 2][UPDATED]) for n, r, _ in truth_of(demo) if r == "RECORD_STALE"]
    old = sum(updated < date(2016, 6, 1) for updated in updates)
    assert 0.2 < old / len(updates) < 0.4


def test_header_is_that_of_nppes() -> None:
    """The 330 columns are unique, with the sex code in column 42, as in the published file."""
    assert len(HEADER) == len(set(HEADER)) == 330
    assert HEADER[41] == "Provider Sex Code"
    if not SAMPLE.exists():
        pytest.skip("the NPPES sample to compare the header with is not here")
    with SAMPLE.open(newline="") as file:
        assert tuple(next(csv.reader(file))) == HEADER


def test_file_is_written_as_cms_writes(demo: DemoFile) -> None:
    """Every value is quoted, empty ones too; lines end with LF; pyarrow reads 330 columns back."""
    raw = demo.path.read_bytes()
    assert raw.endswith(b'"\n')
    assert b"\r" not in raw
    lines = raw.decode("ascii").splitlines()
    assert all(line.startswith('"') and line.count('","') == 329 for line in lines)
    table = pacsv.read_csv(demo.path)
    assert (table.num_rows, table.num_columns) == (ROWS, 330)


def test_clean_rows_look_real(demo: DemoFile, rows: list[Row]) -> None:
    """Clean people have valid own NPIs, one primary taxonomy and dates in order."""
    bad = {line for line, _, _ in truth_of(demo)}
    seen = set()
    for line, row in enumerate(rows, start=2):
        if row["Entity Type Code"] != "1" or line in bad:
            continue
        assert luhn.is_valid("80840" + row["NPI"])
        assert row["NPI"] not in seen
        seen.add(row["NPI"])
        assert row["Employer Identification Number (EIN)"] == ""
        switches = [row[f"Healthcare Provider Primary Taxonomy Switch_{n}"] for n in (1, 2)]
        assert switches.count("Y") == 1
        dates = [row[c] for c in (ENUMERATED, "NPI Deactivation Date", "NPI Reactivation Date")]
        dates += [row["Certification Date"] or row[UPDATED], row[UPDATED]]
        in_order = [day(text) for text in dates if text]
        assert in_order == sorted(in_order)
    assert len(seen) > ROWS / 2


def test_near_misses_are_among_the_clean_rows(demo: DemoFile, rows: list[Row]) -> None:
    """Streets like a box, boxes for mail, practices abroad and repeated numbers are no defects."""
    bad = {line for line, _, _ in truth_of(demo)}
    clean = [row for line, row in enumerate(rows, start=2) if line not in bad]
    people = [row for row in clean if row["Entity Type Code"] == "1"]
    assert any("BOX" in row[LINE_1] for row in people)
    mailing = "Provider First Line Business Mailing Address"
    assert any(row[mailing].startswith("PO BOX") for row in people)
    assert {row[PRACTICE + "Country Code (If outside U.S.)"] for row in people} > {"US", "CA"}
    assert {row[PRACTICE + "State Name"] for row in people} & {"PR", "AE", "AP", "AA"}
    assert Counter(row[LICENSE_1] for row in people if row[LICENSE_1]).most_common(1)[0][1] > 1
    assert any(row["NPI Reactivation Date"] for row in people)


def test_organisations_and_deactivated_rows(rows: list[Row]) -> None:
    """Organisations hide their EIN; deactivated rows hold an NPI and a deactivation date only."""
    kinds = Counter(row["Entity Type Code"] for row in rows)
    assert 0.12 < kinds["2"] / ROWS < 0.18
    assert 0.01 < kinds[""] / ROWS < 0.03
    for row in rows:
        if row["Entity Type Code"] == "2":
            assert row["Employer Identification Number (EIN)"] == "<UNAVAIL>"
            assert row["Provider Organization Name (Legal Business Name)"]
            assert not row[LAST]
        elif not row["Entity Type Code"]:
            filled = {name for name, value in row.items() if value}
            assert filled == {"NPI", "NPI Deactivation Date"}


def test_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    """Seed and size decide every byte of file and truth; another seed gives another file."""
    first, again, other = (
        generate(tmp_path / name, rows=700, seed=seed, as_of=AS_OF)
        for name, seed in (("a.csv", 4), ("b.csv", 4), ("c.csv", 5))
    )
    assert first.path.read_bytes() == again.path.read_bytes()
    assert first.truth.read_bytes() == again.truth.read_bytes()
    assert first.path.read_bytes() != other.path.read_bytes()


def test_groups_reach_across_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: dict[str, Row]
) -> None:
    """In a file of several chunks the truth stays exact, and groups span the chunks."""
    monkeypatch.setattr("workqueue.demo.nppes_file.CHUNK_ROWS", 900)
    demo = generate(tmp_path / "many.csv", rows=5_000, seed=9, as_of=AS_OF, defect_scale=2.0)
    truth = truth_of(demo)
    assert alone(truth) == opinion(read(demo.path), AS_OF, codes)
    chunks = defaultdict(set)
    for line, _, key in truth:
        if key:
            chunks[key].add((line - 2) // 900)
    assert sum(len(spanned) > 1 for spanned in chunks.values()) > 10


@pytest.mark.parametrize("size", [0, 1, 2, 30])
def test_small_files_work(tmp_path: Path, size: int, codes: dict[str, Row]) -> None:
    """A file of no or few rows has its header, its rows and a truth that fits."""
    demo = generate(tmp_path / "small.csv", rows=size, seed=3, as_of=AS_OF)
    found = read(demo.path)
    assert len(found) == size
    assert alone(truth_of(demo)) == opinion(found, AS_OF, codes)


def test_scale_nought_plants_nothing_and_scale_three_plants_most(
    tmp_path: Path, codes: dict[str, Row]
) -> None:
    """The one scale factor moves all rates together, stale records included."""
    none = generate(tmp_path / "none.csv", rows=3_000, as_of=AS_OF, defect_scale=0)
    assert none.defects == {}
    assert opinion(read(none.path), AS_OF, codes) == set()
    many = generate(tmp_path / "many.csv", rows=3_000, as_of=AS_OF, defect_scale=3)
    truth = truth_of(many)
    assert alone(truth) == opinion(read(many.path), AS_OF, codes)
    assert len({line for line, _, _ in truth}) > 0.6 * many.individuals


def test_progress_counts_up_to_all_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told the rows written so far, the last time all of them."""
    monkeypatch.setattr("workqueue.demo.nppes_file.CHUNK_ROWS", 40)
    told: list[int] = []
    generate(tmp_path / "p.csv", rows=100, as_of=AS_OF, progress=told.append)
    assert told == [40, 80, 100]


def test_impossible_requests_are_refused_in_words(tmp_path: Path) -> None:
    """A negative size, an early day, a wild scale and a missing folder leave nothing behind."""
    out = tmp_path / "no.csv"
    with pytest.raises(BadInput, match="rows cannot be generated"):
        generate(out, rows=-1, as_of=AS_OF)
    with pytest.raises(BadInput, match="too early"):
        generate(out, rows=1, as_of=date(2010, 1, 1))
    with pytest.raises(BadInput, match="choose 0 to 3"):
        generate(out, rows=1, as_of=AS_OF, defect_scale=9)
    with pytest.raises(BadInput, match="cannot be written"):
        generate(tmp_path / "absent" / "no.csv", rows=1, as_of=AS_OF)
    assert list(tmp_path.iterdir()) == []


def test_own_source_is_about_the_same_people(tmp_path: Path, rows: list[Row]) -> None:
    """An own extract repeats names and NPIs of the NPPES file; its truth tells the blank NPIs."""
    own = generate_own_source(tmp_path / "own.csv", rows=2_000, as_of=AS_OF)
    found = read(own.path)
    blank = {line for line, row in enumerate(found, start=2) if not row["NPI"]}
    assert truth_of(own) == {(line, "NPI_MISSING", "") for line in blank}
    assert 0.01 < len(blank) / 2_000 < 0.05
    assert len({row["Source Key"] for row in found}) == 2_000
    published = {row["NPI"]: row[LINE_1] for row in rows}
    same = sum(published.get(row["NPI"]) == row[LINE_1] for row in found)
    assert same > 1_400


def test_generator_shares_nothing_with_the_rules() -> None:
    """No file of the generator imports the rules or the field catalogue that it is to test."""
    folder = Path(demo_room.__path__[0])
    for source in folder.glob("*.py"):
        imports = re.findall(r"(?:from|import) (workqueue\.\w+)", source.read_text("utf-8"))
        assert set(imports) <= {"workqueue.demo", "workqueue.errors"}


def test_near_misses_are_noted_and_break_no_rule(tmp_path: Path) -> None:
    """Every kind of near miss occurs, on rows that are not in the truth or are shared by others."""
    demo = generate(tmp_path / "near.csv", rows=20_000, seed=2, as_of=AS_OF)
    near = read(demo.near)
    bad = {(line, rule) for line, rule, _ in truth_of(demo)}
    assert len({noted["kind"] for noted in near}) >= 19
    assert {line for line, _ in bad}.isdisjoint(int(noted["line"]) for noted in near)
    pairs = [noted for noted in near if noted["pair"]]
    assert all(noted["pair"] != noted["npi"] for noted in pairs)


def test_second_entries_are_of_one_person(demo: DemoFile, rows: list[Row]) -> None:
    """Under each key of DUPLICATE stand two or three records with as many NPIs, alike in most."""
    clusters = defaultdict(list)
    for line, rule, key in truth_of(demo):
        if rule == "DUPLICATE":
            clusters[key].append(rows[line - 2])
    assert set(map(len, clusters.values())) == {2, 3}
    changed: Counter[str] = Counter()
    for key, members in clusters.items():
        assert len({row["NPI"] for row in members}) == len(members)
        [first] = [row for row in members if row["NPI"] == key]
        for row in members:
            changed.update(name for name in (LAST, FIRST, LINE_1) if row[name] != first[name])
            assert row["Provider Sex Code"] == first["Provider Sex Code"]
    assert min(changed[name] for name in (LAST, FIRST, LINE_1)) > 20


def test_exclusions_name_the_planted_people(demo: DemoFile, rows: list[Row]) -> None:
    """Each planted person is on the list by NPI or by name and state; nobody else is in force."""
    listed = [row for row in read(demo.leie) if row["REINDATE"] == "00000000" and row["LASTNAME"]]
    npis = {row["NPI"] for row in listed} - {"0000000000"}
    by_name = {
        (row["LASTNAME"], row["FIRSTNAME"], row["STATE"])
        for row in listed
        if row["NPI"] == "0000000000"
    }
    found = {
        line
        for line, row in enumerate(rows, start=2)
        if row["NPI"] in npis or (row[LAST], row[FIRST], row[PRACTICE + "State Name"]) in by_name
    }
    assert found == {line for line, rule, _ in truth_of(demo) if rule == "EXCLUDED_LEIE"}
    assert len(npis) > 5
    assert len(found) - len(npis) > 2


def test_own_source_contradicts_nppes_where_it_says_so(tmp_path: Path, demo: DemoFile) -> None:
    """Beside NPPES an own file differs in a planted attribute, or only in how it is written."""
    own = generate_own_source(tmp_path / "own.csv", rows=6_000, as_of=AS_OF, nppes=demo)
    published = {row["NPI"]: row for row in read(demo.path)}
    found = read(own.path)
    broken: dict[int, set[str]] = defaultdict(set)
    for line, rule, _ in truth_of(own):
        broken[line].add(rule)
    for line, row in enumerate(found, start=2):
        there, rules = published.get(row["NPI"]), broken[line]
        assert ("NPI_MISSING" in rules) == (not row["NPI"])
        assert ("NPI_NOT_IN_NPPES" in rules) == (bool(row["NPI"]) and there is None)
        if there is None:
            continue
        assert ("NPI_DEACTIVATED_ACTIVE" in rules) == (not there["Entity Type Code"])
        assert ("NPI_REPLACED" in rules) == bool(there["Replacement NPI"])
        if there["Entity Type Code"]:
            assert bool(rules & {"SOURCE_CONFLICT"}) == (_plain(row) != _plain(there))
            assert bool(rules & {"NAME_CONFLICT"}) == (_letters(row) != _letters(there))
    assert {rule for rules in broken.values() for rule in rules} == {
        *("NPI_MISSING", "NPI_NOT_IN_NPPES", "NPI_DEACTIVATED_ACTIVE", "NPI_REPLACED"),
        *("SOURCE_CONFLICT", "NAME_CONFLICT", "DUPLICATE"),
    }


def _plain(row: Row) -> tuple[str, ...]:
    phone = re.sub(r"\D", "", row[PRACTICE + "Telephone Number"])
    state, code = row[PRACTICE + "State Name"].upper(), row[PRACTICE + "Postal Code"][:5]
    return phone, state, code, row[LICENSE_1], row["Healthcare Provider Taxonomy Code_1"][:4]


def _letters(row: Row) -> list[str]:
    return [re.sub("[^A-Z]", "", row[name].upper()) for name in (LAST, FIRST)]
