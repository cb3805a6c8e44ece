"""Detection: every record through every rule, and the findings into line with the work items."""

from workqueue.detection.asking import own_rules
from workqueue.detection.listed import ListedRule, rules_listed
from workqueue.detection.run import DetectionRunning, DetectReport, detect
from workqueue.detection.trying import Example, Trial, try_rule

__all__ = [
    "DetectReport",
    "DetectionRunning",
    "Example",
    "ListedRule",
    "Trial",
    "detect",
    "own_rules",
    "rules_listed",
    "try_rule",
]
