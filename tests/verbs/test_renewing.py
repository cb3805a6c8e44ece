"""Renew and allowed: what a page asks for while somebody is at work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.factories import actions, lapse, make_items, row
from workqueue import audit, verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import BadInput, HeldByAnother, IllegalTransition, LeaseExpired, Refusal
from workqueue.lifecycle import Verb

SHORT, LONG = timedelta(minutes=5), timedelta(minutes=30)


def claim(database: Database, item: int, actor: Actor, lease: timedelta = SHORT) -> None:
    with database.transaction() as session:
        verbs.claim(session, item, actor=actor, lease=lease)


def test_the_holder_extends_the_claim(database: Database, people: dict[str, Actor]) -> None:
    """The claim ends later; no action is recorded, and the trail still verifies."""
    (item,) = make_items(database)
    claim(database, item, people["ruth"])
    before = row(database, item)
    with database.transaction() as session:
        state = verbs.renew(session, item, actor=people["ruth"], lease=LONG)
    after = row(database, item)
    assert state.lease_expires_at == after["lease_expires_at"]
    assert after["lease_expires_at"] - before["lease_expires_at"] > timedelta(minutes=20)
    assert after["version"] == before["version"] == len(actions(database, item))
    assert audit.verify(database).ok


def test_a_claim_is_never_made_shorter(database: Database, people: dict[str, Actor]) -> None:
    """A shorter renewal leaves the longer claim."""
    (item,) = make_items(database)
    claim(database, item, people["ruth"], LONG)
    before = row(database, item)["lease_expires_at"]
    with database.transaction() as session:
        verbs.renew(session, item, actor=people["ruth"], lease=SHORT)
    assert row(database, item)["lease_expires_at"] == before


def test_who_may_not_renew(database: Database, people: dict[str, Actor]) -> None:
    """Nobody else, nobody whose claim has ended, and nobody without a claim."""
    item, other = make_items(database, 2)
    claim(database, item, people["ruth"])
    for actor, number, refusal in (
        (people["rob"], item, HeldByAnother),
        (people["lea"], item, HeldByAnother),
        (people["ruth"], other, IllegalTransition),
    ):
        with database.transaction() as session, pytest.raises(refusal):
            verbs.renew(session, number, actor=actor, lease=LONG)
    with database.transaction() as session, pytest.raises(BadInput):
        verbs.renew(session, item, actor=people["ruth"], lease=timedelta(0))
    lapse(database, item)
    with database.transaction() as session, pytest.raises(LeaseExpired):
        verbs.renew(session, item, actor=people["ruth"], lease=LONG)


def test_renewing_and_taking_over_at_once(database: Database, people: dict[str, Actor]) -> None:
    """Of a former holder who renews and a colleague who claims, exactly one has the item."""
    items = make_items(database, 12)
    for item in items:
        claim(database, item, people["ruth"])
    lapse(database, *items)

    def attempt(job: tuple[int, str]) -> str | None:
        item, who = job
        try:
            with database.transaction() as session:
                if who == "ruth":
                    verbs.renew(session, item, actor=people["ruth"], lease=LONG)
                elif who == "sweep":
                    verbs.expire_leases(session)
                else:
                    verbs.claim(session, item, actor=people["rob"], lease=LONG)
        except Refusal:
            return None
        return who

    jobs = [(item, who) for item in items for who in ("ruth", "rob", "sweep")]
    with ThreadPoolExecutor(8) as threads:
        ends = list(threads.map(attempt, jobs))
    assert "ruth" not in ends
    assert ends.count("rob") == len(items)


def test_allowed_is_what_check_lets_through(database: Database, people: dict[str, Actor]) -> None:
    """For each person and state, the allowed verbs are those that are not refused."""
    free, held, closed = make_items(database, 3)
    for item in (held, closed):
        claim(database, item, people["ruth"])
    with database.transaction() as session:
        verbs.resolve(session, closed, actor=people["ruth"])

    def may(username: str, item: int) -> frozenset[Verb]:
        with database.snapshot() as session:
            return verbs.allowed(session, people[username], item)

    assert may("ruth", free) == {Verb.CLAIM, Verb.COMMENT}
    assert {Verb.RESOLVE, Verb.REJECT, Verb.FIELD_UPDATE, Verb.RELEASE} <= may("ruth", held)
    assert may("rob", held) == {Verb.COMMENT}
    assert {Verb.RELEASE, Verb.ASSIGN, Verb.SET_PRIORITY, Verb.COMMENT} == may("lea", held)
    assert may("ruth", closed) == {Verb.COMMENT, Verb.REOPEN}
    assert may("ann", held) == frozenset()
