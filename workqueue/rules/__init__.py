"""Rules: a record, or a million, and its groups in; findings out. Reads and writes nothing."""

from workqueue.rules.catalogue import RETIRED, RULES, rule
from workqueue.rules.engine import Limits
from workqueue.rules.evaluate import (
    FINDINGS,
    GroupKey,
    GroupKeys,
    evaluate,
    evaluate_each,
    group_keys,
    key_of,
    key_tables,
    live_records,
    needed_columns,
)
from workqueue.rules.isolation import SECONDS, Evaluation, RuleFailed, why_off
from workqueue.rules.references import References
from workqueue.rules.rule import Rule
from workqueue.rules.wording import (
    Suggestion,
    attribute_label,
    catalogue_table,
    suggestions,
    words,
)

__all__ = [
    "FINDINGS",
    "RETIRED",
    "RULES",
    "SECONDS",
    "Evaluation",
    "GroupKey",
    "GroupKeys",
    "Limits",
    "References",
    "Rule",
    "RuleFailed",
    "Suggestion",
    "attribute_label",
    "catalogue_table",
    "evaluate",
    "evaluate_each",
    "group_keys",
    "key_of",
    "key_tables",
    "live_records",
    "needed_columns",
    "rule",
    "suggestions",
    "why_off",
    "words",
]
