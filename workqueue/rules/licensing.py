"""Rules about what the provider is allowed to do: taxonomies and licences."""

from __future__ import annotations

from typing import Final

from workqueue.rules.rule import DUPLICATE_CHECK, MISSING_DATA, Check, Group, Rule

LICENSING: Final[tuple[Rule, ...]] = (
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
                "npi IS NOT NULL AND license_family_{n} IS NOT NULL "
                "AND regexp_matches(license_state_{n}, '^[A-Za-z]{2}$') "
                "AND length(license_number_{n}) > 1 "
                "AND regexp_matches(license_number_{n}, '[1-9]')"
            ),
            differ="npi",
            fields=("license_number_{n}", "license_state_{n}", "taxonomy_code_{n}", "npi"),
            found_by=(("license_number_{n}", "number"), ("license_state_{n}", "state")),
            slots=True,
        ),
    ),
)
