"""A person who works at random: the program of the processes in test_concurrency.

Every act has a request id of its own and is repeated with it until the database answers. What was
acknowledged is written to a file, one JSON object a line: request, user, verb, item, version.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import DatabaseUnavailable, Refusal, TriedTooOften
from workqueue.lifecycle import Kind, Status, Verb
from workqueue.verbs import FieldUpdateResult, ItemState

SHORT_LEASE = timedelta(seconds=1)
_PATIENCE = 90.0
Act = Callable[..., Any]


def person(username: str) -> Actor:
    """The actor of one of the processes."""
    return Actor(username, Kind.LOCAL, "cli:random")


class _Worker:
    def __init__(self, database: Database, username: str, items: list[int], seed: int) -> None:
        self._database = database
        self._actor = person(username)
        self._items = items
        self._random = random.Random(seed)
        self._mine: list[int] = []

    def once(self) -> dict[str, Any] | None:
        """One act at random; what was acknowledged, or None where it was refused."""
        verb, act = self._choose()
        request_id = UUID(int=self._random.getrandbits(128), version=4)
        answer = self._until_answered(act, request_id)
        if answer is None:
            return None
        state: ItemState = answer.state if isinstance(answer, FieldUpdateResult) else answer
        self._remember(state)
        return {
            "request_id": str(request_id),
            "user": self._actor.username,
            "verb": verb,
            "item": state.id,
            "version": state.version,
        }

    def _until_answered(self, act: Act, request_id: UUID) -> Any:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._database.run(
                    lambda session: act(session, actor=self._actor, request_id=request_id)
                )
            except (DatabaseUnavailable, TriedTooOften, DBAPIError):
                # The server was killed, or many want the same rows: the same request again.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            except Refusal:
                return None

    def _remember(self, state: ItemState) -> None:
        held = state.status is Status.IN_PROGRESS and state.assigned_to == self._actor.username
        if held and state.id not in self._mine:
            self._mine.append(state.id)
        elif not held and state.id in self._mine:
            self._mine.remove(state.id)

    def _choose(self) -> tuple[Verb, Act]:
        # Some leases are so short that they end under their holder.
        lease = timedelta(seconds=self._random.choice([0.02, 0.3, 60, 60]))
        any_item = self._random.choice(self._items)
        held = self._random.choice(self._mine or self._items)
        phone = f"308865{self._random.randrange(2000, 9999)}"
        other = f"worker{self._random.randrange(16)}"

        def next_item(s: Session, **common: Any) -> Any:
            return verbs.claim_next(s, lease=lease, **common)

        choices: list[tuple[int, Verb, Act]] = [
            (30, Verb.CLAIM, next_item),
            (15, Verb.CLAIM, lambda s, **c: verbs.claim(s, any_item, lease=lease, **c)),
            (10, Verb.COMMENT, lambda s, **c: verbs.comment(s, any_item, "hello", **c)),
            (10, Verb.RELEASE, lambda s, **c: verbs.release(s, held, **c)),
            (8, Verb.RESOLVE, lambda s, **c: verbs.resolve(s, held, note="done", **c)),
            (6, Verb.REJECT, lambda s, **c: verbs.reject(s, held, reason="is right", **c)),
            (8, Verb.REOPEN, lambda s, **c: verbs.reopen(s, any_item, reason="no", **c)),
            (5, Verb.ASSIGN, lambda s, **c: verbs.assign(s, any_item, to=other, **c)),
            (
                5,
                Verb.FIELD_UPDATE,
                lambda s, **c: verbs.field_update(s, held, {"practice_phone": phone}, **c),
            ),
        ]
        weights = [weight for weight, _, _ in choices]
        (_, verb, act) = self._random.choices(choices, weights)[0]
        return verb, act


def work(
    url: str, username: str, items: list[int], seed: int, wanted: int, acknowledged: Path
) -> None:
    """Act at random until `wanted` acts are acknowledged; each is on file before the next."""
    with Database(url) as database, acknowledged.open("a") as lines:
        worker = _Worker(database, username, items, seed)
        done = 0
        while done < wanted:
            answer = worker.once()
            if answer is not None:
                lines.write(json.dumps(answer) + "\n")
                lines.flush()
                done += 1


def claim_many(url: str, username: str, wanted: int, acknowledged: Path) -> None:
    """Claim the next item `wanted` times, each written to the file."""
    lease = timedelta(minutes=5)
    with Database(url) as database, acknowledged.open("a") as lines:
        for _ in range(wanted):
            state = verbs.claim_next_at_once(database, actor=person(username), lease=lease)
            lines.write(json.dumps({"item": state.id}) + "\n")
