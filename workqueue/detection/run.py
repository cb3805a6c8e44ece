"""One run of detection, from the records to the work items, recorded in `detection_runs`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from workqueue.accounts import Actor, acting_with
from workqueue.database import Database
from workqueue.detection import asking
from workqueue.detection.basis import Basis, Look, basis, look
from workqueue.detection.compare import compare
from workqueue.detection.fetch import Question, Snapshot, fetch
from workqueue.detection.listing import list_rules
from workqueue.errors import Refusal
from workqueue.lifecycle import LIVE, Duty, Status
from workqueue.models import DetectionRun, WorkItem
from workqueue.rules import Evaluation
from workqueue.settings import Settings
from workqueue.verbs import expire_leases, knowledge
from workqueue.verbs.reconcile import Compared, reconcile

Progress = Callable[[str, int, int], None]

_STEPS = 3
_ERROR_LIMIT = 1000
# After a large first write the inbox should not wait for autovacuum to know the new sizes.
_ANALYZE_FROM = 10_000
_ANALYZE = "ANALYZE work_items, work_item_providers, work_actions"
# Any number will do that nobody else uses with PostgreSQL's advisory locks in this database.
_ONE_AT_A_TIME = 0x0DE7EC7


class DetectionRunning(Refusal):
    """A detection is running already; wait until it has ended, then run it again if need be."""


@dataclass(frozen=True)
class DetectReport:
    """What a run did: items by act, how many there are by now, seconds by part of the work.

    `new` includes problems that came back after a person's decision; `reopened` are items that the
    system had closed; `cured` items are held by somebody. `open` counts items with status OPEN,
    `in_progress` those that somebody holds; `rules` and `rules_in_progress` are the same by rule,
    zero included. `sweeps` counts the expired leases that were set free first. `looked_at` counts
    the records; `full`: all of them. `failed` and `off` tell by rule, or by file of a rule, why
    there is no answer; items of those are left as they are.
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


def detect(  # noqa: PLR0913 - all but the first are keywords
    database: Database,
    *,
    actor: Actor,
    as_of: date | None = None,
    full: bool = False,
    progress: Progress | None = None,
    settings: Settings | None = None,
) -> DetectReport:
    """Evaluate the rules on the records and bring the work items into line, all or nothing.

    Only what changed since the last complete run is looked at, with the groups that it left or
    joined; `full` looks at everything. Both come to the same.

    `as_of` is the day in UTC that rules about the clock go by, by default today. `progress` is
    told (step, done, total). `settings` names the folder of own rules, by default those of the
    environment. A second run on the same records changes nothing. Raises NotAllowed without the
    right to detect, DetectionRunning while another run is under way.
    """
    day = as_of or datetime.now(UTC).date()
    with _alone(database):
        run_id, sweeps = database.run(lambda session: _begin(session, actor, day))
        try:
            asked = _asked(database, settings or Settings.read())
            run = _Run(run_id, day, sweeps, asked, full)
            return _run(database, run, progress or _nobody_watches)
        except BaseException as error:
            _record_failure(database, run_id, error)
            raise


@dataclass(frozen=True)
class _Run:
    """The row of a run, its day, the leases set free before it, and what it asks."""

    id: int
    day: date
    sweeps: int
    asked: asking.Asked
    full: bool


def _nobody_watches(step: str, done: int, total: int) -> None:
    del step, done, total


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold the lock of the one run at a time, on a connection of its own."""
    engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        key = {"key": _ONE_AT_A_TIME}
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), key):
            raise DetectionRunning()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _begin(session: Session, actor: Actor, day: date) -> tuple[int, int]:
    """Record the run, set expired leases free."""
    user = acting_with(session, actor, Duty.DETECT)
    # With the lock in our hands nobody else's run is alive, whatever its row says.
    session.execute(
        update(DetectionRun)
        .where(DetectionRun.status == "RUNNING")
        .values(status="FAILED", finished_at=func.now(), error="The run ended without a word.")
    )
    run_id: int = session.execute(
        insert(DetectionRun)
        .values(as_of=day, user_id=user.id, via=actor.via)
        .returning(DetectionRun.id)
    ).scalar_one()
    return run_id, expire_leases(session)


def _asked(database: Database, settings: Settings) -> asking.Asked:
    """Read the operator's rules and bring the table of rules up to date."""
    mine = asking.own_rules(database, settings)
    kept = database.run(lambda session: list_rules(session, mine))
    return asking.asked(mine, kept, settings)


def _run(database: Database, run: _Run, progress: Progress) -> DetectReport:
    timings: dict[str, float] = {}
    with _timed(timings, "fetch"), database.transaction() as session:
        column_sets = knowledge.column_sets(session)
        references = knowledge.references(session)
        now = basis(session, run.asked.rules, run.day)
        looking = Look(None) if run.full else look(session, now, run.asked.of_scripts)
    progress("detect", 0, _STEPS)
    with _timed(timings, "fetch"):
        snapshot = fetch(
            database.libpq_url,
            run.asked.rules,
            run.asked.more_fields,
            Question(looking, run.day, column_sets),
        )
    progress("detect", 1, _STEPS)
    with _timed(timings, "evaluate"):
        done = asking.answers(
            snapshot,
            run.asked,
            column_sets=column_sets,
            as_of=run.day,
            references=references,
        )
    progress("detect", 2, _STEPS)
    with _timed(timings, "write"):
        due, scope = compare(done.findings, snapshot, done.unanswered)
        looked = _looked(now, looking, snapshot, done)
        done = replace(done, findings=due)
        del snapshot
        report = database.run(lambda session: _write(session, run, done, scope, looked))
        if report.new >= _ANALYZE_FROM:
            database.run(lambda session: session.execute(text(_ANALYZE)))
    progress("detect", _STEPS, _STEPS)
    report.timings.update(timings)
    return report


@dataclass(frozen=True)
class _Looked:
    """How many records a run looked at, whether these were all, and what it leaves to the next.

    `found` counts the findings by rule.
    """

    at: int
    full: bool
    found: Mapping[str, int]
    basis: Basis


def _looked(now: Basis, looking: Look, snapshot: Snapshot, done: Evaluation) -> _Looked:
    """A rule that failed is left out, so that the next run asks it of every record."""
    at = snapshot.records.num_rows
    since = looking.since if snapshot.changes is not None else None
    answered = {key: said for key, said in now.rules.items() if key not in done.failed}
    kept = replace(
        now,
        rules=answered,
        xmin=int(snapshot.xmin),
        records=at if since is None else since.records,
    )
    return _Looked(at, since is None, asking.found_by_rule(done.findings), kept)


def _write(
    session: Session,
    run: _Run,
    done: Evaluation,
    scope: Compared,
    looked: _Looked,
) -> DetectReport:
    """Bring the items into line and close the run's record, in one transaction."""
    counts = reconcile(session, done.findings, scope=scope, run_id=run.id)
    asking.write_results(session, run.id, run.asked, done, looked.found)
    waiting = dict.fromkeys(run.asked.ids, 0)
    held = dict(waiting)
    for rule_id, status, items in session.execute(
        select(WorkItem.rule_id, WorkItem.status, func.count())
        .where(WorkItem.status.in_(sorted(LIVE)))
        .group_by(WorkItem.rule_id, WorkItem.status)
    ):
        (waiting if status == Status.OPEN else held)[rule_id] = items
    report = DetectReport(
        **asdict(counts),
        open=sum(waiting.values()),
        in_progress=sum(held.values()),
        rules=waiting,
        rules_in_progress=held,
        sweeps=run.sweeps,
        looked_at=looked.at,
        full=looked.full,
        failed=done.failed,
        off=done.off,
    )
    told = {name: value for name, value in asdict(report).items() if name != "timings"}
    session.execute(
        update(DetectionRun)
        .where(DetectionRun.id == run.id)
        .values(
            status="DONE",
            finished_at=func.clock_timestamp(),
            counts=told,
            basis=looked.basis.as_dict(),
        )
    )
    return report


def _record_failure(database: Database, run_id: int, error: BaseException) -> None:
    """Say in the run's record what broke it off; nothing else of it was written."""
    said = f"{type(error).__name__}: {error}".splitlines()[0][:_ERROR_LIMIT]
    # Where even that cannot be written, the next run marks this one, and the error tells more.
    with suppress(SQLAlchemyError, Refusal), database.transaction() as session:
        session.execute(
            update(DetectionRun)
            .where(DetectionRun.id == run_id)
            .values(status="FAILED", finished_at=func.clock_timestamp(), error=said)
        )


@contextmanager
def _timed(timings: dict[str, float], part: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        timings[part] = timings.get(part, 0.0) + time.perf_counter() - start
