"""Duplicates: records that look like one person, found by comparing them with Splink.

Imports Splink, which takes a second and some 60 MB: import it in the detection job only.
"""

from workqueue.duplicates.compared import FIELDS
from workqueue.duplicates.identity import PREFIX, Known
from workqueue.duplicates.model import Model
from workqueue.duplicates.search import LIKELY_FROM, POSSIBLE_FROM, Found, count, find
from workqueue.duplicates.store import Stored, current, keep, known

__all__ = [
    "FIELDS",
    "LIKELY_FROM",
    "POSSIBLE_FROM",
    "PREFIX",
    "Found",
    "Known",
    "Model",
    "Stored",
    "count",
    "current",
    "find",
    "keep",
    "known",
]
