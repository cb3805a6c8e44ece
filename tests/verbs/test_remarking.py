"""Comment and mark-duplicate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests import factories
from tests.factories import make_items
from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import BadInput, HeldByAnother, IllegalTransition, NoSuchProvider, TooLong
from workqueue.lifecycle import Status

LEASE = timedelta(minutes=15)


def test_anybody_who_works_may_comment_on_any_item(
    database: Database, people: dict[str, Actor]
) -> None:
    """A comment needs no claim, changes nothing but the version, and is kept as written."""
    (item_id,) = make_items(database)
    before = factories.row(database, item_id)
    for name in ("ruth", "rob", "lea"):
        database.run(lambda s, n=name: verbs.comment(s, item_id, f"{n}: hm", actor=people[n]))  # type: ignore[misc]
    said = [action["payload"].get("text") for action in factories.actions(database, item_id)]
    assert said[1:] == ["ruth: hm", "rob: hm", "lea: hm"]
    assert factories.row(database, item_id) == {**before, "version": 4}


def test_a_comment_has_words_and_a_limit(database: Database, people: dict[str, Actor]) -> None:
    """Blank, NUL and 10,001 characters are refused."""
    (item_id,) = make_items(database)
    for said, refusal in (
        ("", BadInput),
        (" \n", BadInput),
        ("a\x00", BadInput),
        ("x" * 10_001, TooLong),
    ):
        with pytest.raises(refusal, match="comment"):
            database.run(lambda s, t=said: verbs.comment(s, item_id, t, actor=people["ruth"]))  # type: ignore[misc]


def test_a_duplicate_is_stated_and_nothing_is_merged(
    database: Database, people: dict[str, Actor]
) -> None:
    """The action row names both records with their NPIs; both stay, and the item stays held."""
    one, two = make_items(database, 2)
    ruth = people["ruth"]
    database.run(lambda s: verbs.claim(s, one, actor=ruth, lease=LEASE))
    lead = factories.row(database, one)["provider_id"]
    other = factories.row(database, two)["provider_id"]
    state = database.run(
        lambda s: verbs.mark_duplicate(s, one, of_provider_id=other, note="same", actor=ruth)
    )
    assert (state.status, state.assigned_to) == (Status.IN_PROGRESS, "ruth")
    with database.transaction() as session:
        npis = session.execute(text("SELECT id, npi FROM individual_providers ORDER BY id")).all()
    npi = {row.id: row.npi for row in npis}
    assert factories.actions(database, one)[-1]["payload"] == {
        "provider_id": lead,
        "npi": npi[lead],
        "of_provider_id": other,
        "of_npi": npi[other],
        "note": "same",
    }


def test_a_member_of_the_item_can_be_named(database: Database, people: dict[str, Actor]) -> None:
    """A group item's other records can be the duplicate; strangers cannot."""
    one, two, three = make_items(database, 3)
    ruth = people["ruth"]
    database.run(lambda s: verbs.claim(s, one, actor=ruth, lease=LEASE))
    lead, member, stranger = (factories.row(database, i)["provider_id"] for i in (one, two, three))
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO work_item_providers (work_item_id, provider_id) VALUES (:i, :p)"),
            {"i": one, "p": member},
        )
    database.run(
        lambda s: verbs.mark_duplicate(s, one, of_provider_id=lead, provider_id=member, actor=ruth)
    )
    assert factories.actions(database, one)[-1]["payload"]["provider_id"] == member
    with pytest.raises(BadInput, match=f"does not belong to item {one}; its records are: "):
        database.run(
            lambda s: verbs.mark_duplicate(
                s, one, of_provider_id=lead, provider_id=stranger, actor=ruth
            )
        )


def test_a_duplicate_of_nothing_or_of_itself_is_refused(
    database: Database, people: dict[str, Actor]
) -> None:
    """The other record must exist, also as a number, and be another one."""
    (item_id,) = make_items(database)
    ruth = people["ruth"]
    lead = factories.row(database, item_id)["provider_id"]
    database.run(lambda s: verbs.claim(s, item_id, actor=ruth, lease=LEASE))
    for wrong in (0, 999_999, 2**70):
        with pytest.raises(NoSuchProvider, match=f"no provider record {wrong}"):
            database.run(
                lambda s, p=wrong: verbs.mark_duplicate(s, item_id, of_provider_id=p, actor=ruth)  # type: ignore[misc]
            )
    with pytest.raises(BadInput, match="duplicate of itself"):
        database.run(lambda s: verbs.mark_duplicate(s, item_id, of_provider_id=lead, actor=ruth))


def test_only_the_holder_states_a_duplicate(database: Database, people: dict[str, Actor]) -> None:
    """An item must be held, and by the one who speaks."""
    (item_id,) = make_items(database)
    with pytest.raises(IllegalTransition, match="claim it first"):
        database.run(
            lambda s: verbs.mark_duplicate(s, item_id, of_provider_id=1, actor=people["ruth"])
        )
    database.run(lambda s: verbs.claim(s, item_id, actor=people["ruth"], lease=LEASE))
    with pytest.raises(HeldByAnother, match="held by ruth"):
        database.run(
            lambda s: verbs.mark_duplicate(s, item_id, of_provider_id=1, actor=people["lea"])
        )
