"""READ: the runs of detection, what each did, and whether one is under way or waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

# Any number will do that nobody else uses with PostgreSQL's advisory locks in this database.
ONE_AT_A_TIME: Final = 0x0DE7EC7
# A worker says every few seconds that it lives; after this long without a word it is gone.
SILENT_SECONDS: Final = 15.0

_RUNS: Final = """
SELECT r.id, r.status, r.as_of, u.username AS who, r.via, r.requested_at, r.started_at,
       r.finished_at, r.counts, r.step, r.done, r.total, r.told_at, r.error,
       extract(epoch FROM coalesce(r.finished_at, now()) - r.started_at)::float8 AS seconds,
       r.status IN ('RUNNING') AND NOT EXISTS (
           SELECT FROM pg_locks held
           WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
             AND held.classid = 0 AND held.objid = :lock
             AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       ) AS silent
FROM detection_runs r JOIN "user" u ON u.id = r.user_id
"""
_OUTCOMES: Final = """
SELECT rule_id, status, found, new, closed, seconds, error
FROM detection_run_rules WHERE run_id = :run ORDER BY rule_id
"""
_WORKER: Final = """
SELECT coalesce(max(last_heartbeat) > now() - make_interval(secs => :silent), false)
FROM jobs.procrastinate_workers
"""
_COUNTS: Final = ("new", "refreshed", "closed", "reopened", "cured", "open")


@dataclass(frozen=True)
class Run:
    """One run; times are UTC, `seconds` is how long it took or takes so far.

    `status` is REQUESTED, RUNNING, DONE or FAILED; `silent`: it says RUNNING, but whoever ran it
    is gone, and the next run will say so. `counts` is empty until it is done.
    """

    id: int
    status: str
    as_of: date
    who: str
    via: str
    requested_at: datetime | None
    started_at: datetime
    finished_at: datetime | None
    seconds: float
    counts: Mapping[str, Any]
    step: str
    done: int
    total: int
    told_at: datetime | None
    error: str
    silent: bool

    @property
    def changed(self) -> int:
        """How many items it made, refreshed, closed, reopened or marked cured."""
        return sum(int(self.counts.get(name, 0)) for name in _COUNTS if name != "open")


@dataclass(frozen=True)
class Outcome:
    """What one rule did in one run: status DONE, FAILED or OFF, with the words of why not."""

    rule_id: str
    status: str
    found: int
    new: int
    closed: int
    seconds: float
    error: str


@dataclass(frozen=True)
class Standing:
    """The run under way, the one that waits, the newest ones, and whether a worker is there."""

    running: Run | None
    waiting: Run | None
    newest: tuple[Run, ...]
    worker: bool


def runs(session: Session, *, limit: int = 20) -> tuple[Run, ...]:
    """The newest runs, those that wait or are under way first."""
    rows = session.execute(
        text(f"{_RUNS} ORDER BY r.finished_at IS NULL DESC, r.id DESC LIMIT :limit"),
        {"lock": ONE_AT_A_TIME, "limit": limit},
    )
    return tuple(_run(row) for row in rows)


def run(session: Session, run_id: int) -> Run | None:
    """One run; None where there is no such run."""
    row = session.execute(
        text(f"{_RUNS} WHERE r.id = :run"), {"lock": ONE_AT_A_TIME, "run": run_id}
    ).one_or_none()
    return _run(row) if row is not None else None


def outcomes(session: Session, run_id: int) -> tuple[Outcome, ...]:
    """What each rule did in a run, by rule; empty for a run that did not come so far."""
    found = session.execute(text(_OUTCOMES), {"run": run_id})
    return tuple(Outcome(**row._mapping) for row in found)


def standing(session: Session, *, limit: int = 20) -> Standing:
    """How detection stands at this moment."""
    newest = runs(session, limit=limit)
    by_status = {each.status: each for each in newest if not each.silent}
    worker = session.scalar(text(_WORKER), {"silent": SILENT_SECONDS})
    return Standing(by_status.get("RUNNING"), by_status.get("REQUESTED"), newest, bool(worker))


def _run(row: Row[Any]) -> Run:
    return Run(**row._mapping)
