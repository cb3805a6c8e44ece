"""Rules: a record, or a million, and its groups in; findings out. Reads and writes nothing."""

from workqueue.rules.catalogue import RETIRED, RULES, rule
from workqueue.rules.engine import Limits
from workqueue.rules.evaluate import (
    FINDINGS,
    GroupKey,
    GroupKeys,
    evaluate,
    group_keys,
    key_of,
    key_tables,
    needed_columns,
)
from workqueue.rules.references import References
from workqueue.rules.rule import Rule
from workqueue.rules.wording import attribute_label, catalogue_table, words

__all__ = [
    "FINDINGS",
    "RETIRED",
    "RULES",
    "GroupKey",
    "GroupKeys",
    "Limits",
    "References",
    "Rule",
    "attribute_label",
    "catalogue_table",
    "evaluate",
    "group_keys",
    "key_of",
    "key_tables",
    "needed_columns",
    "rule",
    "words",
]
