"""What a run of detection writes about itself: its beginning, how far it is, an early end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Final

from sqlalchemy import func, insert, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from workqueue.database import Database
from workqueue.errors import Refusal
from workqueue.models import DetectionRun

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]

_ERROR_LIMIT: Final = 1000
# Whoever watches sees a step within a second; more often would cost more than it tells.
_TELL_EVERY: Final = 0.3


class RunStopped(Refusal):
    """The run was stopped before its end; nothing of it was written, and it begins anew later."""


def begin(session: Session, day: date, *, user_id: int, via: str, answering: bool = False) -> int:
    """Record the beginning of a run, by whoever holds the lock of the one run at a time.

    With `answering` it is the one that was asked for and waits, if there is one; and a run that
    was asked for and ended without a word is taken up for the same person.
    """
    # With the lock in our hands nobody else's run is alive, whatever its row says.
    dead = session.execute(
        update(DetectionRun)
        .where(DetectionRun.status == "RUNNING")
        .values(status="FAILED", finished_at=func.now(), error="The run ended without a word.")
        .returning(DetectionRun.user_id, DetectionRun.via, DetectionRun.requested_at)
    ).first()
    whose = {"user_id": user_id, "via": via}
    if answering:
        waiting: int | None = session.scalar(
            update(DetectionRun)
            .where(DetectionRun.status == "REQUESTED")
            .values(status="RUNNING", started_at=func.now(), as_of=day)
            .returning(DetectionRun.id)
        )
        if waiting is not None:
            return waiting
        if dead is not None and dead.requested_at is not None:
            whose = dict(dead._mapping)
    run_id: int = session.execute(
        insert(DetectionRun).values(as_of=day, **whose).returning(DetectionRun.id)
    ).scalar_one()
    return run_id


def watched(database: Database, run_id: int, progress: Progress) -> Progress:
    """A progress that also writes each step into the run's record, at once and for all to see."""
    last = ("", 0.0)

    def tell(step: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if step != last[0] or done == total or now - last[1] >= _TELL_EVERY:
            last = (step, now)
            _write(database, run_id, step, done, total)
        progress(step, done, total)

    return tell


def _write(database: Database, run_id: int, step: str, done: int, total: int) -> None:
    # A step that cannot be told is no reason to end the run.
    try:
        with database.transaction() as session:
            session.execute(
                update(DetectionRun)
                .where(DetectionRun.id == run_id, DetectionRun.status == "RUNNING")
                .values(step=step, done=done, total=total, told_at=func.clock_timestamp())
            )
    except (SQLAlchemyError, Refusal) as error:
        log.warning("a step of run %s could not be told: %s", run_id, error)


def ended_early(database: Database, run_id: int, error: BaseException) -> None:
    """Say in the run's record what broke it off; nothing else of it was written.

    A run that was stopped waits again, unless another one waits already.
    """
    said = f"{type(error).__name__}: {error}".splitlines()[0][:_ERROR_LIMIT]
    # Where even that cannot be written, the next run marks this one, and the error tells more.
    with suppress(SQLAlchemyError, Refusal):
        if isinstance(error, RunStopped):
            with suppress(SQLAlchemyError), database.transaction() as session:
                _end(session, run_id, status="REQUESTED", step="", done=0, total=0)
                return
            said = str(error)
        with database.transaction() as session:
            _end(session, run_id, status="FAILED", finished_at=func.clock_timestamp(), error=said)


def _end(session: Session, run_id: int, **values: object) -> None:
    # A run that is done stays done, whatever befalls it afterwards.
    session.execute(
        update(DetectionRun)
        .where(DetectionRun.id == run_id, DetectionRun.status == "RUNNING")
        .values(**values)
    )
