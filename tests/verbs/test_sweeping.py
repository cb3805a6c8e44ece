"""The sweep: leases that ended, set free by the system on record."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from tests import factories
from tests.factories import lapse, make_items
from workqueue import audit, verbs
from workqueue.accounts import Actor
from workqueue.database import Database

LEASE = timedelta(minutes=15)


def test_lapsed_items_become_free_and_others_stay(
    database: Database, people: dict[str, Actor]
) -> None:
    """Only leases in the past end; the action is the system's and names the former holder."""
    lapsed, cured, held, untouched = make_items(database, 4)
    for item_id in (lapsed, cured, held):
        database.run(lambda s, i=item_id: verbs.claim(s, i, actor=people["ruth"], lease=LEASE))  # type: ignore[misc]
    factories.cure(database, cured)
    lapse(database, lapsed, cured)
    assert database.run(verbs.expire_leases) == 2
    statuses = [factories.row(database, i)["status"] for i in (lapsed, cured, held, untouched)]
    assert statuses == ["OPEN", "RESOLVED", "IN_PROGRESS", "OPEN"]
    last = factories.actions(database, lapsed)[-1]
    assert (last["action_type"], last["username"], last["via"]) == ("expire", "system", "system")
    assert last["payload"]["taken_from"] == "ruth"
    acts = [action["action_type"] for action in factories.actions(database, cured)]
    assert acts == ["create", "claim", "cure", "expire", "close"]
    assert audit.verify(database).ok


def test_a_second_sweep_finds_nothing(database: Database, people: dict[str, Actor]) -> None:
    """What is free is not set free again."""
    (item_id,) = make_items(database)
    database.run(lambda s: verbs.claim(s, item_id, actor=people["ruth"], lease=LEASE))
    lapse(database, item_id)
    assert database.run(verbs.expire_leases) == 1
    assert database.run(verbs.expire_leases) == 0
    assert factories.row(database, item_id)["version"] == 3


def test_the_sweep_passes_over_an_item_that_is_being_acted_on(
    database: Database, people: dict[str, Actor]
) -> None:
    """A holder who is just renewing keeps the item, and the sweep does not wait."""
    (item_id,) = make_items(database)
    database.run(lambda s: verbs.claim(s, item_id, actor=people["ruth"], lease=LEASE))
    lapse(database, item_id)
    with database.transaction() as session:
        session.execute(text("SET LOCAL lock_timeout = '1s'"))
        verbs.claim(session, item_id, actor=people["ruth"], lease=LEASE)
        assert database.run(verbs.expire_leases) == 0
    assert factories.row(database, item_id)["status"] == "IN_PROGRESS"
