"""Accounts: users, their roles, and the actor that stands behind every verb."""

from __future__ import annotations

import getpass

import pytest
from sqlalchemy import text

from tests.conftest import LOCAL, person
from workqueue import accounts
from workqueue.accounts import (
    SYSTEM,
    Actor,
    UserRow,
    acting,
    acting_with,
    add_user,
    disable_user,
    list_users,
    local,
)
from workqueue.database import Database
from workqueue.errors import BadInput, NoSuchUser, NotAllowed, UserDisabled
from workqueue.lifecycle import DUTIES, Duty, Kind, Role


def users(database: Database) -> dict[str, UserRow]:
    with database.snapshot() as session:
        return {user.username: user for user in list_users(session)}


def events(database: Database) -> list[tuple[str, str, dict[str, object]]]:
    with database.snapshot() as session:
        rows = session.execute(
            text(
                'SELECT u.username, e.event, e.detail FROM security_events e JOIN "user" u '
                "ON u.id = e.user_id ORDER BY e.id"
            )
        )
        return [(row.username, row.event, row.detail) for row in rows]


def test_local_account_comes_with_its_first_act(database: Database) -> None:
    """Whoever holds the database credentials gets an account named after program and OS user."""
    actor = local()
    assert actor == Actor(f"cli:{getpass.getuser()}", Kind.LOCAL, f"cli:{getpass.getuser()}")
    assert set(users(database)) == {"system"}
    with database.transaction() as session:
        first = acting(session, actor)
    with database.transaction() as session:
        assert acting(session, actor) == first
    assert (first.role, first.kind) == (Role.ADMIN, "local")


def test_local_without_a_name_in_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose user id has no name, as in containers, is known by its number."""

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nameless)
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    assert local("jupyter").via == "jupyter:4711"


def test_acting_as_somebody_keeps_how_one_came_in() -> None:
    """With --as the name is the person's, and `via` still tells the local account."""
    actor = local(username="ruth")
    assert actor.username == "ruth"
    assert actor.via.startswith("cli:")


def test_acting_sets_the_actor_of_the_transaction(
    database: Database, people: dict[str, Actor]
) -> None:
    """The audit trigger learns who acts, and nobody does in the next transaction."""
    with database.transaction() as session:
        user = acting(session, people["ruth"])
        assert session.scalar(text("SELECT current_setting('app.actor')")) == str(user.id)
    with database.transaction() as session:
        assert not session.scalar(text("SELECT current_setting('app.actor', true)"))


@pytest.mark.parametrize(
    "name", ["nobody-here", "cli:somebody-else", "", "'; --", "x" * 500, "\x00", "\udcff"]
)
def test_unknown_user_is_refused(database: Database, name: str) -> None:
    """A name without a user cannot act, and no user comes into being by it."""
    with (
        pytest.raises(NoSuchUser, match="workqueue user"),
        database.transaction() as session,
    ):
        acting(session, person(name))
    assert set(users(database)) == {"system"}


def test_nobody_acts_as_the_system(database: Database) -> None:
    """The system account is the machine's; a person who names it is refused."""
    with database.transaction() as session:
        assert acting(session, SYSTEM).kind == "system"
    for kind in (Kind.LOCAL, Kind.WEB):
        with pytest.raises(NotAllowed, match="as a person"), database.transaction() as session:
            acting(session, Actor("system", kind, "cli:eve"))


def test_disabled_user_cannot_act_at_once(database: Database, people: dict[str, Actor]) -> None:
    """Disabling acts on the next verb; doing it again changes nothing."""
    with database.transaction() as session:
        first = disable_user(session, "ruth", actor=people["ada"])
    with database.transaction() as session:
        again = disable_user(session, "ruth", actor=people["ada"])
    assert first.disabled_at is not None
    assert again.disabled_at == first.disabled_at
    with pytest.raises(UserDisabled, match="ruth"), database.transaction() as session:
        acting(session, people["ruth"])
    assert [event for _, event, _ in events(database)].count("user-disable") == 1


def test_role_is_read_anew_each_time(
    database: Database, owner_database: Database, people: dict[str, Actor]
) -> None:
    """A role that was taken away is gone at the next act."""
    with database.transaction() as session:
        acting_with(session, people["max"], Duty.EXPORT)
    with owner_database.transaction() as session:
        session.execute(text("UPDATE \"user\" SET role = 'reviewer' WHERE username = 'max'"))
    with pytest.raises(NotAllowed), database.transaction() as session:
        acting_with(session, people["max"], Duty.EXPORT)


@pytest.mark.parametrize("duty", list(Duty))
@pytest.mark.parametrize("username", ["ruth", "lea", "max", "ann", "ada"])
def test_duties_follow_the_table(
    database: Database, people: dict[str, Actor], username: str, duty: Duty
) -> None:
    """A role does what the table of duties says, and is told who may where it may not."""
    with database.transaction() as session:
        role = acting(session, people[username]).role
        if duty in DUTIES[role]:
            assert acting_with(session, people[username], duty).username == username
        else:
            with pytest.raises(NotAllowed, match=rf"role {role}.*roles that may: .*admin"):
                acting_with(session, people[username], duty)


def test_added_user_is_listed_and_recorded(database: Database) -> None:
    """A user has the name, the role and the display name given; who added it is kept."""
    with database.transaction() as session:
        added = add_user(session, " zoë ", Role.LEAD, actor=LOCAL, display_name="Zoë Z.")
    assert users(database)["zoë"] == added
    assert (added.role, added.display_name, added.kind, added.disabled_at) == (
        Role.LEAD,
        "Zoë Z.",
        "person",
        None,
    )
    assert events(database) == [("cli:tester", "user-add", {"username": "zoë", "role": "lead"})]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "cannot be a user name"),
        ("   ", "cannot be a user name"),
        ("x" * 101, "cannot be a user name"),
        ("cli:root", "no colon"),
        ("line\nbreak", "printable"),
        ("nul\x00", "printable"),
        ("half\ud800", "printable"),
        ("ruth", "exists already"),
        ("system", "exists already"),
    ],
)
def test_impossible_name_is_refused(
    database: Database, people: dict[str, Actor], name: str, says: str
) -> None:
    """A name that is taken, reserved for local accounts or unreadable is refused, and not added."""
    before = users(database)
    with pytest.raises(BadInput, match=says), database.transaction() as session:
        add_user(session, name, Role.REVIEWER, actor=LOCAL)
    assert users(database) == before


def test_system_role_is_not_given(database: Database) -> None:
    """Nobody becomes the machine."""
    with pytest.raises(BadInput, match="belongs to the machine"), database.transaction() as session:
        add_user(session, "robot", Role.SYSTEM, actor=LOCAL)


def test_only_admins_see_to_users(database: Database, people: dict[str, Actor]) -> None:
    """A manager adds and disables nobody."""
    for act in (
        lambda session: add_user(session, "new", Role.ADMIN, actor=people["max"]),
        lambda session: disable_user(session, "ruth", actor=people["max"]),
    ):
        with (
            pytest.raises(NotAllowed, match="may not see to users"),
            database.transaction() as session,
        ):
            act(session)


def test_who_cannot_be_disabled(database: Database, people: dict[str, Actor]) -> None:
    """Oneself, the system and unknown users are refused."""
    for name, refusal in (("ada", BadInput), ("system", NoSuchUser), ("nemo", NoSuchUser)):
        with pytest.raises(refusal), database.transaction() as session:
            disable_user(session, name, actor=people["ada"])


def test_a_denied_duty_is_kept(database: Database, people: dict[str, Actor]) -> None:
    """Who wanted to see to users without the right is kept as a security event."""
    with pytest.raises(NotAllowed):
        database.run(lambda session: accounts.disable_user(session, "rob", actor=people["ruth"]))
    with database.transaction() as session:
        kept = session.execute(
            text(
                "SELECT u.username, e.detail FROM security_events e "
                "JOIN \"user\" u ON u.id = e.user_id WHERE e.event = 'denied'"
            )
        ).one()
    assert kept.username == "ruth"
    assert kept.detail["duty"] == "users"
