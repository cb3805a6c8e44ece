"""The rules, in the order in which the documentation lists them.

To add a rule, add it here; detection, inbox and documentation read this tuple. An id is never
renamed: a rule that is given up moves to RETIRED, so that its old items can still be read.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from workqueue.rules.places import STATES
from workqueue.rules.rule import (
    DUPLICATE_CHECK,
    MISSING_DATA,
    VALIDATION_FLAG,
    Check,
    Group,
    Rule,
)

# Luhn over 80840 and the ten digits, in whole numbers. 80840 adds a constant 24. Only the last
# digit of the sum matters, so that n // 10^k may stand for the digit at place k; a doubled digit
# adds twice itself and, where that has two digits, one more: n // (5 * 10^k) % 2.
_LUHN = " + ".join(
    f"2 * (npi_number // {10**place}) + npi_number // {5 * 10**place} % 2"
    if place % 2
    else f"npi_number // {10**place}"
    for place in range(10)
)

# As a whole word anywhere in a name; real surnames (Test aside) are left out, so is NA, which is
# a Korean one.
_WORDS = "TEST|TESTING|TESTER|UNKNOWN|UNK|DUMMY|FAKE|PLACEHOLDER|ANONYMOUS|UNNAMED|TBD|DO NOT USE"
_WHOLE = "NONE|NULL|N/A|NOT APPLICABLE|NO NAME|NAME"


def _suspicious(name: str) -> str:
    pattern = rf"(?i)[0-9]|\b({_WORDS})\b|^({_WHOLE})$"
    first = f"substr(upper({name}), 1, 1)"
    return (
        f"regexp_matches({name}, '{pattern}') "
        f"OR (length({name}) >= 3 AND replace(upper({name}), {first}, '') = '')"
    )


def _invalid_state(place: str) -> Check:
    return Check(
        f"{place}_state IS NOT NULL AND NOT {place}_abroad "
        f"AND strpos('|{'|'.join(STATES)}|', '|' || upper({place}_state) || '|') = 0",
        (f"{place}_state",),
        (f"{place}_state",),
    )


def _missing(field: str) -> tuple[Check, ...]:
    return (Check(f"{field} IS NULL", (field,), (field,)),)


def _future(field: str) -> Check:
    return Check(f"{field} > {{tomorrow}}", (field,), (field,))


_DIGITS = "practice_phone_digits"

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        id="NPI_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=1,
        attribute="npi",
        title="NPI is missing",
        says="The record has no NPI",
        exit_condition="The record has an NPI.",
        source="45 CFR 162.410: a covered provider uses its NPI. Not asked of NPPES itself.",
        checks=(Check("npi IS NULL AND source <> 'NPPES'", ("npi",), ("npi",)),),
    ),
    Rule(
        id="NPI_CHECK_DIGIT",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=1,
        attribute="npi",
        title="NPI is not a valid number",
        says="NPI {npi} cannot be right: {reason}",
        exit_condition="The NPI has ten digits, begins with 1 or 2, and its check digit is right.",
        source="45 CFR 162.406; check digit by ISO/IEC 7812 (Luhn) over 80840 and the NPI",
        checks=(
            Check(
                "npi IS NOT NULL AND CASE WHEN npi_number IS NULL THEN TRUE "
                f"ELSE (24 + {_LUHN}) % 10 <> 0 END",
                ("npi",),
                ("npi",),
            ),
        ),
        reason=(
            "CASE WHEN regexp_matches(npi, '[^0-9]') THEN 'it has characters that are no digits' "
            "WHEN length(npi) <> 10 "
            "THEN 'it has ' || CAST(length(npi) AS VARCHAR) || ' digits, not 10' "
            "WHEN npi_number IS NULL THEN 'it does not begin with 1 or 2' "
            "ELSE 'its check digit is wrong' END"
        ),
    ),
    Rule(
        id="NPI_DUPLICATE",
        version=1,
        queue_type=DUPLICATE_CHECK,
        priority=1,
        attribute="npi",
        title="One NPI in several records",
        says="NPI {npi} is in {count} records of {source}: {members}",
        exit_condition="Only one record of the source has the NPI.",
        source="45 CFR 162.406: an NPI identifies one provider and is never given out again",
        group=Group(
            keys=(("source", "source"), ("npi", "npi")),
            where="npi_number IS NOT NULL",
            differ="id",
            fields=("npi",),
        ),
    ),
    Rule(
        id="NAME_LAST_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=1,
        attribute="last_name",
        title="Last name is missing",
        says="The record has no last name",
        exit_condition="The record has a last name.",
        source="NPPES requires the legal name of an individual (form CMS-10114, section 2A)",
        checks=_missing("last_name"),
    ),
    Rule(
        id="NAME_FIRST_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=1,
        attribute="first_name",
        title="First name is missing",
        says="The record has no first name",
        exit_condition="The record has a first name.",
        source="NPPES requires the legal name of an individual (form CMS-10114, section 2A)",
        checks=_missing("first_name"),
    ),
    Rule(
        id="NAME_SUSPICIOUS",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="last_name",
        title="Name does not look like a name",
        says="This does not look like a person's name: {values}",
        exit_condition=(
            "First and last name have no digits, are no stand-ins such as TEST or UNKNOWN and no "
            "single letter (a first initial is fine beside a full middle name)."
        ),
        source="Practice of directory clean-up",
        checks=(
            Check(
                f"{_suspicious('last_name')} "
                "OR regexp_matches(last_name, '^[^A-Za-z]?[A-Za-z][^A-Za-z]?$')",
                ("last_name",),
                ("last_name",),
            ),
            Check(_suspicious("first_name"), ("first_name",), ("first_name",)),
            # People who go by their middle name are entered as J MICHAEL: that is no defect.
            Check(
                "regexp_matches(first_name, '^[A-Za-z][.]?$') "
                "AND NOT coalesce(regexp_matches(middle_name, '[A-Za-z][A-Za-z]'), FALSE)",
                ("first_name", "middle_name"),
                ("first_name", "middle_name"),
            ),
        ),
    ),
    Rule(
        id="TAXONOMY_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=1,
        attribute="taxonomy_code_1",
        title="Specialty is missing",
        says="The record has no taxonomy code in any slot",
        exit_condition="The record has at least one taxonomy code.",
        source="NPPES requires a taxonomy code (form CMS-10114, section 3D)",
        checks=(
            Check(
                "coalesce({taxonomy_codes}) IS NULL",
                ("taxonomy_code_1",),
                ("taxonomy_code_1",),
            ),
        ),
    ),
    Rule(
        id="LICENSE_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=1,
        attribute="license_number_1",
        title="Licence number is missing",
        says="Taxonomy {taxonomy_code} needs a licence, and slot {n} has no licence number",
        exit_condition="Every taxonomy that needs a licence has a licence number beside it.",
        source="Table of families in workqueue.rules.families, or the operator's own list",
        checks=(
            Check(
                "license_required_{n} AND license_number_{n} IS NULL",
                ("taxonomy_code_{n}", "license_number_{n}"),
                ("taxonomy_code_{n}", "license_number_{n}"),
                slots=True,
            ),
        ),
    ),
    Rule(
        id="LICENSE_SHARED",
        version=1,
        queue_type=DUPLICATE_CHECK,
        priority=1,
        attribute="license_number_1",
        title="One licence under several NPIs",
        says="{state} {family} licence {number} is under {count} records: {members}",
        exit_condition="The licence number, in its state and profession, is under one NPI only.",
        source="State boards number licences once per profession; practice of directory clean-up",
        group=Group(
            keys=(
                ("state", "license_state_{n}"),
                ("family", "license_family_{n}"),
                ("number", "license_number_{n}"),
            ),
            # A number has a digit other than 0: NONE, PENDING, N/A, 0 and 000000 are none.
            where=(
                "npi IS NOT NULL AND regexp_matches(license_state_{n}, '^[A-Za-z]{2}$') "
                "AND length(license_number_{n}) > 1 "
                "AND regexp_matches(license_number_{n}, '[1-9]')"
            ),
            differ="npi",
            fields=("license_number_{n}", "license_state_{n}", "taxonomy_code_{n}", "npi"),
            slots=True,
        ),
    ),
    Rule(
        id="ADDR_PRACTICE_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=1,
        attribute="practice_address_1",
        title="Practice address is missing",
        says="The record has no practice address",
        exit_condition="The record has a practice address.",
        source="NPPES requires a practice location (form CMS-10114, section 3B)",
        checks=(
            Check(
                "practice_address_1 IS NULL AND practice_address_2 IS NULL",
                ("practice_address_1",),
                ("practice_address_1",),
            ),
        ),
    ),
    Rule(
        id="PO_BOX_PRACTICE",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="practice_address_1",
        title="Practice address is a PO box",
        says="A practice cannot be in a PO box: {practice_address_1}",
        exit_condition="The practice address is a place that patients can go to.",
        source="NPPES refuses a PO box as practice location (form CMS-10114, section 3B)",
        checks=(
            Check(
                r"regexp_matches(practice_address_1, '(?i)^(P[ .]*O[ .]*B|P[ .]*O[ .]*(BOX|BX|"
                r"DRAWER)|POST(AL)? *OFFICE +(BOX|DRAWER)|APARTADO|BOX +[#]?[0-9]+)"
                r"([ .#0-9-]|$)')",
                ("practice_address_1",),
                ("practice_address_1",),
            ),
        ),
    ),
    Rule(
        id="STATE_INVALID",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="practice_state",
        title="State is not a US state",
        says="This is no postal code of a US state or territory: {values}",
        exit_condition="Practice and mailing state are postal codes of US states or territories.",
        source="USPS Publication 28, appendix B; not asked of addresses in another country",
        checks=(_invalid_state("practice"), _invalid_state("mailing")),
    ),
    Rule(
        id="ZIP_INVALID",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="practice_zip",
        title="ZIP is not a ZIP code",
        says="Practice ZIP is no US ZIP code: {practice_zip}",
        exit_condition="The practice ZIP has five or nine digits and does not begin with 000.",
        source="USPS Publication 28; not asked of addresses in another country",
        checks=(
            Check(
                "practice_zip IS NOT NULL AND NOT practice_abroad AND "
                "(NOT regexp_matches(practice_zip, '^[0-9]{5}(-?[0-9]{4})?$') "
                "OR substr(practice_zip, 1, 3) = '000')",
                ("practice_zip",),
                ("practice_zip",),
            ),
        ),
    ),
    Rule(
        id="PHONE_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=2,
        attribute="practice_phone",
        title="Practice phone is missing",
        says="The record has no practice phone",
        exit_condition="The record has a practice phone.",
        source="NPPES requires a practice phone (form CMS-10114, section 3B)",
        checks=_missing("practice_phone"),
    ),
    Rule(
        id="PHONE_INVALID",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="practice_phone",
        title="Phone is not a US number",
        says="Practice phone is not a US number: {practice_phone} ({reason})",
        exit_condition="The practice phone is a number that the North American plan can give out.",
        source=(
            "North American Numbering Plan: NXX-NXX-XXXX, no N11, 555-0100 to 555-0199 fictional; "
            "not asked of addresses outside the plan"
        ),
        checks=(
            Check(
                "practice_phone IS NOT NULL AND NOT practice_abroad "
                "AND NOT practice_outside_nanp "
                f"AND (NOT regexp_matches({_DIGITS}, '^[2-9][0-9]{{2}}[2-9][0-9]{{6}}$') "
                f"OR substr({_DIGITS}, 2, 2) = '11' OR substr({_DIGITS}, 5, 2) = '11' "
                f"OR substr({_DIGITS}, 4, 5) = '55501' "
                f"OR replace({_DIGITS}, substr({_DIGITS}, 1, 1), '') = '')",
                ("practice_phone",),
                ("practice_phone",),
            ),
        ),
        reason=(
            f"CASE WHEN length({_DIGITS}) <> 10 "
            f"THEN CAST(length({_DIGITS}) AS VARCHAR) || ' digits' "
            f"WHEN replace({_DIGITS}, substr({_DIGITS}, 1, 1), '') = '' "
            "THEN 'one digit repeated' "
            f"WHEN substr({_DIGITS}, 4, 5) = '55501' THEN 'reserved for fiction' "
            f"WHEN NOT regexp_matches({_DIGITS}, '^[2-9]') OR substr({_DIGITS}, 2, 2) = '11' "
            "THEN 'no such area code' ELSE 'no such exchange' END"
        ),
    ),
    Rule(
        id="DATE_FUTURE",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="last_update_date",
        title="Date is in the future",
        says="This has not happened yet: {values}",
        exit_condition="Enumeration, last update and certification are not in the future.",
        source="Dates of events; one day is allowed for time zones",
        checks=(
            _future("enumeration_date"),
            _future("last_update_date"),
            _future("certification_date"),
        ),
    ),
    Rule(
        id="DATE_ORDER",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="enumeration_date",
        title="Dates contradict each other",
        says="These dates cannot be right: {values}",
        exit_condition=(
            "The last update is not before the enumeration, and the enumeration not before "
            "23 May 2005."
        ),
        source="CMS has given out NPIs since 23 May 2005 (69 FR 3434)",
        checks=(
            Check(
                "last_update_date < enumeration_date",
                ("last_update_date", "enumeration_date"),
                ("last_update_date", "enumeration_date"),
            ),
            Check(
                "enumeration_date < DATE '2005-05-23'",
                ("enumeration_date",),
                ("enumeration_date",),
            ),
        ),
    ),
    Rule(
        id="RECORD_STALE",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=5,
        attribute="last_update_date",
        title="Record has not been touched for years",
        says="The record was last updated on {last_update_date}",
        exit_condition="The record was updated or confirmed within the last five years.",
        source="Practice of directory clean-up; 45 CFR 162.410 asks for updates within 30 days",
        checks=(
            Check(
                "last_update_date < {five_years_ago}", ("last_update_date",), ("last_update_date",)
            ),
        ),
        priority_expression="CASE WHEN last_update_date < {ten_years_ago} THEN 4 ELSE 5 END",
    ),
    Rule(
        id="SOURCE_CONFLICT",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="contradicted",
        title="Source and correction disagree",
        says="The source now says something else than the correction of: {contradicted}",
        exit_condition="The correction agrees with the source, or was made again since.",
        source="A correction stands until a person changes it; the source has changed since",
        checks=(Check("contradicted IS NOT NULL", (), ("contradicted",)),),
    ),
)

RETIRED: Final[tuple[Rule, ...]] = ()

_BY_ID: Final = MappingProxyType({known.id: known for known in (*RULES, *RETIRED)})


def rule(rule_id: str) -> Rule:
    """The rule of that id, retired ones included. Raises KeyError where there never was one."""
    return _BY_ID[rule_id]
