"""From files to provider rows: `load` for providers, `load_reference` for lists of rules."""

from workqueue.intake.load import load
from workqueue.intake.reference import current_reference, load_reference
from workqueue.intake.rejects import Rejected, rejected_lines
from workqueue.intake.report import LoadReport, ReferenceReport

__all__ = [
    "LoadReport",
    "ReferenceReport",
    "Rejected",
    "current_reference",
    "load",
    "load_reference",
    "rejected_lines",
]
