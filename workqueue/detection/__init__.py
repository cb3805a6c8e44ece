"""Detection: every record through every rule, and the findings into line with the work items."""

from workqueue.detection.run import DetectionRunning, DetectReport, detect
from workqueue.detection.trying import ListedRule, Trial, rules_listed, try_rule

__all__ = [
    "DetectReport",
    "DetectionRunning",
    "ListedRule",
    "Trial",
    "detect",
    "rules_listed",
    "try_rule",
]
