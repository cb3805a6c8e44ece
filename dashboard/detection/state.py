"""The state of one Detection page, without Panel: what is shown, and what is under way."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

import param

from dashboard.detection.door import DetectionDoor, FirstDetection, may_detect
from dashboard.running import Run as RunWork
from dashboard.shown import Notice
from dashboard.wording import told
from workqueue.accounts import UserRow
from workqueue.detection import Trial
from workqueue.errors import Refusal
from workqueue.runs import Asked, Outcome, Run, Standing

log = logging.getLogger(__name__)
# While nothing is under way the page looks only every so many ticks.
_IDLE_TICKS: Final = 4


class Detecting(param.Parameterized):
    """What one page shows and does. Everything is set on the event loop, never in a thread."""

    user = param.ClassSelector(class_=UserRow, default=None)
    standing = param.ClassSelector(class_=Standing, default=None)
    rules = param.ClassSelector(class_=tuple, default=())
    chosen = param.Integer(None, allow_None=True, doc="The run shown rule by rule")
    outcomes = param.ClassSelector(class_=tuple, default=())
    trying = param.String("", doc="The rule that is being tried")
    trial = param.ClassSelector(class_=Trial, default=None)
    notice = param.ClassSelector(class_=Notice, default=None)
    asking = param.Boolean(False, doc="A request for a run is under way")

    def __init__(self, door: DetectionDoor, run: RunWork) -> None:
        super().__init__()
        self.door = door
        self._run = run
        self._ticks = 0
        self._looking = False

    def start(self, first: FirstDetection | None) -> None:
        """Show what has been read already, or read it."""
        if first is not None:
            self.param.update(user=first.user, standing=first.standing, rules=first.rules)
            return
        self._ask(self.door.first, self.start)

    def tick(self) -> None:
        """Look how detection stands: often while a run is under way or waits, else seldom."""
        self._ticks += 1
        standing = self.standing
        idle = standing is None or (standing.running is None and standing.waiting is None)
        if self._looking or (idle and self._ticks % _IDLE_TICKS):
            return
        self.look()

    def look(self) -> None:
        """Read how detection stands now."""
        self._looking = True

        def seen(found: Standing) -> None:
            self._looking = False
            before, self.standing = self.standing, found
            if before is not None:
                self._tell_ends(before, found)

        def failed(error: Exception) -> None:
            self._looking = False
            log.warning("the Detection page could not look: %s", error)

        self._run(self.door.standing, seen, failed)

    def _tell_ends(self, before: Standing, now: Standing) -> None:
        open_ones = {run.id for run in before.newest if run.finished_at is None}
        ended = [run for run in now.newest if run.id in open_ones and run.finished_at is not None]
        if not ended:
            return
        self.notice = _end_of(ended[0])
        self._ask(self.door.rules, lambda rules: setattr(self, "rules", rules))

    def ask_for_run(self) -> None:
        """Ask for a run now."""
        if self.asking:
            return
        self.asking = True

        def done(asked: Asked) -> None:
            self.asking = False
            key = "run_merged" if asked.merged else "run_asked"
            worker = self.standing is not None and self.standing.worker
            self.notice = Notice(
                "good" if worker else "warn",
                told(key, number=asked.run_id) + ("" if worker else " " + told("no_worker")),
            )
            self.look()

        self._ask(self.door.ask, done)

    def choose(self, run_id: int | None) -> None:
        """Show a run rule by rule; the same one again, or None: no more."""
        known = {run.id for run in self.standing.newest} if self.standing else set()
        if run_id is None or run_id == self.chosen or run_id not in known:
            self.param.update(chosen=None, outcomes=())
            return

        def shown(found: tuple[Outcome, ...]) -> None:
            self.param.update(chosen=run_id, outcomes=found)

        self._ask(lambda: self.door.outcomes(run_id), shown)

    def try_rule(self, rule_id: str) -> None:
        """Find out what a rule would raise now, without writing."""
        if self.trying or rule_id not in {rule.id for rule in self.rules}:
            return
        if not may_detect(self.user):
            self.notice = Notice("warn", self.reason())
            return
        self.param.update(trying=rule_id, trial=None)

        def done(trial: Trial) -> None:
            self.param.update(trying="", trial=trial)

        self._ask(lambda: self.door.try_rule(rule_id), done)

    def close(self) -> None:
        """Show the history again instead of a trial or a run's rules."""
        self.param.update(trial=None, chosen=None, outcomes=())

    def active(self) -> None:
        """The viewer is at work: the login stays."""
        self._ask(self.door.stay, lambda _nothing: None)

    def reason(self) -> str:
        """Why the viewer may not run detection; empty where they may."""
        if self.user is None or may_detect(self.user):
            return ""
        return told("may_not_detect", role=self.user.role)

    def _ask(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._run(work, then, self._failed)

    def _failed(self, error: Exception) -> None:
        self.param.update(asking=False, trying="")
        if isinstance(error, Refusal):
            self.notice = Notice("bad", str(error))
            return
        number = secrets.token_hex(4)
        log.error("error %s of %s", number, self.door.actor.username, exc_info=error)
        self.notice = Notice("bad", told("unforeseen", number=number))


def _end_of(run: Run) -> Notice:
    if run.status == "DONE":
        return Notice(
            "good",
            told(
                "run_done",
                number=run.id,
                new=run.counts.get("new", 0),
                closed=run.counts.get("closed", 0),
                open=run.counts.get("open", 0),
            ),
        )
    return Notice("bad", told("run_failed", number=run.id, why=run.error))
