"""Rules about one person in several records, found by comparing (`workqueue.duplicates`)."""

from __future__ import annotations

from typing import Final

from workqueue.rules.rule import DUPLICATE_CHECK, Rule

_SAYS: Final = "{count} records look like one person ({probability}, {weight} bits): {members}"
_EXIT: Final = (
    "The records differ enough, one of them is deactivated, or they have one NPI; or a person says "
    "that they are no duplicates."
)
_SOURCE: Final = (
    "Record linkage after Fellegi and Sunter (JASA 64, 1969) with Splink, its parameters estimated "
    "from the records themselves"
)

DUPLICATES: Final[tuple[Rule, ...]] = (
    Rule(
        id="DUPLICATE_LIKELY",
        version=1,
        queue_type=DUPLICATE_CHECK,
        priority=1,
        attribute="npi",
        title="Very likely one person",
        says=_SAYS,
        exit_condition=_EXIT,
        source=_SOURCE,
        by_comparison=True,
    ),
    Rule(
        id="DUPLICATE_POSSIBLE",
        version=1,
        queue_type=DUPLICATE_CHECK,
        priority=2,
        attribute="npi",
        title="Possibly one person",
        says=_SAYS,
        exit_condition=_EXIT,
        source=_SOURCE,
        by_comparison=True,
    ),
)
