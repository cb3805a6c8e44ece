"""The feed: every action is told once, in time, whatever order transactions commit in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import text

from tests.factories import make_items
from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.feed import MOST, Change, Feed


class Listener:
    """Keeps what it hears, and when."""

    def __init__(self) -> None:
        self.heard: list[Change] = []
        self.everything = 0
        self.at: list[float] = []
        self._news = threading.Condition()

    def __call__(self, changes: Sequence[Change] | None) -> None:
        with self._news:
            self.everything += changes is None
            self.heard += changes or ()
            self.at.append(time.monotonic())
            self._news.notify_all()

    def wait(self, count: int, seconds: float = 5) -> None:
        """Wait until `count` changes were heard."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.heard) >= count, seconds), self.heard


@pytest.fixture
def feed(database: Database) -> Iterator[Feed]:
    made = Feed(database, every=0.05)
    made.start()
    yield made
    made.close()


@pytest.fixture
def listener(feed: Feed) -> Listener:
    """Somebody who listens already."""
    made = Listener()
    feed.subscribe(made)
    time.sleep(0.3)
    return made


def comment(database: Database, item: int, actor: Actor, words: str = "hello") -> None:
    with database.transaction() as session:
        verbs.comment(session, item, words, actor=actor)


def test_an_action_is_told(
    database: Database, people: dict[str, Actor], listener: Listener
) -> None:
    """Item, version, act and who: within a second of the commit."""
    (item,) = make_items(database)
    listener.wait(1)
    began = time.monotonic()
    comment(database, item, people["ruth"])
    listener.wait(2)
    assert listener.at[-1] - began < 1
    told = listener.heard[-1]
    assert (told.item_id, told.seq, told.action, told.username) == (item, 2, "comment", "ruth")


def test_what_commits_late_is_told_once(
    database: Database, people: dict[str, Actor], listener: Listener
) -> None:
    """A row of a lower id that becomes visible later is not missed, and nothing is told twice."""
    items = make_items(database, 3)
    listener.wait(3)
    with database.transaction() as slow:
        verbs.comment(slow, items[0], "first id, last commit", actor=people["ruth"])
        comment(database, items[1], people["rob"])
        comment(database, items[2], people["rob"])
        listener.wait(5)
        time.sleep(0.3)
    listener.wait(6)
    comment(database, items[1], people["rob"])
    listener.wait(7)
    time.sleep(0.3)
    told = [(change.item_id, change.seq) for change in listener.heard]
    assert len(told) == len(set(told)) == 7
    assert (items[0], 2) in told


def test_too_much_is_told_as_everything(database: Database, listener: Listener) -> None:
    """More changes than a page can use are told as one: look at everything."""
    make_items(database, MOST + 50)
    deadline = time.monotonic() + 10
    while not listener.everything and time.monotonic() < deadline:
        time.sleep(0.05)
    assert listener.everything == 1
    assert len(listener.heard) < MOST


def test_a_lost_connection_is_made_again(
    database: Database,
    superuser_database: Database,
    people: dict[str, Actor],
    listener: Listener,
) -> None:
    """After its connection was cut, everybody looks at everything, and news come again."""
    (item,) = make_items(database)
    listener.wait(1)
    with superuser_database.transaction() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    deadline = time.monotonic() + 10
    while not listener.everything and time.monotonic() < deadline:
        time.sleep(0.05)
    assert listener.everything == 1
    comment(database, item, people["ruth"])
    listener.wait(2)


def test_a_listener_that_fails_stops_nobody(
    database: Database, people: dict[str, Actor], feed: Feed, listener: Listener
) -> None:
    """An error in one listener is logged; the others hear, and go on hearing."""

    def broken(_changes: object) -> None:
        raise RuntimeError("broken")

    feed.subscribe(broken)
    (item,) = make_items(database)
    comment(database, item, people["ruth"])
    listener.wait(2)


def test_nobody_is_told_after_the_end(
    database: Database, people: dict[str, Actor], feed: Feed
) -> None:
    """Whoever has ended the subscription hears nothing, and an unheard feed asks nothing."""
    gone, here = Listener(), Listener()
    end = feed.subscribe(gone)
    feed.subscribe(here)
    end()
    time.sleep(0.3)
    (item,) = make_items(database)
    comment(database, item, people["ruth"])
    here.wait(2)
    assert gone.heard == []
