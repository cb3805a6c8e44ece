"""One run of detection, from the records to the work items, recorded in `detection_runs`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from workqueue.accounts import Actor, acting_with
from workqueue.database import Database
from workqueue.detection import asking
from workqueue.detection.basis import Basis, Look, basis, look
from workqueue.detection.compare import compare
from workqueue.detection.comparison import (
    COMPARED,
    compared,
    compared_anew,
    fields_compared,
    not_compared,
)
from workqueue.detection.fetch import Question, Snapshot, fetch
from workqueue.detection.finding import find
from workqueue.detection.listing import list_rules
from workqueue.errors import Refusal
from workqueue.lifecycle import LIVE, Duty, Status
from workqueue.models import DetectionRun, WorkItem
from workqueue.rules import Evaluation
from workqueue.runs import ONE_AT_A_TIME, Progress, begin, ended_early, watched
from workqueue.settings import Settings
from workqueue.verbs import expire_leases, knowledge
from workqueue.verbs.reconcile import Compared, reconcile

_STEPS = 4
# After a large first write the inbox should not wait for autovacuum to know the new sizes.
_ANALYZE_FROM = 10_000
_ANALYZE = "ANALYZE work_items, work_item_providers, work_actions"


class DetectionRunning(Refusal):
    """A detection is running already; wait until it has ended, then run it again if need be."""


@dataclass(frozen=True)
class DetectReport:
    """What a run did: items by act, how many there are by now, seconds by part of the work.

    `new` includes problems that came back after a person's decision; `reopened` are items that the
    system had closed; `cured` items are held by somebody. `open` counts items with status OPEN,
    `in_progress` those that somebody holds; `rules` and `rules_in_progress` are the same by rule,
    zero included. `sweeps` counts the expired leases that were set free first, `looked_at` the
    records; `full`: all of them. `failed` and `off` tell by rule, or by file of a rule, why there
    is no answer; items of those are left as they are.
    """

    new: int = 0
    refreshed: int = 0
    closed: int = 0
    reopened: int = 0
    cured: int = 0
    recurred: int = 0
    open: int = 0
    in_progress: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    rules_in_progress: dict[str, int] = field(default_factory=dict)
    sweeps: int = 0
    looked_at: int = 0
    full: bool = True
    timings: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    off: dict[str, str] = field(default_factory=dict)


def detect(  # noqa: PLR0913 - each argument is another part of a run
    database: Database,
    *,
    actor: Actor,
    as_of: date | None = None,
    full: bool = False,
    progress: Progress | None = None,
    settings: Settings | None = None,
    duplicates: bool = True,
    answering: bool = False,
) -> DetectReport:
    """Evaluate the rules on the records and bring the work items into line, all or nothing.

    Only what changed since the last complete run is looked at, with the groups that it left or
    joined; `full` looks at everything. Both come to the same. Where there are validation scripts
    every run is full: nobody knows what they go by.

    `as_of` is the day in UTC that rules about the clock go by, by default today. `progress` is
    told (step, done, total), and so is the run's record, for whoever watches from elsewhere. With
    `answering` the run is the one that was asked for and waits, if there is one. `settings` names
    the folder of own rules, by default those of the environment. Without `duplicates` records are
    not compared with each other, and what that found before is left as it is. A second run on the
    same records changes nothing. Raises NotAllowed without the right to detect, DetectionRunning
    while another run is under way; what `progress` raises ends the run.
    """
    day = as_of or datetime.now(UTC).date()
    with _alone(database):
        run_id, sweeps = database.run(lambda session: _begin(session, actor, day, answering))
        try:
            asked = _asked(database, settings or Settings.read())
            run = _Run(run_id, day, sweeps, asked, duplicates, full)
            return _run(database, run, watched(database, run_id, progress or _nobody_watches))
        except BaseException as error:
            ended_early(database, run_id, error)
            raise


@dataclass(frozen=True)
class _Run:
    """The row of a run, its day, the leases set free before it, and what it is to do."""

    id: int
    day: date
    sweeps: int
    asked: asking.Asked
    compares: bool
    full: bool


def _nobody_watches(step: str, done: int, total: int) -> None:
    del step, done, total


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold the lock of the one run at a time, on a connection of its own."""
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        key = {"key": ONE_AT_A_TIME}
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
            raise DetectionRunning()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _begin(session: Session, actor: Actor, day: date, answering: bool) -> tuple[int, int]:
    """Record the run, set expired leases free."""
    user = acting_with(session, actor, Duty.DETECT)
    run_id = begin(session, day, user_id=user.id, via=actor.via, answering=answering)
    return run_id, expire_leases(session)


def _asked(database: Database, settings: Settings) -> asking.Asked:
    """Read the operator's rules and bring the table of rules up to date."""
    mine = asking.own_rules(database, settings)
    kept = database.run(lambda session: list_rules(session, mine))
    return asking.asked(mine, kept, settings)


def _run(database: Database, run: _Run, progress: Progress) -> DetectReport:
    timings: dict[str, float] = {}
    more = fields_compared() if run.compares else ()
    with _timed(timings, "fetch"), database.transaction() as session:
        column_sets = knowledge.column_sets(session)
        references = knowledge.references(session)
        now = basis(session, run.asked.all_rules, run.day)
        # Scripts are asked of all records.
        anew = compared_anew(session) if run.compares else frozenset()
        wanted = Look(None) if run.full or run.asked.scripts else look(session, now, anew)
    progress("detect", 0, _STEPS)
    with _timed(timings, "fetch"):
        question = Question(
            wanted, run.day, column_sets, run.asked.rules, (*run.asked.more_fields, *more)
        )
        snapshot = fetch(database.libpq_url, question)
    progress("detect", 1, _STEPS)
    with _timed(timings, "evaluate"):
        done = find(
            snapshot, run.asked, column_sets=column_sets, as_of=run.day, references=references
        )
    progress("detect", 2, _STEPS)
    if run.compares:
        with _timed(timings, "duplicates"):
            done, snapshot = compared(done, database, snapshot)
    else:
        done = not_compared(done)
    progress("detect", 3, _STEPS)
    with _timed(timings, "write"):
        kept = _kept(now, wanted, snapshot, done)
        about = DetectReport(
            sweeps=run.sweeps,
            looked_at=snapshot.records.num_rows,
            full=snapshot.changes is None,
            failed=done.failed,
            off=done.off,
        )
        due, scope = compare(done.findings, snapshot, done.unanswered)
        found = asking.found_by_rule(done.findings)
        done = replace(done, findings=due)
        del snapshot
        written = _Written(run, done, found, about, kept)
        report = database.run(lambda session: _write(session, written, scope))
        if report.new >= _ANALYZE_FROM:
            database.run(lambda session: session.execute(text(_ANALYZE)))
    progress("detect", _STEPS, _STEPS)
    report.timings.update(timings)
    return report


def _kept(now: Basis, wanted: Look, snapshot: Snapshot, done: Evaluation) -> Basis:
    """What the next run may go by: rules without an answer are asked of every record again."""
    again = {*done.failed, *(done.off.keys() & set(COMPARED))}
    whole = snapshot.changes is None or wanted.since is None
    return replace(
        now,
        xmin=int(snapshot.xmin),
        records=snapshot.records.num_rows if whole or not wanted.since else wanted.since.records,
        rules={key: said for key, said in now.rules.items() if key not in again},
    )


@dataclass(frozen=True)
class _Written:
    """What a run has to write: its findings, how many of each rule, its report and its basis."""

    run: _Run
    done: Evaluation
    found: Mapping[str, int]
    about: DetectReport
    kept: Basis


def _write(session: Session, told: _Written, scope: Compared) -> DetectReport:
    """Bring the items into line and close the run's record, in one transaction."""
    run = told.run
    counts = reconcile(session, told.done.findings, scope=scope, run_id=run.id)
    asking.write_results(session, run.id, run.asked, told.done, told.found)
    waiting = dict.fromkeys(run.asked.ids, 0)
    held = dict(waiting)
    for rule_id, status, items in session.execute(
        select(WorkItem.rule_id, WorkItem.status, func.count())
        .where(WorkItem.status.in_(sorted(LIVE)))
        .group_by(WorkItem.rule_id, WorkItem.status)
    ):
        (waiting if status == Status.OPEN else held)[rule_id] = items
    report = replace(
        told.about,
        **asdict(counts),
        open=sum(waiting.values()),
        in_progress=sum(held.values()),
        rules=waiting,
        rules_in_progress=held,
    )
    said = {name: value for name, value in asdict(report).items() if name != "timings"}
    session.execute(
        update(DetectionRun)
        .where(DetectionRun.id == run.id)
        .values(
            status="DONE",
            finished_at=func.clock_timestamp(),
            counts=said,
            basis=told.kept.as_dict(),
        )
    )
    return report


@contextmanager
def _timed(timings: dict[str, float], part: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        timings[part] = timings.get(part, 0.0) + time.perf_counter() - start
