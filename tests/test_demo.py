"""The demo generator: its file looks like NPPES, and its truth is the whole truth."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path

import pyarrow.csv as pacsv
import pytest
from stdnum import luhn

from workqueue import demo as demo_room
from workqueue.demo import DemoFile, generate, generate_own_source
from workqueue.demo.columns import HEADER
from workqueue.errors import BadInput

AS_OF = date(2026, 6, 1)
ROWS = 12_000
SAMPLE = Path(__file__).parents[2] / "shared" / "data" / "nppes_sample_1000.csv"

LAST, FIRST = "Provider Last Name (Legal Name)", "Provider First Name"
PRACTICE = "Provider Business Practice Location Address "
LINE_1 = "Provider First Line Business Practice Location Address"
CODE_1, LICENSE_1 = "Healthcare Provider Taxonomy Code_1", "Provider License Number_1"
ENUMERATED, UPDATED = "Provider Enumeration Date", "Last Update Date"
STATE_CODES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ "
    "NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY "
    "PR GU VI AS MP FM MH PW AA AE AP"
)
STATES = set(STATE_CODES.split())
NEEDS_LICENSE = re.compile("207|208|1223|122300|163W|363L|364S|3675|1835|111N|152W|213E")

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def truth_of(demo: DemoFile) -> set[tuple[int, str, str]]:
    return {(int(r["line"]), r["rule_id"], r["group_key"]) for r in read(demo.truth)}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoFile:
    out = tmp_path_factory.mktemp("demo") / "npidata.csv"
    return generate(out, rows=ROWS, as_of=AS_OF)


@pytest.fixture(scope="module")
def rows(demo: DemoFile) -> list[Row]:
    return read(demo.path)


def day(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007 - a calendar day


def name_looks_wrong(row: Row) -> bool:
    names = (row[LAST], row[FIRST])
    return len(row[LAST]) == 1 or any(
        re.search(r"\d", name) or name in {"TEST", "UNKNOWN"} or re.fullmatch(r"(.)\1{2,}", name)
        for name in names
    )


def phone_looks_wrong(phone: str) -> bool:
    if not re.fullmatch(r"[2-9]\d\d[2-9]\d{6}", phone) or phone[1:3] == "11" or phone[4:6] == "11":
        return True
    return phone[3:8] == "55501" or len(set(phone)) == 1


def breaks_place(row: Row) -> set[str]:
    if row[PRACTICE + "Country Code (If outside U.S.)"] != "US":
        return set()
    zip_code = row[PRACTICE + "Postal Code"]
    phone = row[PRACTICE + "Telephone Number"]
    checks = {
        "ADDR_PRACTICE_MISSING": not row[LINE_1],
        "PO_BOX_PRACTICE": bool(
            re.match(r"(P\.? ?O\.? ?BOX|POST OFFICE BOX|POB) #?\d", row[LINE_1])
        ),
        "STATE_INVALID": row[PRACTICE + "State Name"] not in STATES,
        "ZIP_INVALID": not re.fullmatch(r"\d{5}(\d{4})?", zip_code) or zip_code[:5] == "00000",
        "PHONE_MISSING": not phone,
        "PHONE_INVALID": bool(phone) and phone_looks_wrong(phone),
    }
    return {rule for rule, broken in checks.items() if broken}


def breaks_alone(row: Row) -> set[str]:
    """Rules about one record that the row breaks, worked out afresh and row by row."""
    slots = [(row[f"{CODE_1[:-1]}{n}"], row[f"{LICENSE_1[:-1]}{n}"]) for n in range(1, 16)]
    enumerated, updated = day(row[ENUMERATED]), day(row[UPDATED])
    npi = row["NPI"]
    checks = {
        "NPI_CHECK_DIGIT": npi[0] not in "12" or not luhn.is_valid("80840" + npi),
        "NAME_LAST_MISSING": not row[LAST],
        "NAME_FIRST_MISSING": not row[FIRST],
        "NAME_SUSPICIOUS": name_looks_wrong(row),
        "TAXONOMY_MISSING": not any(code for code, _ in slots),
        "LICENSE_MISSING": any(NEEDS_LICENSE.match(code) and not held for code, held in slots),
        "DATE_FUTURE": max(enumerated, updated) > AS_OF,
        "DATE_ORDER": updated < enumerated or enumerated < date(2005, 5, 23),
        "RECORD_STALE": updated < AS_OF.replace(year=AS_OF.year - 5),
    }
    return {rule for rule, broken in checks.items() if broken} | breaks_place(row)


def expected_truth(rows: list[Row]) -> set[tuple[int, str, str]]:
    """Every (line, rule, group key) of the file, worked out without looking at the truth."""
    found = set()
    by_npi = defaultdict(set)
    by_license: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for line, row in enumerate(rows, start=2):
        if row["Entity Type Code"] != "1":
            continue
        found |= {(line, rule, "") for rule in breaks_alone(row)}
        by_npi[row["NPI"]].add(line)
        for slot in range(1, 16):
            number = row[f"Provider License Number_{slot}"]
            state = row[f"Provider License Number State Code_{slot}"]
            family = row[f"Healthcare Provider Taxonomy Code_{slot}"][:4]
            if number:
                by_license[f"{number}|{state}|{family}"].add((line, row["NPI"]))
    for npi, lines in by_npi.items():
        found |= {(line, "NPI_DUPLICATE", npi) for line in lines if len(lines) > 1}
    for key, holders in by_license.items():
        if len({npi for _, npi in holders}) > 1:
            found |= {(line, "LICENSE_SHARED", key) for line, _ in holders}
    return found


def test_truth_is_exactly_what_the_file_contains(demo: DemoFile, rows: list[Row]) -> None:
    """Seventeen rules worked out from the file alone give the truth: no more, no less."""
    expected, truth = expected_truth(rows), truth_of(demo)
    assert truth - expected == set()
    assert expected - truth == set()
    assert len({rule for _, rule, _ in truth}) == 17


def test_truth_names_the_npi_of_its_line(demo: DemoFile, rows: list[Row]) -> None:
    """The NPI in the truth is the one that stands in the file on that line, in file order."""
    noted = read(demo.truth)
    assert all(rows[int(n["line"]) - 2]["NPI"] == n["npi"] for n in noted)
    lines = [int(n["line"]) for n in noted]
    assert lines == sorted(lines)


def test_counts_are_those_asked_for(demo: DemoFile, rows: list[Row]) -> None:
    """About 12 % of the individuals carry a defect, 8 % are stale, and the summary counts them."""
    people = sum(row["Entity Type Code"] == "1" for row in rows)
    truth = truth_of(demo)
    defective = {line for line, rule, _ in truth if rule != "RECORD_STALE"}
    assert demo.individuals == people
    assert demo.rows == len(rows) == ROWS
    assert demo.defects == Counter(rule for _, rule, _ in truth)
    # Groups count their lenders too, which adds about 1.5 points.
    assert 0.11 < len(defective) / people < 0.15
    assert 0.07 < demo.defects["RECORD_STALE"] / people < 0.09
    assert 0.81 < people / ROWS < 0.85


def test_some_groups_have_three_members_and_some_records_two_defects(demo: DemoFile) -> None:
    """Groups of two and of three occur in both group rules, and so do records with two rules."""
    truth = truth_of(demo)
    for rule in ("NPI_DUPLICATE", "LICENSE_SHARED"):
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


def test_groups_reach_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a file of several chunks the truth stays exact, and groups span the chunks."""
    monkeypatch.setattr("workqueue.demo.nppes_file.CHUNK_ROWS", 900)
    demo = generate(tmp_path / "many.csv", rows=5_000, seed=9, as_of=AS_OF, defect_scale=2.0)
    truth = truth_of(demo)
    assert truth == expected_truth(read(demo.path))
    chunks = defaultdict(set)
    for line, _, key in truth:
        if key:
            chunks[key].add((line - 2) // 900)
    assert sum(len(spanned) > 1 for spanned in chunks.values()) > 10


@pytest.mark.parametrize("size", [0, 1, 2, 30])
def test_small_files_work(tmp_path: Path, size: int) -> None:
    """A file of no or few rows has its header, its rows and a truth that fits."""
    demo = generate(tmp_path / "small.csv", rows=size, seed=3, as_of=AS_OF)
    found = read(demo.path)
    assert len(found) == size
    assert truth_of(demo) == expected_truth(found)


def test_scale_nought_plants_nothing_and_scale_five_plants_most(tmp_path: Path) -> None:
    """The one scale factor moves all rates together, stale records included."""
    none = generate(tmp_path / "none.csv", rows=3_000, as_of=AS_OF, defect_scale=0)
    assert none.defects == {}
    assert expected_truth(read(none.path)) == set()
    many = generate(tmp_path / "many.csv", rows=3_000, as_of=AS_OF, defect_scale=5)
    truth = truth_of(many)
    assert truth == expected_truth(read(many.path))
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
    with pytest.raises(BadInput, match="choose 0 to 5"):
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
