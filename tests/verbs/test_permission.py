"""One predicate for the button and the guard: every role, verb, status and holder."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from workqueue.accounts import UserRow
from workqueue.errors import HeldByAnother, IllegalTransition, LeaseExpired, NotAllowed, Refusal
from workqueue.lifecycle import CLOSED, Right, Role, Status, Verb, after, right
from workqueue.verbs.permission import Standing, can, check

MOMENT = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)
ME, OTHER = 1, 2


def _user(role: Role) -> UserRow:
    return UserRow(ME, "ruth", "", role, "person", MOMENT, None)


def _item(status: Status, assigned_to: int | None, *, lapsed: bool = False) -> Standing:
    held = status is Status.IN_PROGRESS
    holder = {None: None, ME: "ruth", OTHER: "rob"}[assigned_to]
    return Standing(7, status, assigned_to, holder, MOMENT if held else None, lapsed)


def _refused(role: Role, verb: Verb, item: Standing) -> type[Refusal] | None:
    """The class of the refusal of `check`, which `can` must agree with; None where it may be."""
    refusal: Refusal | None = None
    try:
        check(_user(role), verb, item)
    except Refusal as raised:
        refusal = raised
    assert can(_user(role), verb, item) == (refusal is None)
    return None if refusal is None else type(refusal)


@pytest.mark.parametrize(("role", "verb"), list(itertools.product(Role, Verb)))
def test_a_role_without_the_right_is_refused_whatever_the_item(role: Role, verb: Verb) -> None:
    """NotAllowed exactly where the table says never, even for one's own item."""
    for status in Status:
        refused = _refused(role, verb, _item(status, ME))
        assert (refused is NotAllowed) == (right(role, verb) is Right.NEVER)


@pytest.mark.parametrize(("status", "verb"), list(itertools.product(Status, Verb)))
def test_an_illegal_pair_is_refused_naming_item_status_and_verb(status: Status, verb: Verb) -> None:
    """IllegalTransition exactly where the table has no transition, for everybody with a right."""
    item = _item(status, ME)
    for role in Role:
        if right(role, verb) is not Right.NEVER:
            refused = _refused(role, verb, item)
            assert (refused is IllegalTransition) == (after(status, verb) is None)
            if refused:
                with pytest.raises(IllegalTransition, match=f"item 7 is {status}; {verb} is"):
                    check(_user(role), verb, item)


@pytest.mark.parametrize("verb", list(Verb))
def test_what_needs_the_item_held_is_refused_to_others_and_after_the_lease(verb: Verb) -> None:
    """HeldByAnother for an item of somebody else, LeaseExpired for one's own of yesterday."""
    for role in Role:
        if right(role, verb) is Right.IF_HELD:
            assert _refused(role, verb, _item(Status.IN_PROGRESS, ME)) is None
            assert _refused(role, verb, _item(Status.IN_PROGRESS, OTHER)) is HeldByAnother
            assert _refused(role, verb, _item(Status.IN_PROGRESS, ME, lapsed=True)) is LeaseExpired


@pytest.mark.parametrize(
    ("role", "item", "expected"),
    [
        (Role.REVIEWER, _item(Status.OPEN, None), None),
        (Role.REVIEWER, _item(Status.OPEN, ME), None),
        (Role.REVIEWER, _item(Status.OPEN, OTHER), HeldByAnother),
        (Role.LEAD, _item(Status.OPEN, OTHER), None),
        (Role.REVIEWER, _item(Status.IN_PROGRESS, ME), None),
        (Role.REVIEWER, _item(Status.IN_PROGRESS, ME, lapsed=True), None),
        (Role.REVIEWER, _item(Status.IN_PROGRESS, OTHER), HeldByAnother),
        (Role.LEAD, _item(Status.IN_PROGRESS, OTHER), HeldByAnother),
        (Role.REVIEWER, _item(Status.IN_PROGRESS, OTHER, lapsed=True), None),
    ],
)
def test_who_may_claim_what(role: Role, item: Standing, expected: type[Refusal] | None) -> None:
    """Free and lapsed items are for all; reserved ones for whom they are, and for leads."""
    assert _refused(role, Verb.CLAIM, item) is expected


def test_the_refusals_say_what_to_do() -> None:
    """Each refusal names who or what stands in the way and the way out."""
    cases = [
        (Verb.CLAIM, _item(Status.IN_PROGRESS, OTHER), "held by rob until 2026-11-01 09:30:00 UTC"),
        (Verb.CLAIM, _item(Status.IN_PROGRESS, OTHER), "claim-next, or ask a lead to release it"),
        (Verb.CLAIM, _item(Status.OPEN, OTHER), "reserved for rob"),
        (Verb.RESOLVE, _item(Status.OPEN, None), "claim it first"),
        (Verb.RESOLVE, _item(Status.RESOLVED, ME), "reopen it first"),
        (Verb.REOPEN, _item(Status.OPEN, None), "RESOLVED or REJECTED"),
        (Verb.RESOLVE, _item(Status.IN_PROGRESS, OTHER), "only the holder may resolve"),
        (Verb.RESOLVE, _item(Status.IN_PROGRESS, ME, lapsed=True), "Claim the item again"),
        (Verb.ASSIGN, _item(Status.OPEN, None), "role reviewer, which may not assign; roles that "),
        (Verb.CREATE, _item(Status.OPEN, None), "the machine does that"),
    ]
    for verb, item, words in cases:
        with pytest.raises(Refusal, match=words):
            check(_user(Role.REVIEWER), verb, item)


def test_closed_items_can_only_be_reopened_and_talked_about() -> None:
    """For people a closed item has two buttons."""
    for status in CLOSED:
        usable = {verb for verb in Verb if can(_user(Role.ADMIN), verb, _item(status, ME))}
        assert usable == {Verb.COMMENT, Verb.REOPEN}
