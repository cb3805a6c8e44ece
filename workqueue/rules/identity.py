"""Rules about who it is: the NPI and the name."""

from __future__ import annotations

from typing import Final

from workqueue.rules.rule import (
    DUPLICATE_CHECK,
    MISSING_DATA,
    VALIDATION_FLAG,
    Check,
    Group,
    Rule,
    missing,
)

# Luhn over 80840 and the ten digits, in whole numbers. 80840 adds a constant 24. Only the last
# digit of the sum matters, so that n // 10^k may stand for the digit at place k; a doubled digit
# adds twice itself and, where that has two digits, one more: n // (5 * 10^k) % 2.
LUHN = " + ".join(
    f"2 * (npi_number // {10**place}) + npi_number // {5 * 10**place} % 2"
    if place % 2
    else f"npi_number // {10**place}"
    for place in range(10)
)

# As a whole word anywhere in a name. Common surnames such as TESTER and SAMPLE are left out, and so
# is NA, which is a Korean one.
_WORDS = "TEST|TESTING|UNKNOWN|UNK|DUMMY|FAKE|PLACEHOLDER|ANONYMOUS|UNNAMED|TBD|DO NOT USE"
_WHOLE = "NONE|NULL|N/A|NOT APPLICABLE|NO NAME|NAME"


def _suspicious(name: str) -> str:
    pattern = rf"(?i)[0-9]|\b({_WORDS})\b|^({_WHOLE})$"
    first = f"substr(upper({name}), 1, 1)"
    return (
        f"regexp_matches({name}, '{pattern}') "
        f"OR (length({name}) >= 3 AND replace(upper({name}), {first}, '') = '')"
    )


IDENTITY: Final[tuple[Rule, ...]] = (
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
                f"ELSE (24 + {LUHN}) % 10 <> 0 END",
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
            found_by=(("npi", "npi"),),
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
        checks=missing("last_name"),
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
        checks=missing("first_name"),
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
)
