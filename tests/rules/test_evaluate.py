"""Evaluation as a whole: few and many, oracles, real rows, and what it may touch."""

from __future__ import annotations

import csv
import json
import threading
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn

from tests.rules.cases import HITS, LISTS
from tests.rules.records import AS_OF, COLUMN_SETS, GOOD, fired, found, individuals, table
from workqueue.rules import FINDINGS, RULES, Limits, References, evaluate, needed_columns, rule
from workqueue.rules.batch import FEW
from workqueue.rules.engine import Engine, engine

ARGUMENTS: dict[str, Any] = {
    "column_sets": COLUMN_SETS,
    "as_of": AS_OF,
    "references": LISTS,
}
RECORD_RULES = [one for one in RULES if not one.grouped]


def _mixture() -> pa.Table:
    """Every defect of the rules' table among faultless records."""
    return table(*(change for _, hit in HITS for change in (hit, {})))


def test_a_few_records_are_found_the_same_things_as_many() -> None:
    """The kept plans for a few records and the one scan of many give identical findings."""
    many = _mixture()
    assert many.num_rows > FEW
    expected = evaluate(many, **ARGUMENTS, rules=RECORD_RULES).to_pylist()
    by_id = sorted(expected, key=lambda one: (one["provider_id"], one["rule_id"]))
    singly = [
        finding
        for place in range(many.num_rows)
        for finding in evaluate(many.slice(place, 1), **ARGUMENTS).to_pylist()
    ]
    assert sorted(singly, key=lambda one: (one["provider_id"], one["rule_id"])) == by_id
    assert {one["rule_id"] for one in by_id} == {one.id for one in RECORD_RULES}


def test_groups_of_a_few_are_the_groups_of_many() -> None:
    """A group is the same finding whether its members come alone or among all records."""
    free = {"license_number_1": None, "taxonomy_code_1": "390200000X"}
    others = [{"npi": f"2{number:09d}", **free} for number in range(FEW + 5)]
    twins = [{"id": 1001}, {"id": 1000, "npi": "2234567891"}, {"id": 1002}]
    only = [one for one in RULES if one.grouped]
    alone = evaluate(table(*twins), **ARGUMENTS, rules=only)
    assert alone.num_rows == 2
    assert evaluate(table(*others, *twins), **ARGUMENTS, rules=only).equals(alone)


def test_the_answer_has_the_promised_schema_even_without_records() -> None:
    """No records, and records without findings, give an empty table of findings."""
    for records in (table(), table({}), table(*[{"npi": None, "license_number_1": None}] * 0)):
        findings = evaluate(records, **ARGUMENTS)
        assert findings.schema == FINDINGS
        assert findings.num_rows == 0


def test_evidence_is_canonical_json() -> None:
    """Keys are sorted, nothing is padded, and awkward text survives."""
    awkward = 'R1V"ER\\A \u00e9\t\u2028'
    records = table({"last_name": awkward, "practice_zip": "1", "practice_phone": "5"}, {}, {})
    for finding in evaluate(records, **ARGUMENTS).to_pylist():
        parsed = json.loads(finding["evidence"])
        canonical = json.dumps(parsed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert finding["evidence"] == canonical
    (named,) = found(records, rules=[rule("NAME_SUSPICIOUS")])
    assert named["evidence"] == {"values": {"last_name": awkward}}


def test_evidence_shows_only_what_is_wrong() -> None:
    """Of two states or fifteen slots the evidence has those that break the rule."""
    change = {
        "mailing_state": "QQ",
        "taxonomy_code_12": "208D00000X",
        "taxonomy_code_2": "390200000X",
    }
    wrong = {one["rule_id"]: one["evidence"]["values"] for one in found(table(change))}
    assert wrong == {
        "STATE_INVALID": {"mailing_state": "QQ"},
        "LICENSE_MISSING": {"license_number_12": None, "taxonomy_code_12": "208D00000X"},
    }


def test_the_order_of_threads_does_not_show() -> None:
    """Two runs over many row groups give the same table, row for row."""
    parts = [_mixture() for _ in range(40)]
    records = pa.concat_tables(parts)
    records = records.set_column(0, "id", pa.array(range(records.num_rows), pa.int64()))
    limits = Limits(threads=4)
    first = evaluate(records, **ARGUMENTS, limits=limits)
    assert first.equals(evaluate(records, **ARGUMENTS, limits=limits))
    single = evaluate(parts[0], **ARGUMENTS, rules=RECORD_RULES)
    repeated = evaluate(records, **ARGUMENTS, rules=RECORD_RULES)
    assert repeated.num_rows == 40 * single.num_rows


def test_findings_do_not_depend_on_the_order_of_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB may answer a large table's chunks in another order; the findings stay the same."""
    records = pa.concat_tables([_mixture(), _mixture()])
    records = records.set_column(0, "id", pa.array(range(records.num_rows), pa.int64()))
    in_order = evaluate(records, **ARGUMENTS)
    straight = Engine.ask

    def reversed_answer(self: Engine, text: str, asked: pa.Table) -> pa.Table:
        answer = straight(self, text, asked)
        return answer.take(pa.array(range(answer.num_rows - 1, -1, -1), pa.int64()))

    monkeypatch.setattr(Engine, "ask", reversed_answer)
    assert records.num_rows > FEW
    assert evaluate(records, **ARGUMENTS).equals(in_order)


def test_columns_that_no_rule_needs_may_be_left_out() -> None:
    """The needed columns alone give the same findings, few or many."""
    records = _mixture()
    expected = evaluate(records, **ARGUMENTS)
    assert evaluate(records.select(needed_columns()), **ARGUMENTS).equals(expected)
    few = records.slice(0, 9)
    lean = few.select(needed_columns(RECORD_RULES))
    assert evaluate(lean, **ARGUMENTS, rules=RECORD_RULES).equals(
        evaluate(few, **ARGUMENTS, rules=RECORD_RULES)
    )
    assert "mailing_fax" not in needed_columns()


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"[0-9]{10}", fullmatch=True))
def test_the_check_digit_agrees_with_another_luhn(npi: str) -> None:
    """python-stdnum's Luhn over 80840 and the NPI decides the same for any ten digits."""
    good = npi[0] in "12" and luhn.is_valid("80840" + npi)
    assert (fired({"npi": npi}, rules=[rule("NPI_CHECK_DIGIT")]) == []) == good


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"[12][0-9]{8}", fullmatch=True))
def test_a_computed_check_digit_is_accepted(stem: str) -> None:
    """For each nine digits exactly the check digit of python-stdnum is accepted."""
    right = luhn.calc_check_digit("80840" + stem)
    changes = [{"npi": stem + digit} for digit in "0123456789"]
    wrong = {f"NPI_CHECK_DIGIT:{int(digit) + 1}" for digit in "0123456789" if digit != right}
    assert set(fired(*changes, rules=[rule("NPI_CHECK_DIGIT")])) == wrong


_texts = st.none() | st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12
)


@settings(max_examples=25, deadline=None)
@given(st.fixed_dictionaries({name: _texts for name in sorted(GOOD) if "date" not in name}))
def test_any_text_in_any_field_can_be_evaluated(values: dict[str, Any]) -> None:
    """No text that PostgreSQL can hold breaks an expression, and a few agree with many."""
    change = {**values, "column_set_id": 1}
    few = table(change)
    many = table(change, *[{"npi": None, "license_number_1": None}] * FEW)
    alone = evaluate(few, **ARGUMENTS).to_pylist()
    among = evaluate(many, **ARGUMENTS, rules=RECORD_RULES).to_pylist()
    assert alone == [one for one in among if one["provider_id"] == 1]


def test_real_rows_raise_what_is_true_of_them(shared_data: Path) -> None:
    """On 733 real individuals format rules hardly fire; staleness is what is common."""
    records = individuals(shared_data / "nppes_sample_1000.csv")
    assert records.num_rows == 733
    counts = Counter(one["rule_id"] for one in found(records))
    assert counts.pop("RECORD_STALE") > 400
    assert counts.pop("DATE_FUTURE", 0) == 0
    assert counts == {
        "CREDENTIAL_MISSING": 14,
        "SOLE_PROPRIETOR_UNKNOWN": 65,
        "TAXONOMY_PRIMARY_NONE": 7,
        "LICENSE_MISSING": 1,
        "LICENSE_FORMAT": 1,
        "LICENSE_NO_PRACTICE_STATE": 21,
        "PHONE_INVALID": 2,
        "FAX_INVALID": 1,
        "FAX_EQUALS_PHONE": 5,
        "CERTIFICATION_MISSING": 23,
    }


def test_what_needs_a_licence_can_be_replaced_by_a_list(shared_data: Path) -> None:
    """The operator's list decides instead of the families; what it does not name needs none."""
    path = shared_data / "taxonomy_license_crosswalk.csv"
    with path.open(newline="", encoding="utf-8") as lines:
        pairs = [(row[0], row[2].strip() == "True") for row in list(csv.reader(lines))[1:]]
    listed = References.from_pairs(pairs)
    therapist = {"taxonomy_code_1": "225100000X", "license_number_1": None, "credential": "PT"}
    assert fired(therapist) == ["LICENSE_MISSING:1"]
    assert fired(therapist, references=listed) == []
    doctor = {"license_number_1": None}
    assert fired(doctor, references=listed) == ["LICENSE_MISSING:1"]
    assert fired(doctor, references=References.from_pairs([("208D00000X", True)])) == []
    many = table(*[{**doctor, "npi": None}] * (FEW + 1))
    assert len(found(many, references=listed)) == FEW + 1


def test_threads_do_not_share_a_connection() -> None:
    """Evaluations in several threads at once give what one alone gives."""
    records, answers = _mixture(), []
    expected = evaluate(records, **ARGUMENTS)

    def work() -> None:
        answers.append(evaluate(records, **ARGUMENTS).equals(expected))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 4


def test_the_engine_is_closed_to_files_and_stays_so(tmp_path: Path) -> None:
    """No expression could read or write a file, load an extension or loosen the limits."""
    connection = engine(Limits()).connection
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    for text in (
        f"SELECT * FROM read_csv('{secret}')",
        f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
        f"ATTACH '{tmp_path / 'x.db'}'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '1TB'",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(text)


def test_kept_plans_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long-lived process forgets its plans now and then instead of hoarding them."""
    monkeypatch.setattr("workqueue.rules.engine._KEPT", 5)
    for day in range(1, 9):
        assert fired({"last_name": None}, as_of=date(2026, 7, day)) == ["NAME_LAST_MISSING:1"]
    assert len(engine(Limits(threads=1))._kept) <= 5
