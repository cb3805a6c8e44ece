"""Rules: a record, or a million, and its groups in; findings out. Reads and writes nothing."""

from workqueue.rules.catalogue import RETIRED, RULES, rule
from workqueue.rules.engine import Limits
from workqueue.rules.evaluate import FINDINGS, GroupKeys, evaluate, group_keys, needed_columns
from workqueue.rules.references import References
from workqueue.rules.rule import Rule
from workqueue.rules.wording import Suggestion, catalogue_table, suggestions, words

__all__ = [
    "FINDINGS",
    "RETIRED",
    "RULES",
    "GroupKeys",
    "Limits",
    "References",
    "Rule",
    "Suggestion",
    "catalogue_table",
    "evaluate",
    "group_keys",
    "needed_columns",
    "rule",
    "suggestions",
    "words",
]
