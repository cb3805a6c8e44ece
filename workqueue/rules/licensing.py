"""Rules about what the provider is allowed to do: taxonomies and licences."""

from __future__ import annotations

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

# What people write where there is no number. A digit other than 0 makes it one: R123, 0101-23.
_NO_NUMBER: Final = "NOT regexp_matches(license_number_{n}, '[1-9]')"
# A word before the number says what it is, and is no part of it.
_LABEL: Final = "(?i)^((STATE )?(LICEN[SC]E|LIC[ .:#])[ .:]*((NO|NUM|NUMBER)[ .:#]+)?#* *|#+ *)"
_ODD: Final = "[^A-Za-z0-9 ./#&()_*,-]"
_TIDY: Final = (
    f"regexp_replace(regexp_replace(license_number_{{n}}, '{_LABEL}', ''), '{_ODD}', '', 'g')"
)

LICENSING: Final[tuple[Rule, ...]] = (
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
        id="LICENSE_STATE_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=2,
        attribute="license_state_1",
        title="Licence has no state",
        says="Slot {n}: licence {license_number} has no state",
        exit_condition="Every licence number has a state beside it.",
        source="State boards number licences each for themselves; NPPES asks for the state",
        checks=(
            Check(
                "license_state_{n} IS NULL AND regexp_matches(license_number_{n}, '[1-9]')",
                ("license_number_{n}", "license_state_{n}"),
                ("license_number_{n}", "license_state_{n}"),
                slots=True,
            ),
        ),
    ),
    Rule(
        id="LICENSE_FORMAT",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=3,
        attribute="license_number_1",
        title="Licence number is none",
        says="Slot {n}: {license_number} is no licence number",
        exit_condition=(
            "Every licence number has a digit other than 0, only letters, digits and usual marks, "
            "no word such as LICENSE before it, and is not the NPI."
        ),
        source="Practice of directory clean-up; the forms of single boards are not checked",
        checks=(
            Check(
                f"{_NO_NUMBER} OR regexp_matches(license_number_{{n}}, '{_ODD}') "
                f"OR regexp_matches(license_number_{{n}}, '{_LABEL}') "
                "OR coalesce(license_number_{n} = npi, FALSE)",
                ("license_number_{n}",),
                ("license_number_{n}",),
                slots=True,
            ),
        ),
        suggests=(
            (
                "license_number_{n}",
                f"CASE WHEN regexp_matches({_TIDY}, '^[A-Za-z0-9].*[1-9]') THEN {_TIDY} END",
            ),
        ),
    ),
    Rule(
        id="LICENSE_NO_PRACTICE_STATE",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=3,
        attribute="license_state_1",
        title="No licence in the state of the practice",
        says="The practice is in {practice_state}, and no licence (the first: {license_state_1})",
        exit_condition="A licence is of the state of the practice, or no taxonomy needs a licence.",
        source=(
            "States license who practises in them; federal sites take a licence of any state, "
            "and are left out where the address says so"
        ),
        checks=(
            Check(
                "license_needed AND license_placed AND NOT license_unplaced AND NOT licensed_here "
                "AND NOT practice_federal AND NOT practice_abroad "
                f"AND strpos('|{'|'.join(STATES)}|', '|' || upper(practice_state) || '|') > 0",
                ("license_state_1", "license_number_1", "practice_state"),
                ("practice_state", "license_state_1"),
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
