"""Rules across sources: where sources contradict each other, where they nearly do, and blanks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.rules.cases import switchboard
from tests.rules.records import fired, found, table
from workqueue.rules import RULES, rule, words
from workqueue.rules.sources import PHONE_NPIS

OWN: Mapping[str, Any] = {"source": "CLINIC"}
OTHER = "2234567891"
SAYS: list[tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    # Rule, attribute, what contradicts the good record, what nearly does, and what says nothing.
    ("NAME_CONFLICT", "last_name", {"last_name": "RIVER"}, {"last_name": "Rivéra, Jr."}, {}),
    ("NAME_CONFLICT", "last_name", {"last_name": "ST RIVERA"}, {"last_name": "RI-VERA"}, {}),
    ("NAME_CONFLICT", "first_name", {"first_name": "ANNE"}, {"first_name": "a."}, {}),
    ("SOURCE_CONFLICT", "sex", {"sex": "M"}, {"sex": "f"}, {"sex": "U"}),
    (
        "SOURCE_CONFLICT",
        "practice_state",
        {"practice_state": "OK"},
        {"practice_state": "tx"},
        {"practice_state": "OK", "practice_country": "CA"},
    ),
    (
        "SOURCE_CONFLICT",
        "practice_zip",
        {"practice_zip": "78702"},
        {"practice_zip": "78701-9999"},
        {"practice_zip": "7870"},
    ),
    (
        "SOURCE_CONFLICT",
        "practice_phone",
        {"practice_phone": "5124720198"},
        {"practice_phone": "+1 (512) 472-0199 x4"},
        {"practice_phone": "472-0198"},
    ),
    (
        "SOURCE_CONFLICT",
        "practice_fax",
        {"practice_fax": "5124720001"},
        {"practice_fax": "1-512-472-0000"},
        {"practice_fax": "472-0001"},
    ),
    (
        "SOURCE_CONFLICT",
        "taxonomy_code_1",
        {"taxonomy_code_1": "208D00000X"},
        {"taxonomy_code_1": "208D00000X", "taxonomy_code_2": "207RC0000X"},
        {"taxonomy_code_1": "20"},
    ),
    (
        "SOURCE_CONFLICT",
        "license_number_1",
        {"license_number_1": "K1235"},
        {"license_number_1": "TX-00 1234"},
        {"license_number_1": "PENDING"},
    ),
    (
        "SOURCE_CONFLICT",
        "license_number_1",
        {"license_number_1": "K1235"},
        {"license_number_1": "K1235", "license_state_1": "OK"},
        {"license_number_1": "K1235", "license_state_1": None},
    ),
]
GOOD = {"sex": "F", "practice_fax": "5124720000"}


def _conflicts(rule_id: str, *changes: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Source and value of each side, by attribute; of one finding at most."""
    told = table(*changes)
    findings = [one for one in found(told, rules=[rule(rule_id)]) if one["members"]]
    assert len(findings) <= 1
    return {
        line["field"]: [(side["source"], side["value"]) for side in line["sides"]]
        for one in findings
        for line in one["evidence"]["conflicts"]
    }


@pytest.mark.parametrize(("rule_id", "field", "hit", "miss", "nothing"), SAYS, ids=str)
def test_sources_contradict_each_other(
    rule_id: str, field: str, hit: dict[str, Any], miss: dict[str, Any], nothing: dict[str, Any]
) -> None:
    """Another value is a conflict; another way of writing it, a blank and an unknown are none."""
    (name,) = [one for one in hit if one == field]
    good = table(GOOD).to_pylist()[0]
    assert _conflicts(rule_id, GOOD, {**GOOD, **OWN, **hit}) == {
        field: [("CLINIC", hit[name]), ("NPPES", good[name])]
    }
    assert _conflicts(rule_id, GOOD, {**GOOD, **OWN, **miss}) == {}
    assert _conflicts(rule_id, GOOD, {**GOOD, **OWN, **nothing}) == {}
    assert _conflicts(rule_id, GOOD, {**GOOD, **OWN, **dict.fromkeys(hit)}) == {}


def test_one_disagreement_is_one_finding() -> None:
    """Three sources of one NPI make one finding with all that they say; names make another."""
    own = {
        **GOOD,
        **OWN,
        "practice_phone": "5124720198",
        "practice_zip": "10001",
        "last_name": "LOPEZ",
    }
    board = {**GOOD, "source": "BOARD", "practice_phone": None, "license_number_1": "K77"}
    both = [rule("NAME_CONFLICT"), rule("SOURCE_CONFLICT")]
    assert fired(GOOD, own, board, rules=both) == [
        "NAME_CONFLICT:1234567893",
        "SOURCE_CONFLICT:group:1234567893",
    ]
    told = _conflicts("SOURCE_CONFLICT", GOOD, own, board)
    assert told.keys() == {"practice_phone", "practice_zip", "license_number_1"}
    assert told["license_number_1"] == [("BOARD", "K77"), ("CLINIC", "K1234"), ("NPPES", "K1234")]


def test_what_two_records_of_a_source_say_counts_together() -> None:
    """A source that has a provider twice contradicts another only if neither record agrees."""
    other = {"practice_phone": "5124720198"}
    assert _conflicts("SOURCE_CONFLICT", {}, other, {**OWN, **other}) == {}
    assert _conflicts("SOURCE_CONFLICT", {}, other, {**OWN, "practice_phone": "5124720197"})


def test_other_npis_and_deactivated_records_contradict_nobody() -> None:
    """Only live records of one well-formed NPI are set side by side."""
    differs = {**OWN, "last_name": "LOPEZ", "practice_phone": "5124720197"}
    free = {"license_number_1": "K9"}
    assert fired({}, {**differs, "npi": OTHER, **free}) == []
    gone = {**differs, "deactivation_date": table({}).to_pylist()[0]["enumeration_date"]}
    assert fired({}, gone) == []
    blank = [{"npi": None}, {**differs, "npi": None, "source": "NPPES", **free}]
    assert fired(*blank) == []


def test_conflicts_are_told_in_words() -> None:
    """The sentence names the attribute, and each source with what it says."""
    (finding,) = found(table({}, {**OWN, "license_number_1": "K77"}))
    assert words("SOURCE_CONFLICT", finding["evidence"]) == (
        "The sources of NPI 1234567893 disagree: licence number (TX physician): "
        "CLINIC K77, NPPES K1234"
    )


def test_a_phone_of_many_npis_in_many_states_is_overshared() -> None:
    """Twenty NPIs in three states are a finding; nineteen, two states or no phone are none."""
    only = [rule("PHONE_OVERSHARED")]
    assert fired(*switchboard(PHONE_NPIS), rules=only) == ["PHONE_OVERSHARED:NPPES:5124720199"]
    assert fired(*switchboard(PHONE_NPIS - 1), rules=only) == []
    two = switchboard(PHONE_NPIS)
    for one in two:
        one["practice_state"] = "TX" if one["practice_state"] == "NM" else one["practice_state"]
    assert fired(*two, rules=only) == []
    assert fired(*switchboard(PHONE_NPIS, practice_phone=None), rules=only) == []
    assert fired(*switchboard(PHONE_NPIS, npi="1234567893"), rules=only) == []


@pytest.mark.parametrize("one", [one for one in RULES if one.group], ids=lambda one: one.id)
def test_members_can_be_found_by_what_is_stored(one: Any) -> None:
    """A rule about groups names the stored columns of its key, which the trigger keeps too."""
    from tests.migration import kept_keys  # noqa: PLC0415 - a migration is no module

    names = {name for name, _ in one.group.keys}
    assert one.group.found_by
    assert {key for _, key in one.group.found_by} <= names
    kept = kept_keys()
    fields = {field.replace("{n}", "15") for field in one.group.fields}
    assert {column.replace("{n}", "15") for column, _ in one.group.found_by} <= kept
    assert fields - {"practice_state"} <= kept
