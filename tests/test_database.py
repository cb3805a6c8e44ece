"""Transactions: committed or not at all, repeated where that helps, refused in words."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.conftest import Server
from workqueue.database import ATTEMPTS, Database, open_database
from workqueue.errors import BadInput, DatabaseUnavailable, TriedTooOften
from workqueue.settings import Settings

ADD = text("INSERT INTO queue_types (code, label) VALUES ('EXTRA', 'Extra')")
COUNT = text("SELECT count(*) FROM queue_types")


def test_an_error_leaves_nothing_behind(database: Database) -> None:
    """What a transaction wrote before it failed is rolled back."""

    def add_and_fail(session: Session) -> None:
        session.execute(ADD)
        raise BadInput("no")

    with pytest.raises(BadInput):
        database.run(add_and_fail)
    with database.transaction() as session:
        assert session.scalar(COUNT) == 3


def test_a_lost_connection_repeats_the_whole_act(database: Database) -> None:
    """An act whose connection is cut in the middle is done again from its start, once."""
    tries: list[int] = []

    def add(session: Session) -> None:
        tries.append(1)
        session.execute(ADD)
        if len(tries) == 1:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    database.run(add)
    assert len(tries) == 2
    with database.transaction() as session:
        assert session.scalar(COUNT) == 4


def test_an_idle_connection_is_replaced_where_the_server_has_cut_it(
    database: Database, superuser_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that was cut while it was idle is not given out again."""
    monkeypatch.setattr("workqueue.database.TRUSTED_SECONDS", 0.0)
    pid = text("SELECT pg_backend_pid()")
    with database.transaction() as session:
        former = session.scalar(pid)
    with superuser_database.transaction() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": former})
    with database.transaction() as session:
        assert session.scalar(pid) != former


def test_an_act_that_keeps_failing_is_given_up_in_words(database: Database) -> None:
    """After the last attempt the refusal says that nothing changed."""
    tries: list[int] = []

    def fail(session: Session) -> None:
        tries.append(1)
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(TriedTooOften, match="nothing changed"):
        database.run(fail)
    assert len(tries) == ATTEMPTS


def test_an_error_of_ours_is_not_repeated(database: Database) -> None:
    """A statement that is wrong fails at once."""
    tries: list[int] = []

    def wrong(session: Session) -> None:
        tries.append(1)
        session.execute(text("SELECT nonsense"))

    with pytest.raises(DBAPIError):
        database.run(wrong)
    assert len(tries) == 1


def test_a_snapshot_sees_one_moment_and_writes_nothing(database: Database) -> None:
    """Rows that others commit meanwhile do not appear, and an INSERT is refused."""
    with database.snapshot() as session:
        before = session.scalar(COUNT)
        database.run(lambda other: other.execute(ADD))
        assert session.scalar(COUNT) == before
        with pytest.raises(DBAPIError, match="read-only"):
            session.execute(ADD)


def test_sessions_run_in_utc(database: Database) -> None:
    """Times are UTC whatever the server's time zone."""
    with database.transaction() as session:
        assert session.scalar(text("SHOW timezone")) == "UTC"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg2://a:b@127.0.0.1:9/none",
        "postgresql+psycopg2://a:b@/none?host=/nowhere",
    ],
)
def test_a_database_that_cannot_be_reached_is_named(url: str) -> None:
    """Transactions, snapshots and plain connections say the same, without the password."""
    with Database(url) as away:

        def plain() -> None:
            with away.engine.connect() as connection:
                connection.execute(COUNT)

        def snapshot() -> None:
            with away.snapshot() as session:
                session.execute(COUNT)

        for use in (plain, snapshot, lambda: away.run(lambda session: session.execute(COUNT))):
            with pytest.raises(DatabaseUnavailable, match="cannot be reached") as refused:
                use()
            assert ":b@" not in str(refused.value)


def test_each_role_has_its_own_address(
    server: Server, database_name: str, environment: dict[str, str]
) -> None:
    """With a server of one's own, owner and analyst connect as such."""
    settings = Settings.read()
    for role in ("owner", "app", "analyst"):
        with (
            open_database(settings, role=role) as opened,  # type: ignore[arg-type]
            opened.transaction() as session,
        ):
            assert session.scalar(text("SELECT current_user")) == f"workqueue_{role}"
