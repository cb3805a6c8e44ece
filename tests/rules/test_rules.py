"""Each rule: where it fires, where it nearly does, and where it must not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.rules.records import ALL_FIELDS, AS_OF, fired, found, table
from workqueue.fields import SLOTS
from workqueue.rules import RULES, rule

NO_TAXONOMY = dict.fromkeys(("taxonomy_code_1", "license_number_1", "license_state_1"))

HITS: list[tuple[str, dict[str, Any]]] = [
    ("NPI_MISSING", {"npi": None, "source": "OWN"}),
    ("NPI_MISSING", {"npi": "  ", "source": "OWN"}),
    ("NPI_CHECK_DIGIT", {"npi": "1234567890"}),
    ("NPI_CHECK_DIGIT", {"npi": "3234567897"}),
    ("NPI_CHECK_DIGIT", {"npi": "123456789"}),
    ("NPI_CHECK_DIGIT", {"npi": "12345678930"}),
    ("NPI_CHECK_DIGIT", {"npi": "1.234568e9"}),
    ("NPI_CHECK_DIGIT", {"npi": "123456789X"}),
    ("NAME_LAST_MISSING", {"last_name": None}),
    ("NAME_LAST_MISSING", {"last_name": " "}),
    ("NAME_FIRST_MISSING", {"first_name": None}),
    ("NAME_FIRST_MISSING", {"first_name": ""}),
    ("NAME_SUSPICIOUS", {"last_name": "R1VERA"}),
    ("NAME_SUSPICIOUS", {"last_name": "R"}),
    ("NAME_SUSPICIOUS", {"last_name": "R."}),
    ("NAME_SUSPICIOUS", {"last_name": "Test"}),
    ("NAME_SUSPICIOUS", {"first_name": "PATIENT UNKNOWN"}),
    ("NAME_SUSPICIOUS", {"first_name": "XXX"}),
    ("NAME_SUSPICIOUS", {"last_name": "AaAa"}),
    ("NAME_SUSPICIOUS", {"last_name": "N/A"}),
    ("NAME_SUSPICIOUS", {"first_name": "J", "middle_name": None}),
    ("NAME_SUSPICIOUS", {"first_name": "J.", "middle_name": "M."}),
    ("TAXONOMY_MISSING", NO_TAXONOMY),
    ("LICENSE_MISSING", {"license_number_1": None}),
    ("LICENSE_MISSING", {"license_number_1": " "}),
    ("LICENSE_MISSING", {"taxonomy_code_15": "225100000X"}),
    ("ADDR_PRACTICE_MISSING", {"practice_address_1": None}),
    *(
        ("PO_BOX_PRACTICE", {"practice_address_1": text})
        for text in (
            "PO BOX 12",
            "P.O. BOX 12",
            "p o box 12",
            "P.O.BOX12",
            "POB 12",
            "PO BOX #12",
            "POBOX 12",
            "POST OFFICE BOX 12",
            "P O DRAWER C",
            "BOX 12",
            "PO BOX 12 DEPT 40",
        )
    ),
    ("STATE_INVALID", {"practice_state": "XX"}),
    ("STATE_INVALID", {"practice_state": "CALIF"}),
    ("STATE_INVALID", {"practice_state": "T|"}),
    ("STATE_INVALID", {"mailing_state": "ZZ"}),
    ("ZIP_INVALID", {"practice_zip": "7870"}),
    ("ZIP_INVALID", {"practice_zip": "787011"}),
    ("ZIP_INVALID", {"practice_zip": "7870A"}),
    ("ZIP_INVALID", {"practice_zip": "00000"}),
    ("ZIP_INVALID", {"practice_zip": "000001234"}),
    ("PHONE_MISSING", {"practice_phone": None}),
    ("PHONE_INVALID", {"practice_phone": "512472019"}),
    ("PHONE_INVALID", {"practice_phone": "0124720199"}),
    ("PHONE_INVALID", {"practice_phone": "5121720199"}),
    ("PHONE_INVALID", {"practice_phone": "9114720199"}),
    ("PHONE_INVALID", {"practice_phone": "5129110199"}),
    ("PHONE_INVALID", {"practice_phone": "5125550123"}),
    ("PHONE_INVALID", {"practice_phone": "2222222222"}),
    ("PHONE_INVALID", {"practice_phone": "NONE"}),
    ("PHONE_INVALID", {"practice_phone": "512472019", "practice_state": "AE"}),
    ("DATE_FUTURE", {"last_update_date": date(2026, 7, 3)}),
    ("DATE_FUTURE", {"certification_date": date(2027, 1, 1)}),
    ("DATE_FUTURE", {"enumeration_date": date(2026, 8, 1), "last_update_date": None}),
    ("DATE_ORDER", {"enumeration_date": date(2025, 1, 1)}),
    ("DATE_ORDER", {"enumeration_date": date(2005, 5, 22)}),
    ("RECORD_STALE", {"last_update_date": date(2021, 6, 30)}),
    ("SOURCE_CONFLICT", {"contradicted": "practice_phone"}),
    ("NPI_NOT_IN_NPPES", {"source": "OWN", "nppes_status": "ABSENT"}),
    (
        "NPI_DEACTIVATED_ACTIVE",
        {"source": "OWN", "nppes_status": "DEACTIVATED", "nppes_deactivated_on": "2026-01-05"},
    ),
    ("NPI_REPLACED", {"source": "OWN", "nppes_replacement": "2234567891"}),
]

MISSES: list[tuple[str, dict[str, Any]]] = [
    ("NPI_MISSING", {"npi": None}),
    ("NPI_CHECK_DIGIT", {"npi": " 1234567893 "}),
    ("NPI_CHECK_DIGIT", {"npi": "2234567891"}),
    *(("NAME_SUSPICIOUS", {"last_name": name}) for name in ("NG", "YE", "LI", "NA", "O'DAY")),
    *(
        ("NAME_SUSPICIOUS", {"last_name": name})
        for name in ("TESTER", "SAMPLE", "DOE", "UNKNOWNS", "AABB", "NÚÑEZ", "FAKENHAM")
    ),
    ("NAME_SUSPICIOUS", {"first_name": "J", "middle_name": "MICHAEL"}),
    ("NAME_SUSPICIOUS", {"first_name": "J MICHAEL"}),
    ("NAME_SUSPICIOUS", {"first_name": "BO", "middle_name": None}),
    ("TAXONOMY_MISSING", {**NO_TAXONOMY, "taxonomy_code_9": "390200000X"}),
    ("LICENSE_MISSING", {"taxonomy_code_1": "390200000X", "license_number_1": None}),
    ("LICENSE_MISSING", {"taxonomy_code_1": None, "license_number_1": None}),
    ("ADDR_PRACTICE_MISSING", {"practice_address_1": None, "practice_address_2": "SUITE 4"}),
    *(
        ("PO_BOX_PRACTICE", {"practice_address_1": text})
        for text in (
            "12 BOX ELDER RD",
            "BOXWOOD LN 4",
            "BOX ELDER RD 4",
            "RR 2 BOX 114",
            "12 POBLANO DR",
            "POBLANO DR 12",
            "PORT OBERON RD 3",
            "12 MAIN ST PO BOX 5",
            "POST OFFICE RD 12",
        )
    ),
    *(("STATE_INVALID", {"practice_state": code}) for code in ("PR", "GU", "AE", "tx", "DC")),
    ("STATE_INVALID", {"practice_state": "ONTARIO", "practice_country": "CA"}),
    ("ZIP_INVALID", {"practice_zip": "78701"}),
    ("ZIP_INVALID", {"practice_zip": "78701-1234"}),
    ("ZIP_INVALID", {"practice_zip": "00501"}),
    ("ZIP_INVALID", {"practice_zip": "K1A 0B1", "practice_country": "CA"}),
    *(
        ("PHONE_INVALID", {"practice_phone": number})
        for number in (
            "5125550200",
            "(512) 472-0199",
            "+1 512.472.0199",
            "15124720199",
            "512-472-0199 x12",
            "512-472-0199 ext. 12",
        )
    ),
    ("PHONE_INVALID", {"practice_phone": "493012345", "practice_country": "DE"}),
    ("PHONE_INVALID", {"practice_phone": "+49 6371 461234", "practice_state": "AE"}),
    ("PHONE_INVALID", {"practice_phone": "3202214", "practice_state": "FM"}),
    ("DATE_FUTURE", {"last_update_date": date(2026, 7, 2)}),
    ("DATE_ORDER", {"enumeration_date": date(2024, 3, 1)}),
    ("DATE_ORDER", {"enumeration_date": date(2005, 5, 23)}),
    ("DATE_ORDER", {"last_update_date": None}),
    ("RECORD_STALE", {"last_update_date": date(2021, 7, 1)}),
    ("NPI_NOT_IN_NPPES", {"source": "OWN", "nppes_status": "ACTIVE"}),
    # Such a number is in nobody's list: NPI_CHECK_DIGIT says so already.
    ("NPI_NOT_IN_NPPES", {"source": "OWN", "nppes_status": "ABSENT", "npi": "1234567890"}),
    ("NPI_DEACTIVATED_ACTIVE", {"source": "OWN", "nppes_status": "ACTIVE"}),
    ("NPI_REPLACED", {"source": "OWN", "nppes_replacement": "1234567893"}),
]

BLANKS = dict.fromkeys(ALL_FIELDS)
SAYS_NOTHING_OF_BLANK = sorted(
    {one.id for one in RULES if not one.grouped and not one.id.endswith("_MISSING")}
)


def test_a_faultless_record_raises_nothing() -> None:
    """The record that the other tests change has no finding of its own."""
    assert fired({}) == []


@pytest.mark.parametrize(("rule_id", "change"), HITS, ids=str)
def test_a_defect_is_found_by_its_rule_alone(rule_id: str, change: dict[str, Any]) -> None:
    """One defect raises its rule for its record, and no other rule."""
    assert fired({}, {**change, "id": 7}, rules=[rule(rule_id)]) == [f"{rule_id}:7"]
    others = {finding["rule_id"] for finding in found(table(change))} - {rule_id}
    assert others <= {"DATE_FUTURE", "DATE_ORDER"}


@pytest.mark.parametrize(("rule_id", "change"), MISSES, ids=str)
def test_what_is_nearly_a_defect_is_left_alone(rule_id: str, change: dict[str, Any]) -> None:
    """A real name, a foreign address or a day on the border raises nothing."""
    assert fired(change, rules=[rule(rule_id)]) == []


@pytest.mark.parametrize("rule_id", SAYS_NOTHING_OF_BLANK)
def test_a_blank_field_is_no_wrong_value(rule_id: str) -> None:
    """A record without any value raises only what says that values are missing."""
    assert fired(BLANKS, rules=[rule(rule_id)]) == []


def test_every_rule_about_a_record_is_tried() -> None:
    """No rule about one record is without a hit in the table above."""
    assert {rule_id for rule_id, _ in HITS} == {one.id for one in RULES if not one.grouped}


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
    only = [rule(rule_id)]
    assert fired(*records, column_sets=sets, rules=only) == [f"{rule_id}:2"]
    assert fired(records[0], column_sets=sets, rules=only) == []


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
