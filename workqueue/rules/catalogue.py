"""The rules, in the order in which the documentation lists them.

To add a rule, add it to the tuple of its topic; detection, inbox and documentation read RULES. An
id is never renamed: a rule that is given up moves to RETIRED, so that its old items can still be
read.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from workqueue.rules.contact import CONTACT
from workqueue.rules.history import HISTORY
from workqueue.rules.identity import IDENTITY
from workqueue.rules.licensing import LICENSING
from workqueue.rules.location import LOCATION
from workqueue.rules.person import PERSON
from workqueue.rules.rule import Rule
from workqueue.rules.sources import SOURCES
from workqueue.rules.taxonomy import TAXONOMY

RULES: Final[tuple[Rule, ...]] = (
    *IDENTITY,
    *PERSON,
    *TAXONOMY,
    *LICENSING,
    *LOCATION,
    *CONTACT,
    *HISTORY,
    *SOURCES,
)

RETIRED: Final[tuple[Rule, ...]] = ()

_BY_ID: Final = MappingProxyType({known.id: known for known in (*RULES, *RETIRED)})


def rule(rule_id: str) -> Rule:
    """The rule of that id, retired ones included. Raises KeyError where there never was one."""
    return _BY_ID[rule_id]
