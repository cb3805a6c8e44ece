"""Resolve, reject, reopen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests import factories
from tests.factories import make_items
from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import BadInput, IllegalTransition, TooLong
from workqueue.lifecycle import Status
from workqueue.verbs import ItemState

LEASE = timedelta(minutes=15)


def _held(database: Database, actor: Actor) -> int:
    (item_id,) = make_items(database)
    database.run(lambda s: verbs.claim(s, item_id, actor=actor, lease=LEASE))
    return item_id


def test_a_decision_keeps_who_when_and_why(database: Database, people: dict[str, Actor]) -> None:
    """Resolved and rejected items hold the words, the time and the person."""
    resolved, rejected = _held(database, people["ruth"]), _held(database, people["ruth"])
    state = database.run(
        lambda s: verbs.resolve(s, resolved, note=" Number\nread back. ", actor=people["ruth"])
    )
    assert state == ItemState(resolved, Status.RESOLVED, 3, "ruth", None)
    database.run(lambda s: verbs.reject(s, rejected, reason="is right", actor=people["ruth"]))
    for item_id, word, said in (
        (resolved, "note", "Number\nread back."),
        (rejected, "reason", "is right"),
    ):
        row, last = factories.row(database, item_id), factories.actions(database, item_id)[-1]
        assert (row["notes"], last["payload"][word]) == (said, said)
        assert row["resolved_at"] is not None
        assert row["resolved_by"] == row["assigned_to"] == last["user_id"]
        assert row["lease_expires_at"] is None


def test_a_rejection_and_a_reopening_need_a_reason(
    database: Database, people: dict[str, Actor]
) -> None:
    """A blank reason is refused and nothing changes."""
    item_id = _held(database, people["ruth"])
    with pytest.raises(BadInput, match="the reason is blank"):
        database.run(lambda s: verbs.reject(s, item_id, reason="  ", actor=people["ruth"]))
    database.run(lambda s: verbs.resolve(s, item_id, actor=people["ruth"]))
    with pytest.raises(BadInput, match="the reason is blank"):
        database.run(lambda s: verbs.reopen(s, item_id, reason="", actor=people["ruth"]))
    assert factories.row(database, item_id)["version"] == 3


def test_a_note_too_long_or_with_nul_is_refused(
    database: Database, people: dict[str, Actor]
) -> None:
    """A hundred megabytes or a NUL get words, not a database error, and nothing is written."""
    item_id = _held(database, people["ruth"])
    with pytest.raises(TooLong, match=r"100,000,000 characters; at most 10,000"):
        database.run(
            lambda s: verbs.resolve(s, item_id, note="x" * 100_000_000, actor=people["ruth"])
        )
    with pytest.raises(BadInput, match="NUL"):
        database.run(lambda s: verbs.resolve(s, item_id, note="a\x00b", actor=people["ruth"]))
    database.run(lambda s: verbs.resolve(s, item_id, note="😀" * 10_000, actor=people["ruth"]))
    assert factories.row(database, item_id)["notes"] == "😀" * 10_000


def test_a_reopened_item_is_free_and_its_former_note_is_history(
    database: Database, people: dict[str, Actor]
) -> None:
    """Reopening clears the decision, also a cure, and keeps what was said in the actions."""
    item_id = _held(database, people["ruth"])
    factories.cure(database, item_id)
    database.run(lambda s: verbs.resolve(s, item_id, note="done", actor=people["ruth"]))
    state = database.run(
        lambda s: verbs.reopen(s, item_id, reason="still wrong", actor=people["rob"])
    )
    assert state == ItemState(item_id, Status.OPEN, 5, None, None)
    row = factories.row(database, item_id)
    assert (row["notes"], row["resolved_at"], row["resolved_by"]) == ("", None, None)
    assert row["cured_at"] is None
    payloads = [action["payload"] for action in factories.actions(database, item_id)]
    assert payloads[-2]["note"] == "done"
    assert payloads[-1]["reason"] == "still wrong"
    again = database.run(lambda s: verbs.claim_next(s, actor=people["rob"], lease=LEASE))
    assert again.id == item_id


def test_an_item_whose_problem_came_back_as_another_is_not_reopened(
    database: Database, people: dict[str, Actor]
) -> None:
    """Two live items about one problem would be worked on twice; the refusal names the later."""
    first, second = _held(database, people["ruth"]), _held(database, people["ruth"])
    database.run(lambda s: verbs.reject(s, first, reason="is right", actor=people["ruth"]))
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE work_items SET generation = 2, fingerprint = "
                "(SELECT fingerprint FROM work_items WHERE id = :first) WHERE id = :second"
            ),
            {"first": first, "second": second},
        )
    with pytest.raises(IllegalTransition, match=f"came back as item {second}, which is IN_PROG"):
        database.run(lambda s: verbs.reopen(s, first, reason="again", actor=people["ruth"]))
