"""For authors of validation scripts, and the process that runs one; imports next to nothing."""

from workqueue.checks.writing import Finding, validation

__all__ = ["Finding", "validation"]
