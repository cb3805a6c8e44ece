"""The life cycle as data: total, closed, and default deny."""

from __future__ import annotations

import itertools

import pytest

from workqueue.lifecycle import (
    CLOSED,
    DUTIES,
    LIVE,
    RIGHTS,
    TRANSITIONS,
    Right,
    Role,
    Status,
    Verb,
    after,
    right,
)

MACHINE = {
    Verb.CREATE,
    Verb.REFRESH,
    Verb.CURE,
    Verb.RECUR,
    Verb.CLOSE,
    Verb.REVIVE,
    Verb.EXPIRE,
}


def test_every_status_is_either_live_or_closed() -> None:
    """The two sets of statuses divide them without remainder."""
    assert set(Status) == LIVE | CLOSED
    assert not LIVE & CLOSED


@pytest.mark.parametrize(("status", "verb"), list(itertools.product(Status, Verb)))
def test_every_pair_is_decided_by_the_table_alone(status: Status, verb: Verb) -> None:
    """`after` gives the table's answer for every pair of status and verb, and None otherwise."""
    assert after(status, verb) is TRANSITIONS.get((status, verb))


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.CREATE])
def test_every_verb_can_be_used_somewhere(verb: Verb) -> None:
    """No verb but create is legal from no status at all."""
    assert any(after(status, verb) for status in Status)


@pytest.mark.parametrize("status", list(Status))
def test_every_status_can_be_left_and_reached(status: Status) -> None:
    """No status is a dead end, and none is unreachable."""
    assert any(s is status and t is not status for (s, _), t in TRANSITIONS.items())
    assert status is Status.OPEN or status in TRANSITIONS.values()


def test_every_role_has_a_cell_for_every_verb() -> None:
    """A missing cell would be a right that nobody decided on."""
    assert set(RIGHTS) == set(itertools.product(Role, Verb))
    assert set(DUTIES) == set(Role)


def test_what_the_table_does_not_say_is_never_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A role and verb without a cell have no right."""
    monkeypatch.setattr("workqueue.lifecycle.RIGHTS", {})
    assert {right(role, verb) for role in Role for verb in Verb} == {Right.NEVER}


@pytest.mark.parametrize("verb", list(Verb))
def test_machine_verbs_are_the_systems_and_nobody_elses(verb: Verb) -> None:
    """People never do a machine's verb, the system never a person's, analysts only read."""
    able = {role for role in Role if right(role, verb) is not Right.NEVER}
    assert (able == {Role.SYSTEM}) == (verb in MACHINE)
    assert Role.ANALYST not in able


def test_a_decision_is_only_made_by_the_holder() -> None:
    """Nobody's role lets them correct or decide an item that they do not hold."""
    for verb in (Verb.FIELD_UPDATE, Verb.MARK_DUPLICATE, Verb.RESOLVE, Verb.REJECT):
        assert {right(role, verb) for role in Role} == {Right.IF_HELD, Right.NEVER}


def test_the_machine_never_leaves_a_person_decision() -> None:
    """From REJECTED only a person's verbs lead anywhere."""
    assert not MACHINE & {verb for status, verb in TRANSITIONS if status is Status.REJECTED}
