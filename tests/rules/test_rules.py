"""Each rule: where it fires, where it nearly does, and where it must not."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from tests.rules.cases import (
    CURED,
    GROUP_HITS,
    GROUP_MISSES,
    GROUP_NULLS,
    HITS,
    LISTS,
    MISSES,
    NOTHING_SUGGESTED,
    SAYS_SO_OF_BLANK,
)
from tests.rules.records import ALL_FIELDS, AS_OF, fired, found, table
from workqueue.fields import BY_NAME, SLOTS
from workqueue.rules import RULES, Rule, rule, words
from workqueue.rules.sql import slot
from workqueue.values import parse

BLANKS = dict.fromkeys(ALL_FIELDS)
SAYS_NOTHING_OF_BLANK = sorted(
    {one.id for one in RULES if not one.grouped and not one.id.endswith("_MISSING")}
    - SAYS_SO_OF_BLANK
)


def fires(rule_id: str, *changes: dict[str, Any], **arguments: Any) -> list[str]:
    """The fingerprints of what one rule finds, with all lists loaded."""
    day = changes[0].get("as_of", AS_OF)
    return fired(*changes, rules=[rule(rule_id)], references=LISTS, as_of=day, **arguments)


def test_a_faultless_record_raises_nothing() -> None:
    """The record that the other tests change has no finding of its own."""
    assert fired({}) == []


@pytest.mark.parametrize(("rule_id", "change"), HITS, ids=str)
def test_a_defect_is_found(rule_id: str, change: dict[str, Any]) -> None:
    """One defect raises its rule, for its record only."""
    assert fires(rule_id, {**change, "id": 7}, {}) == [f"{rule_id}:7"]


@pytest.mark.parametrize("rule_id", sorted({rule_id for rule_id, _ in HITS}))
def test_one_defect_is_one_finding(rule_id: str) -> None:
    """Of the cases of a rule there is one that no other rule has anything to say about."""
    changes = [change for wanted, change in HITS if wanted == rule_id and "as_of" not in change]
    alone = ({one["rule_id"] for one in found(table(change))} <= {rule_id} for change in changes)
    assert any(alone)


@pytest.mark.parametrize(("rule_id", "change"), MISSES, ids=str)
def test_what_is_nearly_a_defect_is_left_alone(rule_id: str, change: dict[str, Any]) -> None:
    """A real name, a foreign address or a day on the border raises nothing."""
    assert fires(rule_id, change) == []


@pytest.mark.parametrize(("rule_id", "changes"), GROUP_HITS, ids=str)
def test_a_group_is_found(rule_id: str, changes: list[dict[str, Any]]) -> None:
    """Records that share what they should not share are one finding."""
    assert len(fires(rule_id, *changes)) == 1


@pytest.mark.parametrize(("rule_id", "changes"), [*GROUP_MISSES, *GROUP_NULLS], ids=str)
def test_what_is_nearly_a_group_is_left_alone(rule_id: str, changes: list[dict[str, Any]]) -> None:
    """Records that share what they may share, or nothing at all, are none."""
    assert fires(rule_id, *changes) == []


@pytest.mark.parametrize("rule_id", SAYS_NOTHING_OF_BLANK)
def test_a_blank_field_is_no_wrong_value(rule_id: str) -> None:
    """A record without any value raises only what says that values are missing."""
    assert fires(rule_id, BLANKS) == []


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_every_rule_has_its_cases(one: Rule) -> None:
    """No rule of the catalogue is without a hit, a near miss, and a word on blank values."""
    hits, misses = (GROUP_HITS, GROUP_MISSES) if one.grouped else (HITS, MISSES)
    assert one.id in {rule_id for rule_id, _ in hits}
    assert one.id in {rule_id for rule_id, _ in misses}
    if one.grouped:
        assert one.id in {rule_id for rule_id, _ in GROUP_NULLS}
    else:
        assert (one.id in SAYS_NOTHING_OF_BLANK) != (
            one.id in SAYS_SO_OF_BLANK or one.id.endswith("_MISSING")
        )


@pytest.mark.parametrize(("rule_id", "change", "suggested"), CURED, ids=str)
def test_what_is_suggested_cures(
    rule_id: str, change: dict[str, Any], suggested: dict[str, str]
) -> None:
    """The suggested value is one that a person could enter, and with it the finding is gone."""
    (one,) = found(table(change), rules=[rule(rule_id)], references=LISTS)
    assert one["evidence"]["suggested"] == suggested
    for name, value in suggested.items():
        assert parse(BY_NAME[name], value) == value
    assert fires(rule_id, {**change, **suggested}) == []


@pytest.mark.parametrize(("rule_id", "change"), NOTHING_SUGGESTED, ids=str)
def test_nothing_is_suggested_that_is_not_sure(rule_id: str, change: dict[str, Any]) -> None:
    """Where the record does not say what is right, the evidence has no suggestion."""
    (one,) = found(table(change), rules=[rule(rule_id)], references=LISTS)
    assert "suggested" not in one["evidence"]


@pytest.mark.parametrize("one", [one for one in RULES if one.suggests], ids=lambda one: one.id)
def test_every_suggestion_is_tried(one: Rule) -> None:
    """No rule suggests anything without a case that cures and a case without a suggestion."""
    fields = {slot(name, 1) for name, _ in one.suggests}
    tried = [set(suggested) for rule_id, _, suggested in CURED if rule_id == one.id]
    assert {re.sub(r"_\d+$", "_1", name) for names in tried for name in names} <= fields
    assert tried
    if one.id != "ZIP_CITY_MISMATCH":
        assert {re.sub(r"_\d+$", "_1", name) for names in tried for name in names} == fields
    assert one.id in {rule_id for rule_id, _ in NOTHING_SUGGESTED}


# SOURCE_CONFLICT needs no field: it speaks of corrections.
@pytest.mark.parametrize(
    ("rule_id", "change"), [hit for hit in HITS if hit[0] != "SOURCE_CONFLICT"], ids=str
)
def test_an_unknown_field_raises_nothing(rule_id: str, change: dict[str, Any]) -> None:
    """Where a file did not have the column, its rule is silent for that record only."""
    mentioned = {
        name.replace("{n}", str(number))
        for check in rule(rule_id).checks
        for name in check.fields
        for number in range(1, SLOTS + 1)
    }
    sets = {1: ALL_FIELDS, 2: ALL_FIELDS - mentioned}
    records = ({**change, "column_set_id": 2}, change)
    assert fires(rule_id, *records, column_sets=sets) == [f"{rule_id}:2"]
    assert fires(rule_id, records[0], column_sets=sets) == []


@pytest.mark.parametrize("one", [one for one in RULES if one.needs], ids=lambda one: one.id)
def test_a_rule_without_its_list_is_off(one: Rule) -> None:
    """What a list would have to say is not said without it."""
    changes = [change for rule_id, change in HITS if rule_id == one.id]
    assert fired(*changes, rules=[one]) == []
    assert one.needs in LISTS.lists


@pytest.mark.parametrize(
    ("change", "by", "priority"),
    [
        ({"npi": "1093817465"}, "the NPI", 1),
        (
            {"last_name": "EVANS", "first_name": "JO", "middle_name": "M."},
            "full name and state",
            2,
        ),
        (
            {"last_name": "O'SBORN", "first_name": "KIM", "practice_state": "OK"},
            "name and state",
            3,
        ),
    ],
)
def test_an_exclusion_says_what_agreed(change: dict[str, Any], by: str, priority: int) -> None:
    """Only the NPI is certain: a namesake is a lesser matter, and the words say so."""
    (one,) = found(table(change), rules=[rule("EXCLUDED_LEIE")], references=LISTS)
    assert (one["evidence"]["values"]["exclusion_by"], one["priority"]) == (by, priority)
    assert words("EXCLUDED_LEIE", one["evidence"]).startswith(
        f"On the OIG exclusion list by {by}: "
    )


def test_a_first_initial_is_left_alone_where_the_middle_name_is_unknown() -> None:
    """A file without middle names cannot say that J is all there is."""
    sets = {1: ALL_FIELDS - {"middle_name"}}
    assert fired({"first_name": "J", "middle_name": None}, column_sets=sets) == []


def test_a_deactivated_record_raises_nothing_until_it_is_reactivated() -> None:
    """Deactivated means deactivated and not reactivated since."""
    bad = {"last_name": None}
    gone = {**bad, "deactivation_date": date(2020, 1, 1)}
    again = {**gone, "reactivation_date": date(2021, 1, 1)}
    gone_again = {**gone, "reactivation_date": date(2019, 1, 1)}
    only = [rule("NAME_LAST_MISSING")]
    assert fired(bad, gone, again, gone_again, rules=only) == [
        "NAME_LAST_MISSING:1",
        "NAME_LAST_MISSING:3",
    ]


@pytest.mark.parametrize(
    ("day", "priority"),
    [(date(2021, 6, 30), 5), (date(2016, 7, 1), 5), (date(2016, 6, 30), 4)],
)
def test_a_stale_record_never_buries_the_rest(day: date, priority: int) -> None:
    """Staleness has priority 5, and 4 beyond ten years."""
    record = {"last_update_date": day, "enumeration_date": date(2006, 1, 1)}
    assert [finding["priority"] for finding in found(table(record))] == [priority]


def test_the_evidence_of_staleness_does_not_age() -> None:
    """A later run on the same record has the same evidence, so that nothing is refreshed."""
    record = table({"last_update_date": date(2015, 1, 1)})
    today, later = found(record), found(record, as_of=AS_OF.replace(year=2029))
    assert [one["evidence"] for one in today] == [one["evidence"] for one in later]


def test_years_are_counted_on_29_february_too() -> None:
    """The day five years before 29 February is 28 February."""
    leap = date(2028, 2, 29)
    assert fired({"last_update_date": date(2023, 2, 27)}, as_of=leap) == ["RECORD_STALE:1"]
    assert fired({"last_update_date": date(2023, 2, 28)}, as_of=leap) == []
