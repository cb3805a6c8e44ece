"""Rules about how the practice is reached."""

from __future__ import annotations

from typing import Final

from workqueue.rules.rule import MISSING_DATA, VALIDATION_FLAG, Check, Rule, missing

_DIGITS: Final = "practice_phone_digits"
_FAX: Final = "practice_fax_digits"
_IN_THE_PLAN: Final = (
    "NOT practice_abroad AND NOT practice_in_free_state "
    "AND NOT (practice_of_forces AND length({0}) > 10)"
)


def _wrong(digits: str) -> str:
    return (
        f"(NOT regexp_matches({digits}, '^[2-9][0-9]{{2}}[2-9][0-9]{{6}}$') "
        f"OR substr({digits}, 2, 2) = '11' OR substr({digits}, 5, 2) = '11' "
        f"OR substr({digits}, 4, 5) = '55501' "
        f"OR replace({digits}, substr({digits}, 1, 1), '') = '')"
    )


# Letters and calls to the same address reach the same people.
_AT_THE_SAME_ADDRESS: Final = (
    (
        "practice_phone",
        "CASE WHEN upper(mailing_address_1) = upper(practice_address_1) "
        f"AND NOT mailing_abroad AND NOT {_wrong('mailing_phone')} THEN mailing_phone END",
    ),
)

CONTACT: Final[tuple[Rule, ...]] = (
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
        suggests=_AT_THE_SAME_ADDRESS,
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
                f"practice_phone IS NOT NULL AND {_IN_THE_PLAN.format(_DIGITS)} "
                f"AND {_wrong(_DIGITS)}",
                ("practice_phone",),
                ("practice_phone",),
            ),
        ),
        suggests=_AT_THE_SAME_ADDRESS,
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
        id="FAX_INVALID",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=4,
        attribute="practice_fax",
        title="Fax is not a US number",
        says="Practice fax is not a US number: {practice_fax}",
        exit_condition="The practice fax is blank, or a number that the North American plan has.",
        source="North American Numbering Plan, as for PHONE_INVALID",
        checks=(
            Check(
                f"practice_fax IS NOT NULL AND {_IN_THE_PLAN.format(_FAX)} AND {_wrong(_FAX)}",
                ("practice_fax",),
                ("practice_fax",),
            ),
        ),
    ),
    Rule(
        id="FAX_EQUALS_PHONE",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=4,
        attribute="practice_fax",
        title="Fax is the phone",
        says="Practice fax and phone are the same number: {practice_fax}",
        exit_condition="Practice fax and phone differ.",
        source="Practice of directory clean-up: one of the two is most often a guess",
        checks=(
            Check(
                f"{_FAX} = {_DIGITS} AND length({_FAX}) >= 7",
                ("practice_fax", "practice_phone"),
                ("practice_fax", "practice_phone"),
            ),
        ),
    ),
)
