"""Rules about taxonomy codes: their form, their list, and which of them is the primary one."""

from __future__ import annotations

from typing import Final

from workqueue.rules.references import TAXONOMY as LIST
from workqueue.rules.rule import MISSING_DATA, VALIDATION_FLAG, Check, Rule

_CODE: Final = ("taxonomy_code_{n}",)
_FORM: Final = "^[0-9A-Za-z]{9}[Xx]$"
_NUCC: Final = "The operator's copy of the NUCC Health Care Provider Taxonomy"

TAXONOMY: Final[tuple[Rule, ...]] = (
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
        id="TAXONOMY_FORMAT",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="taxonomy_code_1",
        title="Taxonomy code has the wrong form",
        says="Slot {n}: {taxonomy_code} is no taxonomy code",
        exit_condition="Every taxonomy code has ten characters and ends in X.",
        source="Form of the Health Care Provider Taxonomy code set (45 CFR 162.1002)",
        checks=(
            Check(f"NOT regexp_matches(taxonomy_code_{{n}}, '{_FORM}')", _CODE, _CODE, slots=True),
        ),
        suggests=(
            (
                "taxonomy_code_{n}",
                "CASE WHEN regexp_matches(regexp_replace(upper(taxonomy_code_{n}), "
                f"'[^0-9A-Z]', '', 'g'), '{_FORM}') "
                "THEN regexp_replace(upper(taxonomy_code_{n}), '[^0-9A-Z]', '', 'g') END",
            ),
        ),
    ),
    Rule(
        id="TAXONOMY_INVALID",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=1,
        attribute="taxonomy_code_1",
        title="Taxonomy code does not exist",
        says="Slot {n}: taxonomy {taxonomy_code} is not in the NUCC list",
        exit_condition="Every taxonomy code is in the NUCC list.",
        source=_NUCC,
        checks=(
            Check(
                f"NOT taxonomy_listed_{{n}} AND regexp_matches(taxonomy_code_{{n}}, '{_FORM}')",
                _CODE,
                _CODE,
                slots=True,
            ),
        ),
        needs=LIST,
    ),
    Rule(
        id="TAXONOMY_RETIRED",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=3,
        attribute="taxonomy_code_1",
        title="Taxonomy code is retired",
        says="Slot {n}: taxonomy {taxonomy_code} is retired ({taxonomy_retired})",
        exit_condition="No taxonomy code is one that the NUCC list has given up.",
        source=_NUCC,
        checks=(
            Check(
                "taxonomy_retired_{n} IS NOT NULL AND "
                "coalesce(TRY_CAST(taxonomy_retired_{n} AS DATE) < {tomorrow}, TRUE)",
                _CODE,
                ("taxonomy_code_{n}", "taxonomy_retired_{n}"),
                slots=True,
            ),
        ),
        suggests=(("taxonomy_code_{n}", "taxonomy_successor_{n}"),),
        needs=LIST,
    ),
    Rule(
        id="TAXONOMY_NON_INDIVIDUAL",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="taxonomy_code_1",
        title="Specialty is an organisation's",
        says="Slot {n}: taxonomy {taxonomy_code} is for organisations, and no slot has a person's",
        exit_condition="At least one taxonomy code is one for individuals.",
        source=f"{_NUCC}; a person may have an organisation's code beside one of their own",
        checks=(
            Check(
                "NOT taxonomy_individual_{n} AND NOT individual_listed",
                _CODE,
                _CODE,
                slots=True,
            ),
        ),
        needs=LIST,
    ),
    Rule(
        id="TAXONOMY_PRIMARY_NONE",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="taxonomy_primary_1",
        title="No specialty is the primary one",
        says="No taxonomy is marked as the primary one: {values}",
        exit_condition="One taxonomy is marked as the primary one.",
        source="NPPES asks for exactly one primary taxonomy (form CMS-10114, section 3D)",
        checks=(
            Check(
                "taxonomies > 0 AND primaries = 0",
                ("taxonomy_code_1", "taxonomy_primary_1"),
                ("taxonomy_code_1", "taxonomy_primary_1"),
            ),
        ),
        suggests=(
            (
                "taxonomy_primary_1",
                "CASE WHEN taxonomies = 1 AND taxonomy_code_1 IS NOT NULL THEN 'Y' END",
            ),
        ),
    ),
    Rule(
        id="TAXONOMY_PRIMARY_MANY",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="taxonomy_primary_1",
        title="Several specialties are the primary one",
        says="Slot {n}: taxonomy {taxonomy_code} is marked as primary, and so is an earlier one",
        exit_condition="Only one taxonomy is marked as the primary one.",
        source="NPPES asks for exactly one primary taxonomy (form CMS-10114, section 3D)",
        checks=(
            Check(
                "taxonomy_primary_{n} = 'Y' AND taxonomy_primary_{m} = 'Y'",
                ("taxonomy_code_{n}", "taxonomy_primary_{n}"),
                ("taxonomy_code_{n}", "taxonomy_primary_{n}"),
                slots=True,
            ),
        ),
    ),
    Rule(
        id="TAXONOMY_REPEATED",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=4,
        attribute="taxonomy_code_1",
        title="One specialty twice",
        says="Slot {n} repeats taxonomy {taxonomy_code} with the same licence as an earlier slot",
        exit_condition="No two slots have the same taxonomy, licence number and licence state.",
        source="Practice of directory clean-up; one taxonomy with licences of two states is right",
        checks=(
            Check(
                "taxonomy_code_{n} = taxonomy_code_{m} "
                "AND coalesce(license_number_{n}, '') = coalesce(license_number_{m}, '') "
                "AND coalesce(license_state_{n}, '') = coalesce(license_state_{m}, '')",
                ("taxonomy_code_{n}", "license_number_{n}", "license_state_{n}"),
                ("taxonomy_code_{n}", "license_number_{n}", "license_state_{n}"),
                slots=True,
            ),
        ),
    ),
)
