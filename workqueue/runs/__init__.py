"""Runs of detection: how they are asked for, what they say while they run, and their history.

Apart from `workqueue.detection`, so that whoever asks for a run or looks at one needs none of what
it takes to do one.
"""

from workqueue.runs.asking import Asked, ask
from workqueue.runs.history import (
    ONE_AT_A_TIME,
    SILENT_SECONDS,
    Outcome,
    Run,
    Standing,
    outcomes,
    run,
    runs,
    standing,
)
from workqueue.runs.recording import Progress, RunStopped, begin, ended_early, watched

__all__ = [
    "ONE_AT_A_TIME",
    "SILENT_SECONDS",
    "Asked",
    "Outcome",
    "Progress",
    "Run",
    "RunStopped",
    "Standing",
    "ask",
    "begin",
    "ended_early",
    "outcomes",
    "run",
    "runs",
    "standing",
    "watched",
]
