"""Comparing records with each other in a run; it may fail without stopping the rules."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

import pyarrow as pa
from sqlalchemy.orm import Session

from workqueue.database import Database
from workqueue.detection.fetch import Snapshot, fetch_items_about
from workqueue.rules import RULES, Evaluation

COMPARED: Final = tuple(rule.id for rule in RULES if rule.by_comparison)
_LEFT_OUT: Final = "Records were not compared with each other in this run."
_ERROR_LIMIT: Final = 1000


def fields_compared() -> tuple[str, ...]:
    """Names of the fields that records are compared by."""
    # Here, so that nobody who only looks at reports has to import Splink.
    from workqueue.detection import duplicates  # noqa: PLC0415

    return tuple(duplicates.FIELDS)


def compared_anew(session: Session) -> frozenset[str]:
    """The rules that are asked by comparing all records, where that is due whatever changed."""
    from workqueue.detection import duplicates  # noqa: PLC0415

    return frozenset(COMPARED) if duplicates.due(session) else frozenset()


def not_compared(done: Evaluation) -> Evaluation:
    """`done`, saying that there was no comparison in this run."""
    return replace(done, off={**done.off, **dict.fromkeys(COMPARED, _LEFT_OUT)})


def compared(
    done: Evaluation, database: Database, snapshot: Snapshot
) -> tuple[Evaluation, Snapshot]:
    """`done` with the findings of the comparison, and `snapshot` with the items they may concern.

    Of a snapshot of changes only the groups of what changed are sought, unless the parameters of
    the comparison have to be estimated anew.
    """
    from workqueue.detection import duplicates  # noqa: PLC0415

    changes = snapshot.changes
    whole = changes is None or not changes.anew.isdisjoint(COMPARED)
    records = snapshot.records if changes is None else changes.everything
    if records is None:
        return done, snapshot
    start = time.perf_counter()
    try:
        found = duplicates.find_duplicates(
            database, records, None if whole or changes is None else changes.ids
        )
        if not whole:
            about = fetch_items_about(database.libpq_url, COMPARED, found.asked)
            snapshot = replace(snapshot, items=pa.concat_tables([snapshot.items, about]))
    except Exception as error:  # whatever it is, the rules go on
        said = f"{type(error).__name__}: {error}".splitlines()[0][:_ERROR_LIMIT]
        return replace(done, failed={**done.failed, **dict.fromkeys(COMPARED, said)}), snapshot
    taken = (time.perf_counter() - start) / len(COMPARED)
    return (
        replace(
            done,
            findings=pa.concat_tables([done.findings, found.findings], promote_options="default"),
            seconds={**done.seconds, **dict.fromkeys(COMPARED, taken)},
        ),
        snapshot,
    )
