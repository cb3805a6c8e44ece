"""Signing in: passwords, login sessions, one-time links, the throttle."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.conftest import LOCAL
from tests.factories import make_items
from workqueue import accounts, verbs
from workqueue.accounts import Actor, Login, Purpose
from workqueue.database import Database
from workqueue.errors import (
    BadInput,
    LinkSpent,
    LoginEnded,
    NotAllowed,
    TooManyTries,
    UserDisabled,
    WrongPassword,
)
from workqueue.lifecycle import Kind, Role

GOOD = "correct horse battery staple"
LEASE = timedelta(minutes=15)
OTHER = {"tried_at": ("login_throttle", "tried_at"), "link": ("login_links", "expires_at")}


@pytest.fixture
def rosa(database: Database) -> int:
    """Rosa, a reviewer with a password; her id."""
    with database.transaction() as session:
        user = accounts.add_user(session, "rosa", Role.REVIEWER, actor=LOCAL)
        accounts.set_password(session, user.id, "rosa", GOOD)
        return user.id


def enter(database: Database, password: str = GOOD, address: str = "10.0.0.1") -> str:
    return accounts.sign_in(database, "rosa", password, address=address, agent="a browser")


def login(database: Database, token: str) -> Login | None:
    return database.run(lambda session: accounts.login_of(session, token))


def signed_in(database: Database) -> Actor:
    found = login(database, enter(database))
    assert found is not None
    return found.actor


def age(superuser: Database, seconds: int, *columns: str) -> None:
    """Let the time of login sessions and tries pass."""
    with superuser.transaction() as session:
        for named in columns:
            table, column = OTHER.get(named, ("login_sessions", named))
            session.execute(
                text(f"UPDATE {table} SET {column} = {column} - make_interval(secs => :s)"),
                {"s": seconds},
            )


def test_a_login_is_who_signed_in(database: Database, rosa: int) -> None:
    """The right password gives a token whose login session is the user's, of kind web."""
    found = login(database, enter(database))
    assert found is not None
    assert (found.user.id, found.actor.username, found.actor.kind) == (rosa, "rosa", Kind.WEB)
    assert found.actor.via == "web"


def test_only_hashes_are_kept(database: Database, rosa: int) -> None:
    """Neither the password nor the token stands in the database."""
    token = enter(database)
    with database.transaction() as session:
        kept = session.execute(text("SELECT token_hash, agent FROM login_sessions")).one()
        password = session.scalar(text("SELECT hash FROM user_passwords"))
    assert bytes(kept.token_hash) == hashlib.sha256(token.encode()).digest()
    assert kept.agent == "a browser"
    assert password.startswith("$argon2id$")
    assert GOOD not in password


@pytest.mark.parametrize("token", ["", "wrong", "\x00", "\ud800", "x" * 5000])
def test_a_wrong_token_is_nobody(database: Database, rosa: int, token: str) -> None:
    """A cookie that was not given out finds no login."""
    enter(database)
    assert login(database, token) is None


@pytest.mark.parametrize("name", ["nobody", "", "a\x00b", "system", "cli:tester", "x" * 3000])
def test_who_cannot_sign_in(database: Database, rosa: int, name: str) -> None:
    """Unknown names, the system and local accounts are refused like a wrong password."""
    with pytest.raises(WrongPassword):
        accounts.sign_in(database, name, GOOD, address="10.0.0.1")


def test_the_wrong_password_is_refused_and_noted(database: Database, rosa: int) -> None:
    """A wrong password gives no login; a security event keeps who tried from where."""
    with pytest.raises(WrongPassword):
        enter(database, "wrong")
    with database.transaction() as session:
        event = session.execute(
            text("SELECT user_id, detail FROM security_events WHERE event = 'login-failure'")
        ).one()
    assert event.user_id == rosa
    assert event.detail["address"] == "10.0.0.1"


def test_wrong_tries_wait_longer_and_longer(
    database: Database, superuser_database: Database, rosa: int
) -> None:
    """After three wrong passwords even the right one has to wait; after the wait it counts."""
    for _ in range(4):
        with pytest.raises(WrongPassword):
            enter(database, "wrong")
    with pytest.raises(TooManyTries, match="wait"):
        enter(database)
    age(superuser_database, 120, "tried_at")
    assert login(database, enter(database)) is not None
    assert login(database, enter(database)) is not None


def test_three_hundred_guesses_at_once_are_few(database: Database, rosa: int) -> None:
    """Guesses at the same moment count one after the other: hardly any is even looked at."""

    def guess(number: int) -> str:
        try:
            enter(database, f"wrong password {number}")
        except (WrongPassword, TooManyTries) as refusal:
            return type(refusal).__name__
        return "in"

    with ThreadPoolExecutor(8) as threads:
        ends = list(threads.map(guess, range(60)))
    assert ends.count("in") == 0
    assert ends.count("WrongPassword") <= 8
    assert len(ends) == 60


def test_nobody_is_locked_out_by_another_address(
    database: Database, superuser_database: Database, rosa: int
) -> None:
    """Whoever guesses from elsewhere does not keep the user out of her usual place."""
    enter(database, address="10.0.0.1")
    for number in range(15):
        with pytest.raises((WrongPassword, TooManyTries)):
            enter(database, "wrong", address=f"203.0.113.{number}")
    assert login(database, enter(database, address="10.0.0.1")) is not None


def test_a_login_ends_when_it_lies_idle(
    database: Database, superuser_database: Database, rosa: int
) -> None:
    """Half an hour without use ends a login; use keeps it."""
    token = enter(database)
    age(superuser_database, 29 * 60, "idle_at", "last_seen_at")
    assert login(database, token) is not None
    age(superuser_database, 29 * 60, "idle_at", "last_seen_at")
    assert login(database, token) is not None
    age(superuser_database, 31 * 60, "idle_at", "last_seen_at")
    assert login(database, token) is None


def test_a_login_ends_after_twelve_hours(
    database: Database, superuser_database: Database, rosa: int
) -> None:
    """However busy, a login ends twelve hours after it began."""
    token = enter(database)
    age(superuser_database, 12 * 3600 + 1, "expires_at")
    assert login(database, token) is None


def test_every_verb_asks_for_the_login(database: Database, rosa: int) -> None:
    """After the logout nothing more can be done by that login, claim-next included."""
    item, other = make_items(database, 2)
    actor = signed_in(database)
    with database.transaction() as session:
        verbs.claim(session, item, actor=actor, lease=LEASE)
    assert actor.login is not None
    number = actor.login
    database.run(lambda session: accounts.end_login(session, number, "signed out"))
    with database.transaction() as session, pytest.raises(LoginEnded):
        verbs.comment(session, item, "still here?", actor=actor)
    with database.transaction() as session, pytest.raises(LoginEnded):
        verbs.claim_next(session, actor=actor, lease=LEASE)
    with database.transaction() as session, pytest.raises(LoginEnded):
        verbs.claim(session, other, actor=actor, lease=LEASE)


def test_claim_next_works_for_a_login(database: Database, rosa: int) -> None:
    """A signed-in reviewer takes the next item; a login of somebody else's does not do."""
    (item,) = make_items(database)
    actor = signed_in(database)
    with database.transaction() as session:
        accounts.add_user(session, "rob", Role.REVIEWER, actor=LOCAL)
    for forged in (
        Actor("rob", Kind.WEB, "web", actor.login),
        Actor("rosa", Kind.WEB, "web", None),
        Actor("rosa", Kind.WEB, "web", 10**15),
    ):
        with database.transaction() as session, pytest.raises(LoginEnded):
            verbs.claim_next(session, actor=forged, lease=LEASE)
    with database.transaction() as session:
        assert verbs.claim_next(session, actor=actor, lease=LEASE).id == item


def test_disabling_ends_all_logins(database: Database, rosa: int) -> None:
    """A disabled user is signed out everywhere, and may not act by any login."""
    token, actor = enter(database), signed_in(database)
    with database.transaction() as session:
        accounts.disable_user(session, "rosa", actor=LOCAL)
    assert login(database, token) is None
    with database.transaction() as session, pytest.raises(UserDisabled):
        accounts.acting(session, actor)
    with pytest.raises(WrongPassword):
        enter(database)
    with database.transaction() as session:
        accounts.enable_user(session, "rosa", actor=LOCAL)
    assert login(database, token) is None
    assert login(database, enter(database)) is not None


def test_a_new_role_asks_for_a_new_login(database: Database, rosa: int) -> None:
    """A change of role counts at once and ends the logins that knew the old one."""
    token = enter(database)
    with database.transaction() as session:
        assert accounts.set_role(session, "rosa", Role.LEAD, actor=LOCAL).role is Role.LEAD
    assert login(database, token) is None
    found = login(database, enter(database))
    assert found is not None
    assert found.user.role is Role.LEAD


def test_only_who_sees_to_users_may_change_them(database: Database, rosa: int) -> None:
    """A reviewer can neither give links nor roles."""
    actor = signed_in(database)
    for act in (
        lambda session: accounts.make_link(session, "rosa", actor=actor),
        lambda session: accounts.set_role(session, "rosa", Role.ADMIN, actor=actor),
        lambda session: accounts.enable_user(session, "rosa", actor=actor),
    ):
        with database.transaction() as session, pytest.raises(NotAllowed):
            act(session)


def test_a_link_lets_in_once(database: Database, rosa: int) -> None:
    """A link sets a password and signs in; a second use, and an older link, are refused."""
    with database.transaction() as session:
        older = accounts.make_link(session, "rosa", actor=LOCAL)
        token = accounts.make_link(session, "rosa", actor=LOCAL)
    with database.transaction() as session, pytest.raises(LinkSpent):
        accounts.link_of(session, older)
    with database.transaction() as session:
        assert accounts.link_of(session, token).username == "rosa"
    with pytest.raises(BadInput), database.transaction() as session:
        accounts.use_link(session, token, password="short", address="10.0.0.1")
    with database.transaction() as session:
        cookie = accounts.use_link(
            session, token, password="another long password", address="10.0.0.1"
        )
    assert login(database, cookie) is not None
    assert login(database, enter(database, "another long password")) is not None
    with database.transaction() as session, pytest.raises(LinkSpent):
        accounts.use_link(session, token, password="another long password", address="10.0.0.1")


def test_a_sign_in_link_needs_no_password(database: Database, rosa: int) -> None:
    """A link for signing in leaves the password as it was."""
    with database.transaction() as session:
        token = accounts.make_link(session, "rosa", actor=LOCAL, purpose=Purpose.SIGN_IN)
    with database.transaction() as session:
        cookie = accounts.use_link(session, token, password=None, address="10.0.0.1")
    assert login(database, cookie) is not None
    assert login(database, enter(database)) is not None


def test_a_link_ends_after_a_day(
    database: Database, superuser_database: Database, rosa: int
) -> None:
    """A link of yesterday lets nobody in."""
    with database.transaction() as session:
        token = accounts.make_link(session, "rosa", actor=LOCAL)
    age(superuser_database, 24 * 3600 + 1, "link")
    with database.transaction() as session, pytest.raises(LinkSpent):
        accounts.link_of(session, token)


@pytest.mark.parametrize(
    "password", ["short", "x" * 201, "aaaaaaaaaaaaaaaa", "with a \x00 in it", "half \ud800 a pair"]
)
def test_passwords_that_are_not_taken(database: Database, rosa: int, password: str) -> None:
    """Too short, too long, too simple, or with characters that cannot be kept."""
    with database.transaction() as session, pytest.raises(BadInput):
        accounts.set_password(session, rosa, "rosa", password)


def test_ended_logins_are_told(database: Database, rosa: int) -> None:
    """Of several login sessions, those that are over are named."""
    kept, gone = signed_in(database), signed_in(database)
    assert kept.login is not None
    assert gone.login is not None
    ids = [kept.login, gone.login]
    with database.transaction() as session:
        accounts.end_login(session, ids[1], "signed out")
        assert accounts.ended_among(session, [*ids, 10**12]) == {ids[1], 10**12}
