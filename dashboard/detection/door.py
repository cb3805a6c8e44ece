"""The Detection page's way into the data layer, as plain functions.

As with the desk's door, nothing here protects anything: the data layer checks every right itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.detection.trial import tried
from workqueue import accounts, runs
from workqueue.accounts import Actor, UserRow
from workqueue.database import Database
from workqueue.detection import ListedRule, Trial, rules_listed
from workqueue.lifecycle import DUTIES, Duty
from workqueue.runs import Asked, Outcome, Standing


@dataclass(frozen=True)
class FirstDetection:
    """What the page shows first, read before it is made."""

    user: UserRow
    standing: Standing
    rules: tuple[ListedRule, ...]


class DetectionDoor:
    """The data layer for one viewer of the page."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self.database = database
        self.actor = actor

    def first(self) -> FirstDetection:
        """All that the page shows first."""
        return FirstDetection(self.user(), self.standing(), self.rules())

    def user(self) -> UserRow:
        """The viewer as of now. Raises NoSuchUser, UserDisabled or LoginEnded."""
        return self.database.run(lambda session: accounts.acting(session, self.actor))

    def stay(self) -> None:
        """Note that the viewer's login session is in use."""
        login = self.actor.login
        if login is not None:
            self.database.run(lambda session: accounts.touch(session, login))

    def standing(self) -> Standing:
        """How detection stands now."""
        with self.database.snapshot() as session:
            return runs.standing(session, limit=50)

    def rules(self) -> tuple[ListedRule, ...]:
        """The rules with their items."""
        with self.database.snapshot() as session:
            return rules_listed(session)

    def outcomes(self, run_id: int) -> tuple[Outcome, ...]:
        """What each rule did in a run."""
        with self.database.snapshot() as session:
            return runs.outcomes(session, run_id)

    def ask(self) -> Asked:
        """Ask for a run. Raises NotAllowed, LoginEnded, UserDisabled."""
        return self.database.run(lambda session: runs.ask(session, actor=self.actor))

    def try_rule(self, rule_id: str) -> Trial:
        """What a rule would raise now. Raises NotAllowed, BadInput, TrialRunning."""
        # Refused before a process is started for it.
        self.database.run(lambda session: accounts.acting_with(session, self.actor, Duty.DETECT))
        return tried(self.database.url, rule_id, self.actor)


def may_detect(user: UserRow | None) -> bool:
    """Whether the role includes runs of detection; for the button only."""
    return user is not None and Duty.DETECT in DUTIES[user.role]
