"""What all verbs share: ids, actors, versions, request ids, one action row for each act."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import factories
from tests.conftest import LOCAL
from tests.factories import make_items
from workqueue import accounts, audit, verbs
from workqueue.accounts import SYSTEM, Actor
from workqueue.database import Database
from workqueue.errors import (
    BadInput,
    IllegalTransition,
    NoSuchItem,
    NoSuchUser,
    NotAllowed,
    RequestReused,
    StaleVersion,
    UserDisabled,
)
from workqueue.lifecycle import Kind, Role, Status, Verb, after
from workqueue.verbs import ItemState

LEASE = timedelta(minutes=15)
Act = Callable[..., Any]

# Every verb of a person, with words that it takes; the holder or a lead does it.
ACTS: dict[Verb, Act] = {
    Verb.CLAIM: lambda s, i, **c: verbs.claim(s, i, lease=LEASE, **c),
    Verb.RELEASE: verbs.release,
    Verb.ASSIGN: lambda s, i, **c: verbs.assign(s, i, to="rob", **c),
    Verb.SET_PRIORITY: lambda s, i, **c: verbs.set_priority(s, i, 5, **c),
    Verb.COMMENT: lambda s, i, **c: verbs.comment(s, i, "called them", **c),
    Verb.FIELD_UPDATE: lambda s, i, **c: verbs.field_update(
        s, i, {"practice_phone": "3088652512"}, **c
    ),
    Verb.MARK_DUPLICATE: lambda s, i, **c: verbs.mark_duplicate(
        s, i, of_provider_id=_other_record(s, i), **c
    ),
    Verb.RESOLVE: lambda s, i, **c: verbs.resolve(s, i, note="done", **c),
    Verb.REJECT: lambda s, i, **c: verbs.reject(s, i, reason="is right", **c),
    Verb.REOPEN: lambda s, i, **c: verbs.reopen(s, i, reason="not right yet", **c),
}


def _other_record(session: Session, item_id: int) -> int:
    other: int | None = session.scalar(
        text(
            "SELECT min(id) FROM individual_providers WHERE id <> "
            "(SELECT provider_id FROM work_items WHERE id = :id)"
        ),
        {"id": min(item_id, 2**62) if item_id > 0 else 0},
    )
    return other or 1


def _bring_to(database: Database, status: Status, item_id: int, actor: Actor) -> None:
    for verb in {
        Status.OPEN: (),
        Status.IN_PROGRESS: (Verb.CLAIM,),
        Status.RESOLVED: (Verb.CLAIM, Verb.RESOLVE),
        Status.REJECTED: (Verb.CLAIM, Verb.REJECT),
    }[status]:
        database.run(lambda s, verb=verb: ACTS[verb](s, item_id, actor=actor))  # type: ignore[misc]


def _state(answer: Any) -> ItemState:
    found = answer.state if isinstance(answer, verbs.FieldUpdateResult) else answer
    assert isinstance(found, ItemState)
    return found


def test_every_verb_of_people_is_tried_here() -> None:
    """The table of acts has each verb that some person's role includes."""
    assert set(ACTS) == {verb for verb in Verb if verbs.permission.roles_with(verb)}


def test_each_verb_does_what_the_table_says_from_every_status(
    database: Database, people: dict[str, Actor]
) -> None:
    """From each status the verb leads where the table says, with one action row; or is refused.

    A refusal names item, status and verb, and leaves the item and its history as they were.
    """
    lea, pairs = people["lea"], list(itertools.product(ACTS, Status))
    for (verb, status), item_id in zip(pairs, make_items(database, len(pairs)), strict=True):
        _bring_to(database, status, item_id, lea)
        before, expected = factories.row(database, item_id), after(status, verb)

        def act(session: Session, verb: Verb = verb, item_id: int = item_id) -> Any:
            return ACTS[verb](session, item_id, actor=lea)

        if expected is None:
            with pytest.raises(IllegalTransition, match=f"item {item_id} is {status}; {verb} "):
                database.run(act)
            assert factories.row(database, item_id) == before
            continue
        state = _state(database.run(act))
        row, history = factories.row(database, item_id), factories.actions(database, item_id)
        mine = history[before["version"]]
        assert row["status"] == expected == state.status
        assert row["version"] == len(history) == state.version
        assert (mine["action_type"], mine["username"], mine["via"]) == (verb, "lea", lea.via)
        if status is not expected:
            assert (mine["payload"]["from"], mine["payload"]["to"]) == (status, expected)
    assert audit.verify(database).ok


def test_a_retry_with_the_same_request_id_writes_once(
    database: Database, people: dict[str, Actor]
) -> None:
    """The second call of any verb gives the first one's answer and leaves no trace."""
    for verb, item_id in zip(ACTS, make_items(database, len(ACTS)), strict=True):
        start = next(status for status in Status if after(status, verb))
        _bring_to(database, start, item_id, people["lea"])

        request_id = uuid4()

        def act(
            session: Session, verb: Verb = verb, item_id: int = item_id, request: UUID = request_id
        ) -> Any:
            return ACTS[verb](session, item_id, actor=people["lea"], request_id=request)

        first = database.run(act)
        before = factories.row(database, item_id)
        assert _state(database.run(act)) == _state(first)
        assert factories.row(database, item_id) == before


def test_a_request_id_is_good_for_one_act_only(
    database: Database, people: dict[str, Actor]
) -> None:
    """Another verb, another item or another person with the same id is refused."""
    one, two = make_items(database, 2)
    request_id = uuid4()
    ruth, rob = people["ruth"], people["rob"]
    database.run(lambda s: verbs.comment(s, one, "hello", actor=ruth, request_id=request_id))
    for act in (
        lambda s: verbs.claim(s, one, lease=LEASE, actor=ruth, request_id=request_id),
        lambda s: verbs.comment(s, two, "hello", actor=ruth, request_id=request_id),
        lambda s: verbs.comment(s, one, "hello", actor=rob, request_id=request_id),
        lambda s: verbs.claim_next(s, lease=LEASE, actor=ruth, request_id=request_id),
    ):
        with pytest.raises(RequestReused, match=f"comment of item {one}; use a new id"):
            database.run(act)
    assert len(factories.actions(database, one)) == 2
    assert len(factories.actions(database, two)) == 1


def test_a_stale_version_is_refused_saying_who_changed_what(
    database: Database, people: dict[str, Actor]
) -> None:
    """Whoever read version 1 learns of the comment that made it version 2."""
    item_id, _ = make_items(database, 2)
    database.run(lambda s: verbs.comment(s, item_id, "meanwhile", actor=people["rob"]))
    for act in ACTS.values():
        with pytest.raises(StaleVersion, match=r"at version 2, not 1; since then: comment by rob"):
            database.run(
                lambda s, act=act: act(s, item_id, actor=people["lea"], expected_version=1)  # type: ignore[misc]
            )
    assert factories.row(database, item_id)["version"] == 2


def test_the_expected_version_lets_the_act_through(
    database: Database, people: dict[str, Actor]
) -> None:
    """With the version that the item has, the verb goes ahead."""
    (item_id,) = make_items(database)
    state = database.run(
        lambda s: verbs.claim(s, item_id, lease=LEASE, actor=people["ruth"], expected_version=1)
    )
    assert state.version == 2


def test_an_unknown_item_is_refused(database: Database, people: dict[str, Actor]) -> None:
    """An id that does not exist, also one that no bigint holds, is refused by name."""
    for act, item_id in itertools.product(ACTS.values(), (0, -1, 999_999, 2**63, -(2**70))):
        with pytest.raises(NoSuchItem, match=f"no work item {item_id}; the inbox"):
            database.run(lambda s, act=act, i=item_id: act(s, i, actor=people["lea"]))  # type: ignore[misc]


def test_an_item_id_that_is_no_number_is_refused(
    database: Database, people: dict[str, Actor]
) -> None:
    """True and 7.5 are not item ids."""
    for wrong in (True, 7.5, "7"):
        with pytest.raises(BadInput, match="whole number"):
            database.run(lambda s, i=wrong: verbs.release(s, i, actor=people["lea"]))  # type: ignore[misc]


def test_an_analyst_may_do_nothing_to_an_item(database: Database, people: dict[str, Actor]) -> None:
    """Each verb is refused to the role that only reads, naming the roles that may."""
    item_id, _ = make_items(database, 2)
    for act in ACTS.values():
        with pytest.raises(NotAllowed, match=r"ann has role analyst, .* roles that may: "):
            database.run(lambda s, act=act: act(s, item_id, actor=people["ann"]))  # type: ignore[misc]
    with pytest.raises(NotAllowed, match="ann has role analyst"):
        database.run(lambda s: verbs.claim_next(s, lease=LEASE, actor=people["ann"]))
    assert factories.row(database, item_id)["version"] == 1


def test_a_denial_is_kept_though_the_act_is_undone(
    database: Database, people: dict[str, Actor]
) -> None:
    """Who wanted what without the right to it stands among the security events, once each."""
    (item_id,) = make_items(database)
    with database.transaction() as session:
        accounts.disable_user(session, "ruth", actor=LOCAL)
    system = Actor("system", Kind.LOCAL, "cli:tester")
    with pytest.raises(NotAllowed):
        database.run(lambda s: verbs.release(s, item_id, actor=people["ann"]))
    with pytest.raises(NotAllowed):
        verbs.claim_next_at_once(database, lease=LEASE, actor=people["ann"])
    with pytest.raises(UserDisabled):
        database.run(lambda s: verbs.comment(s, item_id, "x", actor=people["ruth"]))
    with pytest.raises(NotAllowed):
        database.run(lambda s: verbs.comment(s, item_id, "x", actor=system))
    with pytest.raises(IllegalTransition):
        database.run(lambda s: verbs.release(s, item_id, actor=people["rob"]))
    with database.transaction() as session:
        kept = session.execute(
            text(
                "SELECT username, via, detail ->> 'verb' AS verb, detail ->> 'item_id' AS item,"
                " detail ->> 'refusal' AS refusal FROM security_events event"
                ' JOIN "user" ON "user".id = event.user_id'
                " WHERE event = 'denied' ORDER BY event.id"
            )
        ).all()
    via = people["ann"].via
    assert [row[:4] for row in kept] == [
        ("ann", via, "release", str(item_id)),
        ("ann", via, "claim", None),
        ("ruth", via, "comment", str(item_id)),
        ("system", "cli:tester", "comment", str(item_id)),
    ]
    assert "ann has role analyst, which may not release" in kept[0].refusal


def test_the_actor_is_read_again_at_every_verb(
    database: Database, people: dict[str, Actor]
) -> None:
    """Whoever was disabled a moment ago may not act any more; nor may an unknown name."""
    (item_id,) = make_items(database)
    with database.transaction() as session:
        accounts.disable_user(session, "ruth", actor=LOCAL)
    stranger = Actor("nobody", Kind.LOCAL, "cli:tester")
    for act in (
        lambda s, a: verbs.claim(s, item_id, lease=LEASE, actor=a),
        lambda s, a: verbs.claim_next(s, lease=LEASE, actor=a),
        lambda s, a: verbs.comment(s, item_id, "x", actor=a),
    ):
        with pytest.raises(UserDisabled, match="'ruth' is disabled"):
            database.run(lambda s, act=act: act(s, people["ruth"]))  # type: ignore[misc]
        with pytest.raises(NoSuchUser, match="no user 'nobody'"):
            database.run(lambda s, act=act: act(s, stranger))  # type: ignore[misc]
        with pytest.raises(NotAllowed, match="system account"):
            database.run(
                lambda s, act=act: act(s, Actor("system", Kind.LOCAL, "cli:tester"))  # type: ignore[misc]
            )
        with pytest.raises(NotAllowed, match="role system"):
            database.run(lambda s, act=act: act(s, SYSTEM))  # type: ignore[misc]


def test_a_local_account_acts_without_being_added_first(database: Database) -> None:
    """Whoever holds the database credentials gets a user row at the first act."""
    make_items(database, 2)
    actor = Actor("jupyter:mia", Kind.LOCAL, "jupyter:mia")
    state = database.run(lambda s: verbs.claim_next(s, lease=LEASE, actor=actor))
    assert state.assigned_to == "jupyter:mia"
    last = factories.actions(database, state.id)[-1]
    assert (last["username"], last["via"]) == ("jupyter:mia", "jupyter:mia")


def test_a_changed_role_acts_on_the_next_verb(database: Database, people: dict[str, Actor]) -> None:
    """A lead who becomes an analyst can no longer assign."""
    (item_id,) = make_items(database)
    with database.transaction() as session:
        session.execute(
            text("UPDATE \"user\" SET role = :role WHERE username = 'lea'"),
            {"role": Role.ANALYST.value},
        )
    with pytest.raises(NotAllowed, match="lea has role analyst, which may not assign"):
        database.run(lambda s: verbs.assign(s, item_id, to="rob", actor=people["lea"]))


def test_nothing_stays_of_an_act_whose_transaction_fails(
    database: Database, people: dict[str, Actor]
) -> None:
    """Change and action row are one transaction, which the caller ends."""
    (item_id,) = make_items(database)

    def fail(session: Session) -> None:
        verbs.claim(session, item_id, lease=LEASE, actor=people["ruth"])
        raise KeyError

    with pytest.raises(KeyError):
        database.run(fail)
    assert factories.row(database, item_id)["status"] == Status.OPEN
    assert len(factories.actions(database, item_id)) == 1
