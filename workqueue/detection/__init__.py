"""Detection: every record through every rule, and the findings into line with the work items."""

from workqueue.detection.run import DetectionRunning, DetectReport, detect

__all__ = ["DetectReport", "DetectionRunning", "detect"]
