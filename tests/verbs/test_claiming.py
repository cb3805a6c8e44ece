"""Claim and release: leases on database time, and who may take what from whom."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import text

from tests import factories
from tests.factories import lapse, make_items
from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import BadInput, HeldByAnother, LeaseExpired, Refusal
from workqueue.lifecycle import Status
from workqueue.verbs import ItemState

LEASE = timedelta(minutes=15)


def _claim(database: Database, item_id: int, actor: Actor) -> ItemState:
    return database.run(lambda s: verbs.claim(s, item_id, actor=actor, lease=LEASE))


def test_a_claim_lasts_as_long_as_the_lease_on_database_time(
    database: Database, people: dict[str, Actor]
) -> None:
    """The lease ends fifteen minutes from the database's own now."""
    (item_id,) = make_items(database)
    state = _claim(database, item_id, people["ruth"])
    assert state.assigned_to == "ruth"
    with database.transaction() as session:
        left = session.execute(
            text("SELECT lease_expires_at - clock_timestamp() FROM work_items")
        ).scalar_one()
    assert timedelta(minutes=14) < left <= LEASE


def test_the_holders_claim_renews_the_lease(database: Database, people: dict[str, Actor]) -> None:
    """Claiming again moves the end of the lease, also after it has passed."""
    (item_id,) = make_items(database)
    first = _claim(database, item_id, people["ruth"])
    second = _claim(database, item_id, people["ruth"])
    assert first.lease_expires_at is not None
    assert second.lease_expires_at is not None
    assert second.lease_expires_at > first.lease_expires_at
    lapse(database, item_id)
    assert _claim(database, item_id, people["ruth"]).version == 4


def test_a_held_item_is_refused_naming_the_holder(
    database: Database, people: dict[str, Actor]
) -> None:
    """Not even an admin takes an item out of somebody's hands by claiming it."""
    (item_id,) = make_items(database)
    _claim(database, item_id, people["ruth"])
    for name in ("rob", "lea", "ada"):
        with pytest.raises(HeldByAnother, match=f"item {item_id} is held by ruth until .* UTC"):
            _claim(database, item_id, people[name])


def test_a_lapsed_item_is_claimed_from_its_holder_on_record(
    database: Database, people: dict[str, Actor]
) -> None:
    """The claim statement itself takes it, and the action row says from whom."""
    (item_id,) = make_items(database)
    _claim(database, item_id, people["ruth"])
    lapse(database, item_id)
    assert _claim(database, item_id, people["rob"]).assigned_to == "rob"
    assert factories.actions(database, item_id)[-1]["payload"]["taken_from"] == "ruth"


def test_a_late_save_by_the_former_holder_is_refused(
    database: Database, people: dict[str, Actor]
) -> None:
    """After the lease nothing is saved, whether or not somebody else has the item by then."""
    (item_id,) = make_items(database)
    _claim(database, item_id, people["ruth"])
    lapse(database, item_id)
    with pytest.raises(LeaseExpired, match=r"lease of ruth .* ended at .* Claim the item again"):
        database.run(lambda s: verbs.resolve(s, item_id, actor=people["ruth"]))
    _claim(database, item_id, people["rob"])
    with pytest.raises(HeldByAnother, match=r"held by rob .* only the holder may resolve"):
        database.run(lambda s: verbs.resolve(s, item_id, actor=people["ruth"]))
    assert factories.row(database, item_id)["status"] == Status.IN_PROGRESS


def test_a_lease_has_bounds(database: Database, people: dict[str, Actor]) -> None:
    """A lease of nothing or of days is refused by both ways to claim."""
    (item_id,) = make_items(database)
    ruth = people["ruth"]
    for lease in (timedelta(0), timedelta(minutes=-1), timedelta(days=2)):
        with pytest.raises(BadInput, match="at most 24 hours"):
            database.run(lambda s, t=lease: verbs.claim(s, item_id, actor=ruth, lease=t))  # type: ignore[misc]
        with pytest.raises(BadInput, match="at most 24 hours"):
            database.run(lambda s, t=lease: verbs.claim_next(s, actor=ruth, lease=t))  # type: ignore[misc]


def test_of_two_who_claim_at_once_one_wins(database: Database, people: dict[str, Actor]) -> None:
    """The second waits for the first one's commit and then is told who holds the item."""
    (item_id,) = make_items(database)
    said: list[ItemState | Refusal] = []

    def second() -> None:
        try:
            said.append(_claim(database, item_id, people["rob"]))
        except Refusal as refusal:
            said.append(refusal)

    with database.transaction() as session:
        verbs.claim(session, item_id, actor=people["ruth"], lease=LEASE)
        other = Thread(target=second)
        other.start()
        other.join(0.3)
        assert other.is_alive(), "the second claim did not wait for the first"
    other.join(10)
    assert isinstance(said[0], HeldByAnother)
    assert factories.row(database, item_id)["version"] == 2


def test_a_released_item_is_anybodys(database: Database, people: dict[str, Actor]) -> None:
    """After a release nobody holds the item and anyone may claim it."""
    (item_id,) = make_items(database)
    _claim(database, item_id, people["ruth"])
    state = database.run(lambda s: verbs.release(s, item_id, actor=people["ruth"]))
    assert state == ItemState(item_id, Status.OPEN, 3, None, None)
    assert _claim(database, item_id, people["rob"]).assigned_to == "rob"


def test_only_a_lead_releases_for_an_absent_colleague(
    database: Database, people: dict[str, Actor]
) -> None:
    """A second reviewer may not; a lead may, and the row says from whom it was taken."""
    (item_id,) = make_items(database)
    _claim(database, item_id, people["ruth"])
    with pytest.raises(HeldByAnother, match="held by ruth"):
        database.run(lambda s: verbs.release(s, item_id, actor=people["rob"]))
    database.run(lambda s: verbs.release(s, item_id, actor=people["lea"]))
    last = factories.actions(database, item_id)[-1]
    assert (last["username"], last["payload"]["taken_from"]) == ("lea", "ruth")


def test_a_cured_item_that_is_released_closes_at_once(
    database: Database, people: dict[str, Actor]
) -> None:
    """The release is the person's, the close is the system's, in one transaction."""
    (item_id,) = make_items(database)
    _claim(database, item_id, people["ruth"])
    factories.cure(database, item_id)
    state = database.run(lambda s: verbs.release(s, item_id, actor=people["ruth"]))
    assert (state.status, state.version) == (Status.RESOLVED, 5)
    acts = [(a["action_type"], a["username"]) for a in factories.actions(database, item_id)]
    assert acts[-2:] == [("release", "ruth"), ("close", "system")]
    assert factories.row(database, item_id)["resolved_at"] is not None


def test_the_person_acts_again_after_the_systems_close(
    database: Database, people: dict[str, Actor]
) -> None:
    """A second act of the same transaction is the person's, not the system's."""
    one, two = make_items(database, 2)
    _claim(database, one, people["ruth"])
    factories.cure(database, one)
    with database.transaction() as session:
        verbs.release(session, one, actor=people["ruth"])
        verbs.comment(session, two, "and this one too", actor=people["ruth"])
    assert factories.actions(database, two)[-1]["username"] == "ruth"
