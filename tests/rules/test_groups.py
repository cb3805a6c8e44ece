"""Findings about several records that share what they should not share."""

from __future__ import annotations

from datetime import date

from tests.rules.records import ALL_FIELDS, COLUMN_SETS, fired, found, table
from workqueue.rules import group_keys, rule

OTHER = "2234567891"
THIRD = "1245319599"
FREE = {"license_number_1": "A77"}


def test_one_npi_in_two_records_of_a_source_is_a_duplicate() -> None:
    """The finding is keyed by source and NPI, led by the smallest id, and lists its members."""
    records = table({"id": 9}, {"id": 4}, {"id": 5, "npi": OTHER, **FREE})
    (finding,) = found(records)
    assert finding["fingerprint"] == "NPI_DUPLICATE:NPPES:1234567893"
    assert (finding["provider_id"], finding["members"]) == (4, [4, 9])
    assert finding["evidence"] == {
        "count": 2,
        "key": {"npi": "1234567893", "source": "NPPES"},
        "members": [
            {"id": 4, "name": "RIVERA, ANNA", "npi": "1234567893"},
            {"id": 9, "name": "RIVERA, ANNA", "npi": "1234567893"},
        ],
    }


def test_one_person_told_by_two_sources_is_no_duplicate() -> None:
    """The same NPI and licence in records of different sources raise nothing."""
    assert fired({}, {"source": "OWN"}) == []


def test_a_malformed_npi_makes_no_group() -> None:
    """Placeholders are wrong numbers, not duplicates of each other."""
    assert fired({"npi": "0000000000"}, {"npi": "0000000000", **FREE}) == [
        "NPI_CHECK_DIGIT:1",
        "NPI_CHECK_DIGIT:2",
    ]


def test_a_licence_under_two_npis_is_shared_whichever_slot_it_is_in() -> None:
    """Number, state and family make the key; the slot does not matter."""
    second = {
        "npi": OTHER,
        "license_number_1": "B1",
        "taxonomy_code_3": "2084P0800X",
        "license_number_3": "K1234",
        "license_state_3": "TX",
    }
    (finding,) = found(table({}, second))
    assert finding["fingerprint"] == "LICENSE_SHARED:TX:physician:K1234"
    assert finding["members"] == [1, 2]


def test_a_third_member_joins_the_same_finding() -> None:
    """The fingerprint stays, the members grow."""
    pair = found(table({}, {"npi": OTHER}))
    trio = found(table({}, {"npi": OTHER}, {"npi": THIRD}))
    assert [one["fingerprint"] for one in pair] == [one["fingerprint"] for one in trio]
    assert trio[0]["members"] == [1, 2, 3]


def test_licences_of_other_states_families_or_persons_are_not_shared() -> None:
    """Another state, another profession, the same NPI again, or junk is no shared licence."""
    only = {"rules": [rule("LICENSE_SHARED")]}
    assert fired({}, {"npi": OTHER, "license_state_1": "OK"}, **only) == []
    assert fired({}, {"npi": OTHER, "taxonomy_code_1": "122300000X"}, **only) == []
    assert fired({"license_number_2": "K1234", "license_state_2": "TX"}, **only) == []
    for junk in ("NONE", "PENDING", "N/A", "0", "000000", "7"):
        change = {"license_number_1": junk}
        assert fired(change, {**change, "npi": OTHER}, **only) == []
    assert fired({}, {"npi": None, "source": "NPPES"}, **only) == []


def test_members_that_are_deactivated_or_unknown_do_not_count() -> None:
    """Only live records whose file had the columns are members."""
    gone = {"npi": OTHER, "deactivation_date": date(2020, 1, 1)}
    assert fired({}, gone) == []
    sets = {1: ALL_FIELDS, 2: ALL_FIELDS - {"license_number_1"}}
    assert fired({}, {"npi": OTHER, "column_set_id": 2}, column_sets=sets) == []


def test_a_large_group_lists_fifty_members_and_counts_all() -> None:
    """Evidence stays small however many records share a key."""
    records = table(*({"license_number_1": f"B9{number}"} for number in range(70)))
    (finding,) = found(records)
    assert finding["evidence"]["count"] == 70
    assert [one["id"] for one in finding["evidence"]["members"]] == list(range(1, 51))
    assert finding["members"] == list(range(1, 71))


def test_the_keys_to_fetch_by_are_those_that_groups_are_made_of() -> None:
    """Every key that a group could form on is named, and junk is not."""
    records = table(
        {"license_number_2": "B9", "license_state_2": "OK", "taxonomy_code_2": "208D00000X"},
        {"npi": "77", "license_number_1": "NONE"},
    )
    keys = group_keys(records, column_sets=COLUMN_SETS)
    of_rule = {
        rule_id: {key.values for key in keys if key.rule_id == rule_id}
        for rule_id in ("NPI_DUPLICATE", "LICENSE_SHARED", "SOURCE_CONFLICT")
    }
    assert of_rule == {
        "NPI_DUPLICATE": {("NPPES", "1234567893")},
        "LICENSE_SHARED": {("TX", "physician", "K1234"), ("OK", "physician", "B9")},
        "SOURCE_CONFLICT": {("1234567893",)},
    }
    (shared,) = (key for key in keys if key.values == ("OK", "physician", "B9"))
    assert shared.fingerprint == "LICENSE_SHARED:OK:physician:B9"
    assert shared.lookup() == (("license_number_{n}", "license_state_{n}"), ("B9", "OK"))


def test_group_rules_alone_can_be_asked() -> None:
    """A run may ask for one rule only."""
    assert fired({}, {}, rules=[rule("LICENSE_SHARED")]) == []
    assert fired({}, {}, rules=[rule("NPI_DUPLICATE")]) == ["NPI_DUPLICATE:NPPES:1234567893"]
