"""Rules about dates."""

from __future__ import annotations

from typing import Final

from workqueue.rules.rule import MISSING_DATA, VALIDATION_FLAG, Check, Rule


def _future(field: str) -> Check:
    return Check(f"{field} > {{tomorrow}}", (field,), (field,))


HISTORY: Final[tuple[Rule, ...]] = (
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
        exit_condition="The last update is within the last five years.",
        source="Practice of directory clean-up; 45 CFR 162.410 asks for updates within 30 days",
        checks=(
            Check(
                "last_update_date < {five_years_ago}", ("last_update_date",), ("last_update_date",)
            ),
        ),
        priority_expression="CASE WHEN last_update_date < {ten_years_ago} THEN 4 ELSE 5 END",
    ),
    Rule(
        id="CERTIFICATION_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=4,
        attribute="certification_date",
        title="Record was never certified",
        says="The record was updated on {last_update_date} and has no certification date",
        exit_condition="The record has a certification date, or was last updated before 2021.",
        source="NPPES asks with each update for a certification of all that it says, since 2020",
        checks=(
            Check(
                "certification_date IS NULL AND last_update_date >= DATE '2021-01-01'",
                ("certification_date", "last_update_date"),
                ("certification_date", "last_update_date"),
            ),
        ),
    ),
)
