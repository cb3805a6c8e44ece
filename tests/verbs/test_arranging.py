"""Assign and set-priority."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests import factories
from tests.conftest import LOCAL
from tests.factories import make_items
from workqueue import accounts, verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import (
    BadInput,
    HeldByAnother,
    IllegalTransition,
    NoSuchUser,
    NotAllowed,
    UserDisabled,
)
from workqueue.lifecycle import Status
from workqueue.verbs import ItemState

LEASE = timedelta(minutes=15)


def _assign(database: Database, item_id: int, to: str, actor: Actor) -> ItemState:
    return database.run(lambda s: verbs.assign(s, item_id, to=to, actor=actor))


def test_an_assigned_item_is_reserved(database: Database, people: dict[str, Actor]) -> None:
    """It is OPEN for one person; a colleague is refused by name, a lead may take it."""
    (item_id,) = make_items(database)
    state = _assign(database, item_id, "ruth", people["lea"])
    assert state == ItemState(item_id, Status.OPEN, 2, "ruth", None)
    with pytest.raises(HeldByAnother, match="reserved for ruth"):
        database.run(lambda s: verbs.claim(s, item_id, actor=people["rob"], lease=LEASE))
    taken = database.run(lambda s: verbs.claim(s, item_id, actor=people["max"], lease=LEASE))
    assert taken.assigned_to == "max"
    assert factories.actions(database, item_id)[-1]["payload"]["taken_from"] == "ruth"


def test_assigning_takes_an_item_out_of_its_holders_hands(
    database: Database, people: dict[str, Actor]
) -> None:
    """The former holder can no longer decide it, and the row says from whom it went to whom."""
    (item_id,) = make_items(database)
    database.run(lambda s: verbs.claim(s, item_id, actor=people["ruth"], lease=LEASE))
    _assign(database, item_id, "rob", people["lea"])
    payload = factories.actions(database, item_id)[-1]["payload"]
    assert (payload["assigned_to"], payload["taken_from"]) == ("rob", "ruth")
    with pytest.raises(IllegalTransition, match="is OPEN; resolve is possible"):
        database.run(lambda s: verbs.resolve(s, item_id, actor=people["ruth"]))


def test_only_people_who_can_work_are_assigned_to(
    database: Database, people: dict[str, Actor]
) -> None:
    """Unknown, disabled and merely reading users cannot be given work."""
    (item_id,) = make_items(database)
    with database.transaction() as session:
        accounts.disable_user(session, "rob", actor=LOCAL)
    for to, refusal, said in (
        ("nobody", NoSuchUser, "no user 'nobody'"),
        ("", NoSuchUser, "no user ''"),
        ("r\x00th", NoSuchUser, "no user"),
        ("ann", NotAllowed, "ann has role analyst, which may not claim items"),
        ("system", NotAllowed, "system has role system"),
        ("rob", UserDisabled, "'rob' is disabled"),
    ):
        with pytest.raises(refusal, match=said):
            _assign(database, item_id, to, people["lea"])
    assert factories.row(database, item_id)["version"] == 1


def test_a_reviewer_arranges_nothing(database: Database, people: dict[str, Actor]) -> None:
    """Assigning and priorities are for leads, managers and admins."""
    (item_id,) = make_items(database)
    with pytest.raises(NotAllowed, match="roles that may: lead, manager, admin"):
        _assign(database, item_id, "ruth", people["ruth"])
    with pytest.raises(NotAllowed, match="may not set-priority"):
        database.run(lambda s: verbs.set_priority(s, item_id, 1, actor=people["ruth"]))


def test_a_priority_is_changed_on_record(database: Database, people: dict[str, Actor]) -> None:
    """The action row holds the old and the new one; a holder keeps the item."""
    (item_id,) = make_items(database, priority=4)
    database.run(lambda s: verbs.claim(s, item_id, actor=people["ruth"], lease=LEASE))
    state = database.run(lambda s: verbs.set_priority(s, item_id, 1, actor=people["lea"]))
    assert (state.status, state.assigned_to) == (Status.IN_PROGRESS, "ruth")
    assert factories.row(database, item_id)["priority"] == 1
    assert factories.actions(database, item_id)[-1]["payload"] == {"old": 4, "new": 1}


def test_a_priority_outside_one_to_five_is_refused(
    database: Database, people: dict[str, Actor]
) -> None:
    """Only whole numbers from 1 to 5 are priorities."""
    (item_id,) = make_items(database)
    wrong: tuple[Any, ...] = (0, 6, -1, 2**70, True, 2.5, "1", float("nan"))
    for priority in wrong:
        with pytest.raises(BadInput, match=r"from 1 \(high\) to 5 \(low\)"):
            database.run(
                lambda s, p=priority: verbs.set_priority(s, item_id, p, actor=people["lea"])  # type: ignore[misc]
            )


def test_the_priority_it_has_already_is_refused(
    database: Database, people: dict[str, Actor]
) -> None:
    """A change that changes nothing leaves no action row."""
    (item_id,) = make_items(database, priority=4)
    with pytest.raises(BadInput, match="has priority 4 already"):
        database.run(lambda s: verbs.set_priority(s, item_id, 4, actor=people["lea"]))
    assert len(factories.actions(database, item_id)) == 1
