"""What each rule says of a record: where it fires, and what is nearly a defect.

A case is a rule and the changes that make it of the faultless record. Group rules have cases of
their own: the changes of several records.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from workqueue.rules import References
from workqueue.rules.references import LEIE, TAXONOMY, name_key, npi_key

Case = tuple[str, dict[str, Any]]


def _excluded(**change: str) -> dict[str, str]:
    told = {"name": "ANNA M RIVERA", "middle": "", "city": "WACO", "state": "TX", "waived": ""}
    return {**told, "specialty": "NURSE", "since": "2015-04-20", "ground": "1128a1", **change}


# Lists in the form in which they are kept once loaded.
LISTS: Final = References(
    {
        TAXONOMY: {
            "207R00000X": {"individual": True},
            "208D00000X": {"individual": True, "retired": "2020-01-01"},
            "2085B0100X": {"individual": True, "retired": "2030-01-01"},
            "207RI0011X": {
                "individual": True,
                "retired": "the list calls it inactive",
                "successor": "207R00000X",
            },
            "332B00000X": {"individual": False},
        },
        LEIE: {
            npi_key("1093817465"): {"rows": [_excluded()]},
            name_key("EVANS", "JO"): {"rows": [_excluded(name="JO EVANS", middle="MARIE")]},
            name_key("OSBORN", "KIM"): {"rows": [_excluded(name="KIM OSBORN", state="OK")]},
        },
    }
)

NO_TAXONOMY: Final = dict.fromkeys(
    ("taxonomy_code_1", "license_number_1", "license_state_1", "taxonomy_primary_1")
)
OTHER: Final = "1679576722"
KIM: Final = {"last_name": "OSBORN", "first_name": "KIM"}
SECOND_SLOT: Final = {
    "taxonomy_code_2": "2084P0800X",
    "license_number_2": "K1234",
    "license_state_2": "TX",
}


def _each(rule_id: str, field: str, *values: Any, **change: Any) -> list[Case]:
    return [(rule_id, {field: value, **change}) for value in values]


HITS: Final[list[Case]] = [
    *_each("NPI_MISSING", "npi", None, "  ", source="OWN"),
    *_each("NPI_CHECK_DIGIT", "npi", "1234567890", "3234567897", "123456789", "12345678930"),
    *_each("NPI_CHECK_DIGIT", "npi", "1.234568e9", "123456789X"),
    *_each("NAME_LAST_MISSING", "last_name", None, " "),
    *_each("NAME_FIRST_MISSING", "first_name", None, ""),
    *_each("NAME_SUSPICIOUS", "last_name", "R1VERA", "R", "R.", "Test", "AaAa", "N/A"),
    *_each("NAME_SUSPICIOUS", "first_name", "PATIENT UNKNOWN", "XXX"),
    ("NAME_SUSPICIOUS", {"first_name": "J", "middle_name": None}),
    ("NAME_SUSPICIOUS", {"first_name": "J.", "middle_name": "M."}),
    *_each("NAME_ORG_IN_PERSON", "last_name", "RIVERA MD LLC", "RIVERA, P.C.", "Lakeside Clinic"),
    *_each("NAME_ORG_IN_PERSON", "last_name", "ST MARY HOSPITAL", "RIVERA DENTAL CARE"),
    *_each("NAME_ORG_IN_PERSON", "first_name", "RIVERA ASSOCIATES", "ANNA INC"),
    *_each("CREDENTIAL_MISSING", "credential", None, " "),
    *_each("CREDENTIAL_TAXONOMY", "credential", "D.C.", "PHARM D", "R.N., B.S.N.", "pt, dpt"),
    ("CREDENTIAL_TAXONOMY", {"taxonomy_code_1": "111N00000X"}),
    ("CREDENTIAL_TAXONOMY", {"credential": "OD", **SECOND_SLOT}),
    *_each("SEX_MISSING", "sex", None, " "),
    *_each("SOLE_PROPRIETOR_UNKNOWN", "sole_proprietor", None, "X"),
    ("EXCLUDED_LEIE", {"npi": "1093817465"}),
    ("EXCLUDED_LEIE", {"last_name": "Evans", "first_name": "Jo"}),
    (
        "EXCLUDED_LEIE",
        {"last_name": "EVANS", "first_name": "JO", "middle_name": None, "mailing_city": "Waco"},
    ),
    (
        "EXCLUDED_LEIE",
        {**KIM, "mailing_state": "OK", "mailing_city": "WACO", "npi": OTHER},
    ),
    ("TAXONOMY_MISSING", NO_TAXONOMY),
    *_each("TAXONOMY_FORMAT", "taxonomy_code_1", "207R00000", "207R-00000X", "FAMILY"),
    ("TAXONOMY_FORMAT", {"taxonomy_code_2": "2084P08OOOX"}),
    *_each("TAXONOMY_INVALID", "taxonomy_code_1", "207Z99999X"),
    ("TAXONOMY_INVALID", {"taxonomy_code_15": "390200000X"}),
    *_each("TAXONOMY_RETIRED", "taxonomy_code_1", "208D00000X", "207RI0011X"),
    ("TAXONOMY_RETIRED", {"taxonomy_code_1": "2085B0100X", "as_of": date(2031, 1, 1)}),
    ("TAXONOMY_NON_INDIVIDUAL", {"taxonomy_code_1": "332B00000X", "license_number_1": None}),
    *_each("TAXONOMY_PRIMARY_NONE", "taxonomy_primary_1", None, "N", "X"),
    ("TAXONOMY_PRIMARY_MANY", {**SECOND_SLOT, "taxonomy_primary_2": "Y"}),
    (
        "TAXONOMY_REPEATED",
        {
            "taxonomy_code_2": "207R00000X",
            "license_number_2": "K1234",
            "license_state_2": "TX",
        },
    ),
    ("TAXONOMY_REPEATED", {"taxonomy_code_2": "390200000X", "taxonomy_code_4": "390200000X"}),
    *_each("LICENSE_MISSING", "license_number_1", None, " "),
    ("LICENSE_MISSING", {"taxonomy_code_15": "225100000X"}),
    *_each("LICENSE_STATE_MISSING", "license_state_1", None, " "),
    ("LICENSE_STATE_MISSING", {**SECOND_SLOT, "license_state_2": None}),
    *_each("LICENSE_FORMAT", "license_number_1", "X", "NONE", "PENDING", "0000", "K12?34"),
    *_each("LICENSE_FORMAT", "license_number_1", "LICENSE #K1234", "LIC. NO. 77", "#K1234"),
    *_each("LICENSE_FORMAT", "license_number_1", "1234567893", "STATE LICENSE K1234"),
    *_each("LICENSE_NO_PRACTICE_STATE", "license_state_1", "OK", "ok"),
    ("LICENSE_NO_PRACTICE_STATE", {"license_state_1": "OK", "practice_city": "FORT WORTH"}),
    ("LICENSE_NO_PRACTICE_STATE", {"license_state_1": "OK", "practice_address_1": "1 ARMY RD"}),
    (
        "LICENSE_NO_PRACTICE_STATE",
        {**SECOND_SLOT, "license_state_2": "NM", "license_state_1": "LA"},
    ),
    ("ADDR_PRACTICE_MISSING", {"practice_address_1": None}),
    *_each("PO_BOX_PRACTICE", "practice_address_1", "PO BOX 12", "P.O. BOX 12", "p o box 12"),
    *_each(
        "PO_BOX_PRACTICE", "practice_address_1", "P.O.BOX12", "POB 12", "PO BOX #12", "POBOX 12"
    ),
    *_each("PO_BOX_PRACTICE", "practice_address_1", "POST OFFICE BOX 12", "P O DRAWER C", "BOX 12"),
    *_each("PO_BOX_PRACTICE", "practice_address_1", "PO BOX 40 DEPT 2", "POBOX 12"),
    *_each("STATE_INVALID", "practice_state", "XX", "CALIF", "T|"),
    ("STATE_INVALID", {"mailing_state": "ZZ"}),
    *_each("ZIP_INVALID", "practice_zip", "7870", "787011", "7870A", "00000", "000001234"),
    *_each("ZIP_STATE_MISMATCH", "practice_zip", "90210", "902101234"),
    ("ZIP_STATE_MISMATCH", {"practice_state": "OK", "license_state_1": "OK"}),
    *_each("ZIP_CITY_MISMATCH", "practice_city", "DALLAS", "AUSTINN", "DEL VALLE"),
    *_each("ADDR_SUSPICIOUS", "practice_address_1", "UNKNOWN", "same as mailing", "12345", "-"),
    *_each("ADDR_SUSPICIOUS", "practice_address_1", "UNKNOWN ADDRESS"),
    *_each("ADDR_SUSPICIOUS", "practice_address_1", "A.RIVERA@EXAMPLE.ORG", "N/A", "512-472-0199"),
    ("PHONE_MISSING", {"practice_phone": None}),
    *_each("PHONE_INVALID", "practice_phone", "512472019", "0124720199", "5121720199"),
    *_each("PHONE_INVALID", "practice_phone", "9114720199", "5129110199", "5125550123"),
    *_each("PHONE_INVALID", "practice_phone", "2222222222", "NONE"),
    ("PHONE_INVALID", {"practice_phone": "512472019", "practice_state": "AE"}),
    *_each("FAX_INVALID", "practice_fax", "512472019", "1112223333", "5125550123", "NONE"),
    *_each("FAX_EQUALS_PHONE", "practice_fax", "5124720199", "(512) 472-0199"),
    ("DATE_FUTURE", {"last_update_date": date(2026, 7, 3)}),
    ("DATE_FUTURE", {"certification_date": date(2027, 1, 1)}),
    ("DATE_FUTURE", {"enumeration_date": date(2026, 8, 1), "last_update_date": None}),
    ("DATE_ORDER", {"enumeration_date": date(2025, 1, 1)}),
    ("DATE_ORDER", {"enumeration_date": date(2005, 5, 22)}),
    ("RECORD_STALE", {"last_update_date": date(2021, 6, 30)}),
    ("CERTIFICATION_MISSING", {"certification_date": None}),
    ("CERTIFICATION_MISSING", {"certification_date": None, "last_update_date": date(2021, 8, 1)}),
    ("SOURCE_CONFLICT", {"contradicted": "practice_phone"}),
    ("NPI_NOT_IN_NPPES", {"source": "OWN", "nppes_status": "ABSENT"}),
    (
        "NPI_DEACTIVATED_ACTIVE",
        {"source": "OWN", "nppes_status": "DEACTIVATED", "nppes_deactivated_on": "2026-01-05"},
    ),
    ("NPI_REPLACED", {"source": "OWN", "nppes_replacement": "2234567891"}),
]

MISSES: Final[list[Case]] = [
    ("NPI_MISSING", {"npi": None}),
    *_each("NPI_CHECK_DIGIT", "npi", " 1234567893 ", "2234567891"),
    *_each("NAME_LAST_MISSING", "last_name", "O"),
    *_each("NAME_FIRST_MISSING", "first_name", "-"),
    *_each("NAME_SUSPICIOUS", "last_name", "NG", "YE", "LI", "NA", "O'DAY", "TESTER", "SAMPLE"),
    *_each("NAME_SUSPICIOUS", "last_name", "DOE", "UNKNOWNS", "AABB", "NÚÑEZ", "FAKENHAM"),
    ("NAME_SUSPICIOUS", {"first_name": "J", "middle_name": "MICHAEL"}),
    ("NAME_SUSPICIOUS", {"first_name": "J MICHAEL"}),
    ("NAME_SUSPICIOUS", {"first_name": "BO", "middle_name": None}),
    *_each("NAME_ORG_IN_PERSON", "last_name", "GROUP", "CENTER", "INCE", "LLCOSTA", "CLINICA"),
    *_each("NAME_ORG_IN_PERSON", "last_name", "PA", "MEDICI", "DR. HOSPITALER", "COMPANY", "PC"),
    ("CREDENTIAL_MISSING", {"credential": None, "taxonomy_code_1": "390200000X"}),
    ("CREDENTIAL_MISSING", {"credential": None, "taxonomy_code_1": None}),
    *_each("CREDENTIAL_TAXONOMY", "credential", "MD", "M. D.", "D.O.", "DDS", "PHD", "FACP", None),
    *_each("CREDENTIAL_TAXONOMY", "credential", "DC, MD", "RN, XYZ"),
    ("CREDENTIAL_TAXONOMY", {"credential": "RN", "taxonomy_code_1": "363LF0000X"}),
    ("CREDENTIAL_TAXONOMY", {"credential": "DC", "taxonomy_code_2": "111N00000X"}),
    ("CREDENTIAL_TAXONOMY", {"credential": "DC", "taxonomy_code_2": "174400000X"}),
    ("CREDENTIAL_TAXONOMY", {"credential": "DC", **NO_TAXONOMY}),
    *_each("SEX_MISSING", "sex", "U", "X", "M"),
    *_each("SOLE_PROPRIETOR_UNKNOWN", "sole_proprietor", "Y", "N"),
    ("EXCLUDED_LEIE", {"last_name": "EVANS", "first_name": "JO", "middle_name": "ANN"}),
    ("EXCLUDED_LEIE", {"last_name": "EVANS", "first_name": "JOAN"}),
    ("EXCLUDED_LEIE", {**KIM, "mailing_city": "WACO"}),
    ("EXCLUDED_LEIE", {**KIM, "mailing_state": "OK"}),
    ("EXCLUDED_LEIE", {"last_name": None, "first_name": None, "npi": None}),
    ("TAXONOMY_MISSING", {**NO_TAXONOMY, "taxonomy_code_9": "390200000X"}),
    *_each("TAXONOMY_FORMAT", "taxonomy_code_1", "207r00000x", "2084P0800X"),
    *_each("TAXONOMY_INVALID", "taxonomy_code_1", "207r00000x", "207R00000", "332B00000X"),
    ("TAXONOMY_RETIRED", {"taxonomy_code_1": "2085B0100X"}),
    ("TAXONOMY_RETIRED", {"taxonomy_code_1": "207Z99999X"}),
    ("TAXONOMY_NON_INDIVIDUAL", {"taxonomy_code_2": "332B00000X"}),
    ("TAXONOMY_NON_INDIVIDUAL", {"taxonomy_code_1": "207Z99999X"}),
    (
        "TAXONOMY_PRIMARY_NONE",
        {**SECOND_SLOT, "taxonomy_primary_1": "N", "taxonomy_primary_2": "Y"},
    ),
    ("TAXONOMY_PRIMARY_NONE", NO_TAXONOMY),
    ("TAXONOMY_PRIMARY_MANY", {**SECOND_SLOT, "taxonomy_primary_2": "N"}),
    (
        "TAXONOMY_PRIMARY_MANY",
        {**SECOND_SLOT, "taxonomy_primary_1": "X", "taxonomy_primary_2": "Y"},
    ),
    (
        "TAXONOMY_REPEATED",
        {"taxonomy_code_2": "207R00000X", "license_number_2": "K1234", "license_state_2": "OK"},
    ),
    ("TAXONOMY_REPEATED", {"taxonomy_code_2": "207R00000X", "license_number_2": "77"}),
    ("LICENSE_MISSING", {"taxonomy_code_1": "390200000X", "license_number_1": None}),
    ("LICENSE_MISSING", {"taxonomy_code_1": None, "license_number_1": None}),
    ("LICENSE_STATE_MISSING", {"license_number_1": None, "license_state_1": None}),
    ("LICENSE_STATE_MISSING", {"license_number_1": "NONE", "license_state_1": None}),
    *_each("LICENSE_FORMAT", "license_number_1", "MD 18839", "35.096390", "60705 - 20", "LIC123"),
    *_each("LICENSE_FORMAT", "license_number_1", "25MA 05591900", "11", "NO1234", "R(77)"),
    ("LICENSE_NO_PRACTICE_STATE", {**SECOND_SLOT, "license_state_1": "OK"}),
    ("LICENSE_NO_PRACTICE_STATE", {"license_state_1": "OK", "practice_city": "DYESS AFB"}),
    ("LICENSE_NO_PRACTICE_STATE", {"license_state_1": "OK", "practice_city": "FORT CAVAZOS"}),
    (
        "LICENSE_NO_PRACTICE_STATE",
        {"license_state_1": "OK", "practice_address_1": "VA MEDICAL CENTER"},
    ),
    ("LICENSE_NO_PRACTICE_STATE", {"license_state_1": "OK", "practice_state": "AE"}),
    ("LICENSE_NO_PRACTICE_STATE", {"license_state_1": "OK", "practice_country": "CA"}),
    ("LICENSE_NO_PRACTICE_STATE", {"license_state_1": "OK", "taxonomy_code_1": "390200000X"}),
    ("LICENSE_NO_PRACTICE_STATE", {"license_state_1": "OK", "license_number_2": "K1"}),
    ("LICENSE_NO_PRACTICE_STATE", {"license_state_1": None}),
    ("LICENSE_NO_PRACTICE_STATE", {"practice_state": None}),
    ("ADDR_PRACTICE_MISSING", {"practice_address_1": None, "practice_address_2": "SUITE 4"}),
    *_each("PO_BOX_PRACTICE", "practice_address_1", "12 BOX ELDER RD", "BOXWOOD LN 4"),
    *_each("PO_BOX_PRACTICE", "practice_address_1", "BOX ELDER RD 4", "RR 2 BOX 114"),
    *_each("PO_BOX_PRACTICE", "practice_address_1", "12 POBLANO DR", "POBLANO DR 12"),
    *_each("PO_BOX_PRACTICE", "practice_address_1", "PORT OBERON RD 3", "12 MAIN ST PO BOX 5"),
    *_each("PO_BOX_PRACTICE", "practice_address_1", "POST OFFICE RD 12"),
    *_each("STATE_INVALID", "practice_state", "PR", "GU", "AE", "tx", "DC"),
    ("STATE_INVALID", {"practice_state": "ONTARIO", "practice_country": "CA"}),
    *_each("ZIP_INVALID", "practice_zip", "78701", "78701-1234", "00501"),
    ("ZIP_INVALID", {"practice_zip": "K1A 0B1", "practice_country": "CA"}),
    *_each("ZIP_STATE_MISMATCH", "practice_state", "tx", "QQ", None),
    *_each("ZIP_STATE_MISMATCH", "practice_zip", "99999", "9021", None),
    ("ZIP_STATE_MISMATCH", {"practice_zip": "42223", "practice_state": "TN"}),
    ("ZIP_STATE_MISMATCH", {"practice_zip": "90210", "practice_country": "MX"}),
    *_each("ZIP_CITY_MISMATCH", "practice_city", "austin", "Austin.", None),
    ("ZIP_CITY_MISMATCH", {"practice_zip": "63101", "practice_city": "ST. LOUIS"}),
    ("ZIP_CITY_MISMATCH", {"practice_zip": "78746", "practice_city": "W LAKE HILLS"}),
    ("ZIP_CITY_MISMATCH", {"practice_zip": "99999"}),
    ("ZIP_CITY_MISMATCH", {"practice_city": "BEVERLY HILLS", "practice_zip": "90210"}),
    *_each("ADDR_SUSPICIOUS", "practice_address_1", "NATIONAL NAVAL MEDICAL CENTER", "1 A ST"),
    *_each("ADDR_SUSPICIOUS", "practice_address_1", "# L-3539", "HOME AVE 3", "UNKNOWN RD 4", None),
    ("ADDR_SUSPICIOUS", {"practice_address_1": "1200", "practice_address_2": "MAIN ST"}),
    ("PHONE_MISSING", {"practice_phone": "NONE"}),
    *_each("PHONE_INVALID", "practice_phone", "5125550200", "(512) 472-0199", "+1 512.472.0199"),
    *_each("PHONE_INVALID", "practice_phone", "15124720199", "512-472-0199 x12"),
    *_each("PHONE_INVALID", "practice_phone", "512-472-0199 ext. 12"),
    ("PHONE_INVALID", {"practice_phone": "493012345", "practice_country": "DE"}),
    ("PHONE_INVALID", {"practice_phone": "+49 6371 461234", "practice_state": "AE"}),
    ("PHONE_INVALID", {"practice_phone": "3202214", "practice_state": "FM"}),
    *_each("FAX_INVALID", "practice_fax", "512-472-0100", "15124720100", None),
    ("FAX_INVALID", {"practice_fax": "4930123", "practice_country": "DE"}),
    *_each("FAX_EQUALS_PHONE", "practice_fax", "5124720190", None),
    ("FAX_EQUALS_PHONE", {"practice_fax": "NONE", "practice_phone": "NONE"}),
    ("DATE_FUTURE", {"last_update_date": date(2026, 7, 2)}),
    *_each("DATE_ORDER", "enumeration_date", date(2024, 3, 1), date(2005, 5, 23)),
    ("DATE_ORDER", {"last_update_date": None}),
    ("RECORD_STALE", {"last_update_date": date(2021, 7, 1)}),
    ("CERTIFICATION_MISSING", {"certification_date": None, "last_update_date": date(2020, 12, 31)}),
    ("SOURCE_CONFLICT", {"contradicted": None}),
    ("NPI_NOT_IN_NPPES", {"source": "OWN", "nppes_status": "ACTIVE"}),
    # Such a number is in nobody's list: NPI_CHECK_DIGIT says so already.
    ("NPI_NOT_IN_NPPES", {"source": "OWN", "nppes_status": "ABSENT", "npi": "1234567890"}),
    ("NPI_DEACTIVATED_ACTIVE", {"source": "OWN", "nppes_status": "ACTIVE"}),
    ("NPI_REPLACED", {"source": "OWN", "nppes_replacement": "1234567893"}),
]


def switchboard(count: int, **change: Any) -> list[dict[str, Any]]:
    """So many NPIs with one phone in three states."""
    states = ("TX", "OK", "NM")
    return [
        {
            "npi": f"1{number:09}",
            "license_number_1": f"K{number + 5000}",
            "practice_state": states[number % 3],
            **change,
        }
        for number in range(count)
    ]


GROUP_HITS: Final[list[tuple[str, list[dict[str, Any]]]]] = [
    ("NPI_DUPLICATE", [{}, {}]),
    ("LICENSE_SHARED", [{}, {"npi": OTHER}]),
    ("NAME_CONFLICT", [{}, {"source": "OWN", "last_name": "LOPEZ"}]),
    ("PHONE_OVERSHARED", switchboard(20)),
]
GROUP_MISSES: Final[list[tuple[str, list[dict[str, Any]]]]] = [
    ("NPI_DUPLICATE", [{}, {"npi": OTHER}]),
    ("NPI_DUPLICATE", [{}, {"source": "OWN"}]),
    ("LICENSE_SHARED", [{}, {}]),
    ("LICENSE_SHARED", [{}, {"npi": OTHER, "license_state_1": "OK"}]),
    ("NAME_CONFLICT", [{}, {"source": "OWN", "last_name": "Rivera, Jr."}]),
    ("PHONE_OVERSHARED", switchboard(19)),
]
GROUP_NULLS: Final[list[tuple[str, list[dict[str, Any]]]]] = [
    ("NPI_DUPLICATE", [{"npi": None}, {"npi": None}]),
    ("LICENSE_SHARED", [{"license_number_1": None}, {"npi": OTHER, "license_number_1": None}]),
    ("NAME_CONFLICT", [{}, {"source": "OWN", "last_name": None}]),
    ("PHONE_OVERSHARED", switchboard(20, practice_phone=None)),
]

# What says that a value is missing says so of a blank record too; the rest says nothing of it.
SAYS_SO_OF_BLANK: Final = frozenset({"SOLE_PROPRIETOR_UNKNOWN"})

CURED: Final[list[tuple[str, dict[str, Any], dict[str, str]]]] = [
    ("NAME_ORG_IN_PERSON", {"last_name": "RIVERA, P.C."}, {"last_name": "RIVERA"}),
    ("NAME_ORG_IN_PERSON", {"last_name": "RIVERA LLC."}, {"last_name": "RIVERA"}),
    (
        "CREDENTIAL_MISSING",
        {"credential": None, "taxonomy_code_1": "111N00000X"},
        {"credential": "DC"},
    ),
    ("TAXONOMY_FORMAT", {"taxonomy_code_1": "207R-00000X"}, {"taxonomy_code_1": "207R00000X"}),
    ("TAXONOMY_RETIRED", {"taxonomy_code_1": "207RI0011X"}, {"taxonomy_code_1": "207R00000X"}),
    ("TAXONOMY_PRIMARY_NONE", {"taxonomy_primary_1": "X"}, {"taxonomy_primary_1": "Y"}),
    ("LICENSE_FORMAT", {"license_number_1": "LICENSE #K1234"}, {"license_number_1": "K1234"}),
    ("LICENSE_FORMAT", {"license_number_1": "LIC. NO. 77"}, {"license_number_1": "77"}),
    (
        "LICENSE_FORMAT",
        {**SECOND_SLOT, "license_number_2": "#K?99"},
        {"license_number_2": "K99"},
    ),
    (
        "PO_BOX_PRACTICE",
        {"practice_address_1": "PO BOX 12", "practice_address_2": "500 MAIN ST"},
        {"practice_address_1": "500 MAIN ST"},
    ),
    (
        "ADDR_SUSPICIOUS",
        {"practice_address_1": "N/A", "practice_address_2": "500B MAIN ST"},
        {"practice_address_1": "500B MAIN ST"},
    ),
    ("STATE_INVALID", {"practice_state": "TEXAS"}, {"practice_state": "TX"}),
    ("ZIP_INVALID", {"practice_zip": "787O1"}, {"practice_zip": "78701"}),
    ("ZIP_INVALID", {"practice_zip": "787011"}, {"practice_zip": "78701"}),
    (
        "ZIP_INVALID",
        {"practice_zip": "2138", "practice_city": "CAMBRIDGE", "practice_state": "MA"},
        {"practice_zip": "02138"},
    ),
    (
        "ZIP_INVALID",
        {"practice_zip": "0000", "practice_city": "HERSHEY", "practice_state": "PA"},
        {"practice_zip": "17033"},
    ),
    (
        "ZIP_STATE_MISMATCH",
        {"practice_state": "OK", "license_state_1": "OK"},
        {"practice_state": "TX"},
    ),
    (
        "ZIP_STATE_MISMATCH",
        {"practice_zip": "90210", "practice_city": "HERSHEY", "practice_state": "PA"},
        {"practice_zip": "17033"},
    ),
    ("ZIP_CITY_MISMATCH", {"practice_city": "AUSTINN"}, {"practice_city": "AUSTIN"}),
    (
        "PHONE_MISSING",
        {"practice_phone": None, "mailing_address_1": "12 Main St"},
        {"practice_phone": "5124720100"},
    ),
    (
        "PHONE_INVALID",
        {"practice_phone": "512472019", "mailing_address_1": "12 MAIN ST"},
        {"practice_phone": "5124720100"},
    ),
]

NOTHING_SUGGESTED: Final[list[Case]] = [
    ("NAME_ORG_IN_PERSON", {"last_name": "LAKESIDE CLINIC"}),
    ("NAME_ORG_IN_PERSON", {"last_name": "LAKESIDE CLINIC LLC"}),
    ("CREDENTIAL_MISSING", {"credential": None}),
    ("TAXONOMY_FORMAT", {"taxonomy_code_1": "FAMILY"}),
    ("TAXONOMY_RETIRED", {"taxonomy_code_1": "208D00000X"}),
    ("TAXONOMY_PRIMARY_NONE", {**SECOND_SLOT, "taxonomy_primary_1": "X"}),
    ("LICENSE_FORMAT", {"license_number_1": "PENDING"}),
    ("PO_BOX_PRACTICE", {"practice_address_1": "PO BOX 12", "practice_address_2": "SUITE 4"}),
    ("ADDR_SUSPICIOUS", {"practice_address_1": "UNKNOWN"}),
    ("STATE_INVALID", {"practice_state": "XX", "practice_zip": "99999"}),
    ("STATE_INVALID", {"mailing_state": "XX", "practice_state": "OK"}),
    ("ZIP_INVALID", {"practice_zip": "00000"}),
    ("ZIP_STATE_MISMATCH", {"practice_zip": "90210"}),
    ("ZIP_CITY_MISMATCH", {"practice_city": "DALLAS"}),
    ("PHONE_MISSING", {"practice_phone": None}),
    (
        "PHONE_INVALID",
        {
            "practice_phone": "512472019",
            "mailing_address_1": "12 MAIN ST",
            "mailing_phone": "5125550100",
        },
    ),
]
