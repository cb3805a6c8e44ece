"""Claim-next: the order of offering, filters, retries, and what is said when nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import factories
from tests.factories import lapse, make_items
from workqueue import audit, verbs
from workqueue.accounts import Actor, acting
from workqueue.database import Database
from workqueue.errors import BadInput, NothingToClaim
from workqueue.verbs import ItemState

LEASE = timedelta(minutes=15)
Take = Callable[..., ItemState]


@pytest.fixture(params=["in a transaction of the caller's", "at once"])
def take(request: pytest.FixtureRequest, database: Database) -> Take:
    """Claim-next by either of its doors, which are to do the same."""

    def take(actor: Actor, **more: Any) -> ItemState:
        if request.param == "at once":
            return verbs.claim_next_at_once(database, actor=actor, lease=LEASE, **more)
        return database.run(lambda s: verbs.claim_next(s, actor=actor, lease=LEASE, **more))

    return take


def test_the_order_is_reserved_then_priority_then_age_whether_waiting_or_lapsed(
    database: Database, people: dict[str, Actor], take: Take
) -> None:
    """One's own reserved item comes first; a lapsed one stands where its priority puts it."""
    low, reserved = make_items(database, 2, priority=5)
    urgent, lapsed = make_items(database, 2, priority=1)
    old, young = make_items(database, 2, priority=3)
    for item_id in (urgent, lapsed):
        database.run(lambda s, i=item_id: verbs.claim(s, i, actor=people["lea"], lease=LEASE))  # type: ignore[misc]
    database.run(lambda s: verbs.set_priority(s, lapsed, 5, actor=people["lea"]))
    lapse(database, urgent, lapsed)
    database.run(lambda s: verbs.assign(s, reserved, to="ruth", actor=people["lea"]))
    offered = [take(people["ruth"]).id for _ in range(6)]
    assert offered == [reserved, urgent, old, young, low, lapsed]
    assert factories.actions(database, urgent)[-1]["payload"]["taken_from"] == "lea"
    assert audit.verify(database).ok


def test_the_claim_is_recorded_with_its_lease(
    database: Database, people: dict[str, Actor], take: Take
) -> None:
    """State, row and action row agree on holder, version and end of the lease."""
    make_items(database)
    state = take(people["ruth"])
    row, last = factories.row(database, state.id), factories.actions(database, state.id)[-1]
    assert (row["status"], row["version"]) == ("IN_PROGRESS", 2) == (state.status, state.version)
    assert row["lease_expires_at"] == state.lease_expires_at
    assert (last["action_type"], last["username"], last["seq"]) == ("claim", "ruth", 2)
    # PostgreSQL leaves trailing zeros of the microseconds out.
    until = datetime.fromisoformat(last["payload"].pop("lease_expires_at"))
    assert until == row["lease_expires_at"]
    assert last["payload"] == {"from": "OPEN", "to": "IN_PROGRESS"}


def test_items_reserved_for_others_and_cured_items_are_not_offered(
    database: Database, people: dict[str, Actor], take: Take
) -> None:
    """Neither is anybody's next piece of work."""
    reserved, cured, lapsed_and_cured = make_items(database, 3)
    database.run(lambda s: verbs.assign(s, reserved, to="rob", actor=people["lea"]))
    database.run(lambda s: verbs.claim(s, lapsed_and_cured, actor=people["rob"], lease=LEASE))
    factories.cure(database, cured)
    factories.cure(database, lapsed_and_cured)
    lapse(database, lapsed_and_cured)
    with pytest.raises(NothingToClaim, match="nothing is open; 1 is reserved for others"):
        take(people["ruth"])


def test_only_what_matches_is_offered(
    database: Database, people: dict[str, Actor], take: Take
) -> None:
    """Queue types and rules narrow the choice; several of each are alternatives."""
    make_items(database, 1, priority=1)
    (flag,) = make_items(
        database, 1, rule_id="ZIP_INVALID", queue_type="VALIDATION_FLAG", priority=4
    )
    (other,) = make_items(database, 1, rule_id="STATE_INVALID", queue_type="VALIDATION_FLAG")
    ruth = people["ruth"]
    assert take(ruth, rule_ids=["ZIP_INVALID", "DATE_ORDER"]).id == flag
    assert take(ruth, queue_types=["VALIDATION_FLAG", "DUPLICATE_CHECK"]).id == other
    with pytest.raises(NothingToClaim, match="nothing is open that matches; 2 items are held"):
        take(ruth, queue_types=["VALIDATION_FLAG"])
    with pytest.raises(NothingToClaim, match="nothing is open that matches, and nobody holds"):
        take(ruth, rule_ids=[])


def test_a_queue_type_that_does_not_exist_is_refused(
    database: Database, people: dict[str, Actor], take: Take
) -> None:
    """A misspelt queue type is not an empty queue."""
    with pytest.raises(BadInput, match="no queue type FLAGS; there are: DUPLICATE_CHECK, "):
        take(people["ruth"], queue_types=["FLAGS", "MISSING_DATA"])


def test_an_empty_queue_says_whether_others_hold_what_there_is(
    database: Database, people: dict[str, Actor], take: Take
) -> None:
    """With items in others' hands the refusal says how many and when the next one frees."""
    ruth, rob = people["ruth"], people["rob"]
    with pytest.raises(NothingToClaim, match="nothing is open, and nobody holds an item"):
        take(ruth)
    make_items(database, 2)
    first = take(rob)
    take(rob)
    assert first.lease_expires_at is not None
    moment = f"{first.lease_expires_at:%Y-%m-%d %H:%M:%S} UTC"
    with pytest.raises(NothingToClaim, match=f"2 items are held by others, .* frees at {moment}"):
        take(ruth)


def test_a_retry_gives_the_same_item(
    database: Database, people: dict[str, Actor], take: Take
) -> None:
    """The same request id claims once, whatever has become of the queue since."""
    make_items(database, 2)
    request_id = uuid4()
    first = take(people["ruth"], request_id=request_id)
    assert take(people["ruth"], request_id=request_id) == first
    assert take(people["ruth"], request_id=uuid4()).id != first.id
    assert len(factories.actions(database, first.id)) == 2


def test_one_request_sent_many_times_at_once_claims_one_item(
    database: Database, people: dict[str, Actor], take: Take
) -> None:
    """A double click that arrives on several connections at once is still one claim."""
    make_items(database, 20)

    def ask(request_id: UUID) -> int:
        return take(people["ruth"], request_id=request_id).id

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            assert len(set(pool.map(ask, [uuid4()] * 4))) == 1
    with database.transaction() as session:
        held = session.scalar(text("SELECT count(*) FROM work_items WHERE status = 'IN_PROGRESS'"))
    assert held == 4


def test_a_cut_connection_does_not_stop_a_claim(
    database: Database, superuser_database: Database, people: dict[str, Actor]
) -> None:
    """Where the server has cut the connection, the claim is made by another one."""
    first, second = make_items(database, 2)
    ruth, lease = people["ruth"], LEASE
    assert verbs.claim_next_at_once(database, actor=ruth, lease=lease).id == first
    with superuser_database.transaction() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE usename = 'workqueue_app' AND datname = current_database()"
            )
        )
    assert verbs.claim_next_at_once(database, actor=ruth, lease=lease).id == second
    assert [each["action_type"] for each in factories.actions(database, second)] == [
        "create",
        "claim",
    ]


def test_a_transaction_after_a_claim_at_once_is_one(
    database: Database, people: dict[str, Actor]
) -> None:
    """The connection of a claim at once goes back as it was: what fails later is undone."""
    make_items(database, 2)
    verbs.claim_next_at_once(database, actor=people["ruth"], lease=LEASE)

    def claim_and_fail(session: Session) -> None:
        verbs.claim_next(session, actor=people["ruth"], lease=LEASE)
        raise BadInput

    with pytest.raises(BadInput):
        database.run(claim_and_fail)
    with database.transaction() as session:
        held = session.scalar(text("SELECT count(*) FROM work_items WHERE status = 'IN_PROGRESS'"))
    assert held == 1


def test_an_item_that_somebody_is_just_claiming_is_passed_over(
    database: Database, people: dict[str, Actor], take: Take
) -> None:
    """A claim that is not committed yet neither blocks the next one nor is given away twice."""
    first, second = make_items(database, 2)
    with database.transaction() as session:
        assert verbs.claim_next(session, actor=people["ruth"], lease=LEASE).id == first
        assert take(people["rob"]).id == second


def test_the_claim_uses_the_partial_indexes(
    database: Database, owner_database: Database, people: dict[str, Actor]
) -> None:
    """Among many items the claim reads a handful of rows, also once its plan is the general one."""
    make_items(database, 3000)
    with owner_database.transaction() as session:
        session.execute(text("ANALYZE work_items"))
    with database.transaction() as session:
        before = _reads(session)
        # PostgreSQL weighs a general plan from the sixth execution on.
        for _ in range(8):
            verbs.claim_next(session, actor=people["ruth"], lease=LEASE)
            verbs.claim_next(
                session, actor=people["ruth"], lease=LEASE, queue_types=["MISSING_DATA"]
            )
        after = _reads(session)
    assert after[0] == before[0], "the whole table was read"
    assert after[1] - before[1] < 1000


def test_many_lapsed_items_do_not_slow_the_claim(
    database: Database, owner_database: Database, people: dict[str, Actor]
) -> None:
    """Thousands of leases that ended cost a claim no more than a hundred rows."""
    make_items(database, 3000)
    with database.transaction() as session:
        holder = acting(session, people["rob"])
        session.execute(
            text(
                "UPDATE work_items SET status = 'IN_PROGRESS', assigned_to = :user_id, "
                "lease_expires_at = now() + (id - 9000) * interval '1 second' WHERE id % 10 > 0"
            ),
            {"user_id": holder.id},
        )
    with owner_database.transaction() as session:
        session.execute(text("ANALYZE work_items"))
    with database.transaction() as session:
        before = _reads(session)
        claimed = [verbs.claim_next(session, actor=people["ruth"], lease=LEASE) for _ in range(8)]
        after = _reads(session)
    assert len({state.id for state in claimed}) == 8
    assert all(state.id % 10 for state in claimed), "what waits is younger than what lapsed"
    assert after[0] == before[0], "the whole table was read"
    assert after[1] - before[1] < 8 * 250


def _reads(session: Session) -> tuple[int, int]:
    """How often this connection read all work items, and how many it fetched by index."""
    scans, fetched = session.execute(
        text(
            "SELECT seq_scan, idx_tup_fetch FROM pg_stat_xact_user_tables "
            "WHERE relname = 'work_items'"
        )
    ).one()
    return scans, fetched
