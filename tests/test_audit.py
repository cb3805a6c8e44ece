"""The audit trail: append-only, chained, and `verify` names what was tampered with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.factories import make_items
from workqueue import audit, verbs
from workqueue.accounts import SYSTEM, Actor, acting
from workqueue.audit import Broken, heads_digest, verify
from workqueue.database import Database, act_as
from workqueue.models import WorkItem

LEASE = timedelta(minutes=15)


@pytest.fixture
def items(database: Database, people: dict[str, Actor]) -> list[int]:
    """Three items with four actions each, written in turns: ids 1-3, then 4, 5, 6 and so on."""
    ids = make_items(database, 3)
    for item_id in ids:
        database.run(lambda s, i=item_id: verbs.claim(s, i, actor=people["ruth"], lease=LEASE))  # type: ignore[misc]
    for said in ("first", "second"):
        for item_id in ids:
            database.run(
                lambda s, i=item_id, t=said: verbs.comment(s, i, t, actor=people["ruth"])  # type: ignore[misc]
            )
    return ids


def _tamper(superuser: Database, *statements: str) -> None:
    with superuser.transaction() as session:
        session.execute(text("ALTER TABLE work_actions DISABLE TRIGGER USER"))
        for statement in statements:
            session.execute(text(statement))
        session.execute(text("ALTER TABLE work_actions ENABLE TRIGGER USER"))


def _action(database: Database, item_id: int, seq: int) -> int:
    with database.transaction() as session:
        found: int = session.execute(
            text("SELECT id FROM work_actions WHERE work_item_id = :item AND seq = :seq"),
            {"item": item_id, "seq": seq},
        ).scalar_one()
        return found


def test_an_empty_history_is_unbroken(database: Database) -> None:
    """A database without items verifies, over no rows."""
    assert verify(database) == audit.Verification(True, 0, None)


@pytest.mark.usefixtures("items")
def test_an_honest_history_is_unbroken(database: Database) -> None:
    """Every row written through the verbs verifies, from a database or within a session."""
    assert verify(database) == audit.Verification(True, 12, None)
    with database.transaction() as session:
        assert verify(session).ok
        assert session.scalar(text("SHOW enable_nestloop")) == "on"


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns"])
def test_verifying_does_not_depend_on_the_time_zone(
    server: Any, database_name: str, database: Database, items: list[int], zone: str
) -> None:
    """Rows written in UTC verify, and give the same digest, under another time zone and style."""
    with database.snapshot() as session:
        digest = heads_digest(session)
    limits = {"timezone": zone, "datestyle": "German", "intervalstyle": "sql_standard"}
    with Database(server.url("app", database_name), limits=limits) as elsewhere:
        with elsewhere.transaction() as session:
            assert session.scalar(text("SHOW timezone")) == zone
            act_as(session, acting(session, SYSTEM).id)
            session.execute(
                text(
                    "WITH changed AS (UPDATE work_items SET version = version + 1 WHERE id = :id "
                    "RETURNING id, version) INSERT INTO work_actions (work_item_id, seq, user_id, "
                    "via, action_type, payload) SELECT id, version, :user, 'system', 'refresh', "
                    "jsonb_build_object('at', now()) FROM changed"
                ),
                {"id": items[0], "user": acting(session, SYSTEM).id},
            )
        assert verify(elsewhere) == audit.Verification(True, 13, None)
        with elsewhere.snapshot() as session:
            kept = heads_digest(session, select(WorkItem.id).where(WorkItem.id != items[0]))
    assert verify(database).ok
    with database.snapshot() as session:
        assert heads_digest(session) != digest
        others = select(WorkItem.id).where(WorkItem.id != items[0])
        assert heads_digest(session, others) == kept


def test_a_changed_row_is_named(
    database: Database, superuser_database: Database, items: list[int]
) -> None:
    """Whatever is changed in a row, in its words, person, time or kind, the row is named."""
    broken = _action(database, items[1], 3)
    for change in (
        """payload = '{"text": "something nicer"}'""",
        "user_id = user_id - 1",
        "created_at = created_at - interval '1 microsecond'",
        "action_type = 'resolve'",
        "via = 'web'",
        "request_id = gen_random_uuid()",
        "hash = sha256('x')",
    ):
        with superuser_database.transaction() as session:
            session.execute(text("ALTER TABLE work_actions DISABLE TRIGGER USER"))
            session.execute(text(f"UPDATE work_actions SET {change} WHERE id = {broken}"))
            found = verify(session)
            session.rollback()
        assert found.first_broken == Broken(
            broken, items[1], 3, "its content does not fit its hash"
        ), change
        assert not found.ok
    assert verify(database).ok


def test_a_row_rewritten_with_its_hash_breaks_the_next(
    database: Database, superuser_database: Database, items: list[int]
) -> None:
    """Who also computes the new hash breaks the chain one row later."""
    changed, following = (_action(database, items[0], seq) for seq in (2, 3))
    _tamper(
        superuser_database,
        f"UPDATE work_actions SET payload = '{{}}' WHERE id = {changed}",
        "UPDATE work_actions SET hash = work_action_hash(prev_hash, work_item_id, seq, user_id, "
        f"via, action_type, payload, request_id, created_at) WHERE id = {changed}",
    )
    found = verify(database).first_broken
    assert found == Broken(following, items[0], 3, "it does not continue the action before it")


@pytest.mark.parametrize(
    ("seq", "expected"),
    [
        (1, lambda i, ids: Broken(ids[2], i, 2, "the action before it, seq 1, is missing")),
        (2, lambda i, ids: Broken(ids[3], i, 3, "the action before it, seq 2, is missing")),
        (
            4,
            lambda i, _: Broken(
                None,
                i,
                3,
                "the item stands at version 4, its newest action is seq 3: the end is missing",
            ),
        ),
    ],
)
def test_a_removed_row_is_missed(
    database: Database,
    superuser_database: Database,
    items: list[int],
    seq: int,
    expected: Callable[[int, dict[int, int]], Broken],
) -> None:
    """The first, a middle and the last row of a history are all missed."""
    ids = {number: _action(database, items[2], number) for number in (1, 2, 3, 4)}
    _tamper(superuser_database, f"DELETE FROM work_actions WHERE id = {ids[seq]}")
    found = verify(database)
    assert (found.ok, found.rows) == (False, 11)
    assert found.first_broken == expected(items[2], ids)


def test_an_item_without_any_history_is_named(
    database: Database, superuser_database: Database, items: list[int]
) -> None:
    """All actions of an item removed is the same as the end removed."""
    _tamper(superuser_database, f"DELETE FROM work_actions WHERE work_item_id = {items[1]}")
    found = verify(database).first_broken
    assert found == Broken(None, items[1], None, "the item has no action at all")


def test_swapped_rows_are_named(
    database: Database, superuser_database: Database, items: list[int]
) -> None:
    """Two rows that change places fit neither their hashes nor each other."""
    third = _action(database, items[0], 3)
    _tamper(
        superuser_database,
        f"UPDATE work_actions SET seq = 99 WHERE id = {third}",
        f"UPDATE work_actions SET seq = 3 WHERE work_item_id = {items[0]} AND seq = 4",
        f"UPDATE work_actions SET seq = 4 WHERE id = {third}",
    )
    found = verify(database).first_broken
    assert found is not None
    assert (found.id, found.work_item_id, found.seq) == (third, items[0], 4)


def test_a_row_moved_to_another_item_is_named(
    database: Database, superuser_database: Database, items: list[int]
) -> None:
    """A row appended to another item's history is not of that chain."""
    moved = _action(database, items[0], 4)
    _tamper(
        superuser_database,
        f"UPDATE work_actions SET work_item_id = {items[1]}, seq = 5 WHERE id = {moved}",
        f"UPDATE work_items SET version = 3 WHERE id = {items[0]}",
        f"UPDATE work_items SET version = 5 WHERE id = {items[1]}",
    )
    found = verify(database).first_broken
    assert found is not None
    assert (found.id, found.work_item_id, found.seq) == (moved, items[1], 5)


def test_an_item_set_back_is_named(
    database: Database, superuser_database: Database, items: list[int]
) -> None:
    """An action that its item's version does not know of is named."""
    _tamper(superuser_database, f"UPDATE work_items SET version = 3 WHERE id = {items[0]}")
    found = verify(database).first_broken
    reason = "the item stands at version 3 and does not know of it"
    assert found == Broken(_action(database, items[0], 4), items[0], 4, reason)


def test_the_lowest_broken_row_comes_first(
    database: Database, superuser_database: Database, items: list[int]
) -> None:
    """Of several broken rows the one with the lowest id is named."""
    low, high = _action(database, items[2], 2), _action(database, items[0], 4)
    assert low < high
    _tamper(
        superuser_database,
        f"UPDATE work_actions SET via = 'x' WHERE id IN ({low}, {high})",
        f"DELETE FROM work_actions WHERE work_item_id = {items[1]}",
    )
    found = verify(database)
    assert found.first_broken is not None
    assert found.first_broken.id == low
    assert found.words() == (
        f"item {items[2]}, action {low} (seq 2): its content does not fit its hash."
    )
    assert found.first_broken_dict() == {
        "id": low,
        "work_item_id": items[2],
        "seq": 2,
        "reason": "its content does not fit its hash",
    }


def test_a_whole_history_rewritten_shows_against_a_digest_kept_outside(
    database: Database, superuser_database: Database, items: list[int]
) -> None:
    """A superuser who removes an end and sets the version back passes verify, not the digest."""
    with database.snapshot() as session:
        before = heads_digest(session)
    _tamper(
        superuser_database,
        f"DELETE FROM work_actions WHERE work_item_id = {items[0]} AND seq = 4",
        f"UPDATE work_items SET version = 3 WHERE id = {items[0]}",
    )
    assert verify(database).ok
    with database.snapshot() as session:
        assert heads_digest(session) != before


@pytest.mark.usefixtures("items")
def test_the_digest_can_be_computed_by_anybody(database: Database) -> None:
    """It is SHA-256 over one line `ID VERSION HASH` for each item, by id."""
    with database.snapshot() as session:
        rows = session.execute(
            text(
                "SELECT i.id, i.version, a.hash FROM work_items i JOIN work_actions a "
                "ON a.work_item_id = i.id AND a.seq = i.version ORDER BY i.id"
            )
        ).all()
        lines = "".join(f"{row.id} {row.version} {bytes(row.hash).hex()}\n" for row in rows)
        assert heads_digest(session) == hashlib.sha256(lines.encode()).hexdigest()
        nothing = select(WorkItem.id).where(WorkItem.id < 0)
        assert heads_digest(session, nothing) == hashlib.sha256().hexdigest()


@pytest.mark.usefixtures("items")
def test_the_databases_function_has_the_same_canonical_form(database: Database) -> None:
    """The trigger's hash and the one that verify computes for itself are the same."""
    with database.transaction() as session:
        differing = session.scalar(
            text(
                f"SELECT count(*) FROM work_actions a WHERE {audit._HASH} IS DISTINCT FROM "
                "work_action_hash(prev_hash, work_item_id, seq, user_id, via, action_type, "
                "payload, request_id, created_at)"
            )
        )
    assert differing == 0


@pytest.mark.usefixtures("items")
def test_action_rows_are_append_only(
    database: Database, owner_database: Database, superuser_database: Database
) -> None:
    """The app is refused by its rights; owner and superuser by the trigger."""
    for role, said in (
        (database, "permission denied"),
        (owner_database, "append-only"),
        (superuser_database, "append-only"),
    ):
        for statement in (
            "UPDATE work_actions SET payload = '{}'",
            "DELETE FROM work_actions",
            "TRUNCATE work_actions CASCADE",
        ):
            with pytest.raises(DBAPIError, match=said), role.transaction() as session:
                session.execute(text(statement))
    assert verify(database).rows == 12


def _insert(session: Session, item_id: int, user_id: int, **more: Any) -> None:
    values = {"seq": 5, "via": "cli:tester"} | more
    session.execute(
        text(
            "INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type, created_at, "
            "prev_hash, hash) VALUES (:item, :seq, :user, :via, 'comment', '2001-01-01', 'x', 'x')"
        ),
        {"item": item_id, "user": user_id, **values},
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "status = 'OPEN', lease_expires_at = NULL",
            "the item is OPEN, and its actions say IN_PROGRESS",
        ),
        (
            "status = 'REJECTED', lease_expires_at = NULL, resolved_at = now(), resolved_by = 1,"
            " notes = 'x'",
            "the item is REJECTED, and its actions say IN_PROGRESS",
        ),
        ("assigned_to = 1", "the item is assigned to user 1, and its actions say"),
    ],
)
def test_an_item_that_contradicts_its_history_is_named(
    database: Database, superuser_database: Database, items: list[int], change: str, said: str
) -> None:
    """A status or holder that no action brought about shows, though every row is as it was."""
    with superuser_database.transaction() as session:
        session.execute(text(f"UPDATE work_items SET {change} WHERE id = :id"), {"id": items[1]})
    found = verify(database)
    assert not found.ok
    assert found.first_broken is not None
    assert (found.first_broken.id, found.first_broken.work_item_id) == (None, items[1])
    assert said in found.words()


def test_a_row_needs_the_person_who_acts(database: Database, items: list[int]) -> None:
    """Without an acting user, with an empty one or in another's name nothing is written."""

    def nobody(session: Session) -> None:
        _insert(session, items[0], 1)

    def blank(session: Session) -> None:
        session.execute(text("SELECT set_config('app.actor', '', true)"))
        _insert(session, items[0], 1)

    def other(session: Session) -> None:
        act_as(session, 2)
        _insert(session, items[0], 1)

    def no_way_in(session: Session) -> None:
        act_as(session, 1)
        _insert(session, items[0], 1, via="")

    for attempt, said in (
        (nobody, "needs an acting user"),
        (blank, "needs an acting user"),
        (other, "names user 1, but user 2 is acting"),
        (no_way_in, "needs an acting user"),
    ):
        with pytest.raises(DBAPIError, match=said):
            database.run(attempt)
    assert verify(database).rows == 12


@pytest.mark.usefixtures("items")
def test_the_actor_does_not_outlive_the_transaction(database: Database) -> None:
    """On a pooled connection the next transaction begins without an acting user."""
    with database.transaction() as session:
        act_as(session, 1)
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    with database.transaction() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) == backend
        assert session.scalar(text("SELECT current_setting('app.actor', true)")) == ""


def test_time_and_hash_are_the_databases_to_set(database: Database, items: list[int]) -> None:
    """Given values for time, predecessor and hash are overruled, and a gap is refused."""

    def write(session: Session) -> None:
        act_as(session, 1)
        _insert(session, items[0], 1)
        session.execute(text("UPDATE work_items SET version = 5 WHERE id = :id"), {"id": items[0]})

    def gap(session: Session) -> None:
        act_as(session, 1)
        _insert(session, items[0], 1, seq=7)

    database.run(write)
    assert verify(database) == audit.Verification(True, 13, None)
    with database.transaction() as session:
        year = session.scalar(text("SELECT min(extract(year FROM created_at)) FROM work_actions"))
    assert year is not None
    assert year > 2001
    with pytest.raises(DBAPIError, match=r"action 7 of item .* has no predecessor"):
        database.run(gap)


def test_a_seq_cannot_be_taken_twice(database: Database, items: list[int]) -> None:
    """A chain cannot fork: the second row with the same seq is refused by name."""

    def fork(session: Session) -> None:
        act_as(session, 1)
        _insert(session, items[0], 1, seq=4)

    with pytest.raises(DBAPIError, match="uq_work_actions_work_item_id_seq"):
        database.run(fork)
