"""The re-check after an edit says at once what a full run would say."""

from __future__ import annotations

import random
import threading
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from tests.conftest import LOCAL
from tests.detection.records import (
    PROVIDERS,
    TODAY,
    acts,
    add,
    changed_by,
    clean,
    hold,
    members,
    npi,
    only,
    problems,
    run,
)
from workqueue import accounts
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.detection import detect
from workqueue.errors import NoSuchProvider
from workqueue.verbs import field_update, reject, resolve
from workqueue.verbs.recheck import Outcome, groups_of, recheck

People = dict[str, Actor]

# Values that bring up, cure and change findings of most rules, and that make and part groups.
CHOICES: dict[str, list[Any]] = {
    "npi": [npi(1), npi(2), npi(3), "1234567890", None],
    "last_name": ["MARLOWE", "TEST", None],
    "first_name": ["PHILIPPA", "X", None],
    "practice_address_1": ["12 HIGH STREET", "PO BOX 12", None],
    "practice_state": ["IL", "XX"],
    "practice_zip": ["62701", "00012", "1"],
    "practice_city": ["SPRINGFIELD", "SPRINGFEILD", None],
    "practice_phone": ["2175232345", "5551234", "12", None],
    "practice_fax": ["2175232345", "12", None],
    "credential": ["MD", "DC", None],
    "sex": ["F", None],
    "license_number_1": ["A1", "A2", "A3", None],
    "license_state_1": ["IL", "OH", None],
    "taxonomy_primary_1": ["Y", "N"],
    "taxonomy_primary_2": ["Y", None],
    "taxonomy_code_1": ["207Q00000X", "122300000X", None],
    "taxonomy_code_2": ["207Q00000X", None],
    "license_number_2": ["A1", "A2", None],
    "license_state_2": ["IL"],
    "last_update_date": [date(2025, 1, 1), date(2018, 1, 1), date(2012, 1, 1), date(2030, 1, 1)],
    "deactivation_date": [None, None, None, date(2026, 1, 1)],
}


def _edit(database: Database, provider_id: int, **values: Any) -> Outcome:
    """Change a record as a correction does, and re-check it, in one transaction."""

    def act(session: Any) -> Outcome:
        before = groups_of(session, provider_id)
        session.execute(PROVIDERS.update().where(PROVIDERS.c.id == provider_id).values(**values))
        return recheck(session, provider_id, before, as_of=TODAY)

    return database.run(act)


def test_new_problem_opens(database: Database) -> None:
    """An edit that breaks a rule opens an item at once."""
    (provider,) = add(database, clean())
    run(database)
    outcome = _edit(database, provider, practice_phone="12")
    item = only(database, "PHONE_INVALID")
    assert outcome == Outcome(opened=(item.id,))
    assert acts(database, item.id) == ["create"]


def test_cure_closes_and_marks(database: Database, people: People) -> None:
    """An edit closes OPEN items that it cures, and marks those that somebody holds."""
    (provider,) = add(database, clean(practice_phone="12", practice_zip="1"))
    run(database)
    held = only(database, "PHONE_INVALID").id
    hold(database, held, people["ruth"])
    outcome = _edit(database, provider, practice_phone="2175232345", practice_zip="62701")
    assert outcome == Outcome(closed=(only(database, "ZIP_INVALID").id,), cured=(held,))
    assert only(database, "PHONE_INVALID").status == "IN_PROGRESS"


def test_edit_without_effect(database: Database) -> None:
    """An edit that changes no finding writes nothing."""
    (provider,) = add(database, clean(practice_phone="12"))
    run(database)
    assert _edit(database, provider, middle_name="QUINN") == Outcome()


def test_leaving_one_group_and_joining_another(database: Database) -> None:
    """A record that moves from one group to another changes the items of both."""
    one, two = npi(11), npi(12)
    ids = add(database, clean(npi=one), clean(npi=one), clean(npi=one), clean(npi=two))
    run(database)
    left = only(database, "NPI_DUPLICATE").id
    outcome = _edit(database, ids[0], npi=two)
    assert outcome.refreshed == (left,)
    (joined,) = outcome.opened
    assert members(database, left) == {ids[0]: False, ids[1]: True, ids[2]: True}
    assert members(database, joined) == {ids[0]: True, ids[3]: True}
    assert changed_by(run(database)) == {}


def test_closing_a_pair(database: Database) -> None:
    """Correcting one of two records that share a licence closes their item."""
    ids = add(database, clean(license_number_1="A9"), clean(license_number_1="A9"))
    run(database)
    outcome = _edit(database, ids[1], license_number_1="A8")
    assert outcome.closed == (only(database, "LICENSE_SHARED").id,)


def test_other_groups_of_members_stay(database: Database) -> None:
    """Groups that only other members belong to are not judged by half their members."""
    shared = {"license_state_2": "IL", "taxonomy_code_2": "207Q00000X"}
    ids = add(
        database,
        clean(license_number_1="K1"),
        clean(license_number_1="K1", license_number_2="K2", **shared),
        clean(license_number_1="K2"),
        clean(license_number_1="K1", license_number_2="K2", **shared),
    )
    run(database)
    _edit(database, ids[0], license_number_1="K7")
    assert changed_by(run(database)) == {}


def test_actor_is_given_back(database: Database, people: People) -> None:
    """The transaction acts as the person again after the re-check wrote as the system."""
    (provider,) = add(database, clean())
    run(database)
    with database.transaction() as session:
        user = accounts.acting(session, people["ruth"])
        before = groups_of(session, provider)
        session.execute(PROVIDERS.update().values(practice_phone="12"))
        assert recheck(session, provider, before).opened
        actor = session.scalar(text("SELECT current_setting('app.actor', true)"))
        assert actor == str(user.id)


def test_unknown_record(database: Database) -> None:
    """A record that does not exist is refused in words."""
    with database.transaction() as session, pytest.raises(NoSuchProvider, match="99"):
        recheck(session, 99, frozenset())


def test_field_update_is_rechecked(database: Database, people: People) -> None:
    """A correction through the verb is cured at once, and a full run has nothing to add."""
    add(database, clean(practice_phone="12"))
    detect(database, actor=LOCAL)
    item = only(database, "PHONE_INVALID").id
    hold(database, item, people["ruth"])
    result = database.run(
        lambda session: field_update(
            session, item, {"practice_phone": "(217) 523-2345"}, actor=people["ruth"]
        )
    )
    assert result.cured
    assert acts(database, item) == ["create", "claim", "field-update", "cure"]
    assert changed_by(detect(database, actor=LOCAL)) == {}


def test_two_edits_make_one_group(database: Database) -> None:
    """Two edits at once that give two records one licence see each other: one item, both in it."""
    ids = add(database, clean(), clean(), clean(license_number_1="Z5"))
    run(database)
    ready = threading.Barrier(2, timeout=30)

    def edit(provider_id: int) -> None:
        ready.wait()
        _edit(database, provider_id, license_number_1="Z5")

    edits = [threading.Thread(target=edit, args=(provider,)) for provider in ids[:2]]
    for each in edits:
        each.start()
    for each in edits:
        each.join(60)
    assert members(database, only(database, "LICENSE_SHARED").id) == dict.fromkeys(ids, True)
    assert changed_by(run(database)) == {}


@pytest.mark.parametrize("seed", range(3))
def test_same_as_a_full_run(database: Database, people: People, seed: int) -> None:
    """After random edits and decisions a full run changes nothing that the re-checks left."""
    rng = random.Random(seed)
    ids = add(
        database,
        *(
            clean(**{name: rng.choice(values) for name, values in CHOICES.items()})
            for _ in range(25)
        ),
    )
    run(database)
    ruth = people["ruth"]
    touched = 0
    for _ in range(60):
        names = rng.sample(sorted(CHOICES), rng.randint(1, 3))
        outcome = _edit(
            database, rng.choice(ids), **{name: rng.choice(CHOICES[name]) for name in names}
        )
        touched += outcome != Outcome()
        if rng.random() < 0.3:
            _decide(database, ruth, rng)
    before = problems(database)
    assert changed_by(run(database)) == {}
    assert problems(database) == before
    assert touched > 20


def _decide(database: Database, who: Actor, rng: random.Random) -> None:
    """Hold, dismiss or resolve an OPEN item at random."""
    with database.transaction() as session:
        found = session.scalars(
            text("SELECT id FROM work_items WHERE status = 'OPEN' ORDER BY id")
        ).all()
    if not found:
        return
    item = rng.choice(found)
    hold(database, item, who)
    choice = rng.random()
    if choice < 0.4:
        database.run(lambda session: reject(session, item, actor=who, reason="it is so"))
    elif choice < 0.8:
        database.run(lambda session: resolve(session, item, actor=who))
