"""The lines that could not be loaded, to be shown and mended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from workqueue.models import IntakeReject, IntakeRun


@dataclass(frozen=True)
class Rejected:
    """A rejected line: file, when it was loaded (UTC), physical line (header is 1), why, text."""

    run_id: int
    file_name: str
    loaded_at: datetime
    line: int
    reason: str
    raw: str


def rejected_lines(
    session: Session, *, run_id: int | None = None, limit: int = 100
) -> list[Rejected]:
    """The rejected lines of one load or of all, newest load first, by line; at most `limit`."""
    found = (
        select(
            IntakeReject.run_id,
            IntakeRun.file_name,
            IntakeRun.started_at,
            IntakeReject.line,
            IntakeReject.reason,
            IntakeReject.raw,
        )
        .join(IntakeRun, IntakeRun.id == IntakeReject.run_id)
        .order_by(IntakeReject.run_id.desc(), IntakeReject.line)
        .limit(limit)
    )
    if run_id is not None:
        found = found.where(IntakeReject.run_id == run_id)
    return [Rejected(*row) for row in session.execute(found)]
