"""Comparing records with each other in a run; it may fail without stopping the rules."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import pyarrow as pa

from workqueue.database import Database
from workqueue.rules import RULES, Evaluation

COMPARED: Final = tuple(rule.id for rule in RULES if rule.by_comparison)
_LEFT_OUT: Final = "Records were not compared with each other in this run."
_ERROR_LIMIT: Final = 1000


class Comparison(Protocol):
    """Adds what comparing finds to what the rules found; `fields` are what it looks at."""

    @property
    def fields(self) -> Sequence[str]:
        """Names of the fields that the records must have."""

    def added(self, done: Evaluation, database: Database, records: pa.Table) -> Evaluation:
        """`done` with the findings of the comparison, or with why there are none."""


@dataclass(frozen=True)
class _LeftOut:
    fields: Sequence[str] = ()

    def added(self, done: Evaluation, database: Database, records: pa.Table) -> Evaluation:
        del database, records
        return replace(done, off={**done.off, **dict.fromkeys(COMPARED, _LEFT_OUT)})


class _BySplink:
    def __init__(self) -> None:
        # Here, so that nobody who only looks at reports has to import Splink.
        from workqueue.detection import duplicates  # noqa: PLC0415

        self.fields: Sequence[str] = duplicates.FIELDS
        self._find = duplicates.find_duplicates

    def added(self, done: Evaluation, database: Database, records: pa.Table) -> Evaluation:
        start = time.perf_counter()
        try:
            found = self._find(database, records).findings
        except Exception as error:  # whatever it is, the rules go on
            said = f"{type(error).__name__}: {error}".splitlines()[0][:_ERROR_LIMIT]
            return replace(done, failed={**done.failed, **dict.fromkeys(COMPARED, said)})
        taken = (time.perf_counter() - start) / len(COMPARED)
        return replace(
            done,
            findings=pa.concat_tables([done.findings, found], promote_options="default"),
            seconds={**done.seconds, **dict.fromkeys(COMPARED, taken)},
        )


def comparison(*, wanted: bool) -> Comparison:
    """The comparison of a run; where it is not `wanted`, one that says so and finds nothing."""
    return _BySplink() if wanted else _LeftOut()
