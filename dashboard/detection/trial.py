"""Trying a rule in a process of its own, which takes a gigabyte for a million records."""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.detection import Trial, own_rules, try_rule
from workqueue.errors import Refusal
from workqueue.settings import Settings

_ONE: Final = threading.Lock()


class TrialRunning(Refusal):
    """Somebody is trying a rule at this moment; wait until that is done."""


def tried(url: str, rule_id: str, actor: Actor) -> Trial:
    """What the rule would raise now in the database of `url`. Raises TrialRunning beside another.

    The process ends with its answer, so that the desk keeps none of the memory.
    """
    if not _ONE.acquire(blocking=False):
        raise TrialRunning
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            return process.submit(_try, url, rule_id, actor).result()
    finally:
        _ONE.release()


def _try(url: str, rule_id: str, actor: Actor) -> Trial:
    settings = Settings.read()
    with Database(url) as database:
        mine = own_rules(database, settings) if settings.rules else None
        return try_rule(database, rule_id, actor=actor, mine=mine, seconds=settings.rule_seconds)
