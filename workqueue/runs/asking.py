"""Asking for a run of detection, from a process that does not run any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from workqueue.accounts import Actor, acting_with
from workqueue.lifecycle import Duty
from workqueue.models import DetectionRun

_WAITING = text("status = 'REQUESTED'")


@dataclass(frozen=True)
class Asked:
    """Which run was asked for; `merged`: one waited already, and answers this request as well."""

    run_id: int
    merged: bool


def ask(session: Session, *, actor: Actor) -> Asked:
    """Ask the worker for a run of detection.

    The request is the run's own row; it waits until a worker has time, however long that is.
    Raises NotAllowed without the right to detect.
    """
    user = acting_with(session, actor, Duty.DETECT)
    made = session.scalar(
        insert(DetectionRun)
        .values(
            status="REQUESTED",
            as_of=datetime.now(UTC).date(),
            user_id=user.id,
            via=actor.via,
            requested_at=func.now(),
        )
        .on_conflict_do_nothing(index_elements=["status"], index_where=_WAITING)
        .returning(DetectionRun.id)
    )
    session.execute(text("SELECT jobs.wake_detection()"))
    waiting = made or session.scalar(
        select(DetectionRun.id).where(DetectionRun.status == "REQUESTED")
    )
    if waiting is None:
        # The one that waited has begun between the two statements: it does not count any more.
        return ask(session, actor=actor)
    return Asked(waiting, merged=made is None)
