"""Rules about where the practice is and how it is reached."""

from __future__ import annotations

from typing import Final

from workqueue.rules.places import STATES
from workqueue.rules.rule import MISSING_DATA, VALIDATION_FLAG, Check, Rule, missing


def _invalid_state(place: str) -> Check:
    return Check(
        f"{place}_state IS NOT NULL AND NOT {place}_abroad "
        f"AND strpos('|{'|'.join(STATES)}|', '|' || upper({place}_state) || '|') = 0",
        (f"{place}_state",),
        (f"{place}_state",),
    )


_DIGITS = "practice_phone_digits"

CONTACT: Final[tuple[Rule, ...]] = (
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
        checks=missing("practice_phone"),
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
                "AND NOT practice_in_free_state "
                f"AND NOT (practice_of_forces AND length({_DIGITS}) > 10) "
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
)
