"""Field-update: overrides on top of what the source says, and the re-check at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests import factories
from tests.factories import lapse, make_items
from workqueue import audit, verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import (
    BadInput,
    HeldByAnother,
    IllegalTransition,
    LeaseExpired,
    NotAllowed,
    TooLong,
)
from workqueue.lifecycle import Status
from workqueue.verbs import Change, FieldUpdateResult

LEASE = timedelta(minutes=15)
PHONE = {"practice_phone": "(308) 865-2512"}


@pytest.fixture
def held(database: Database, people: dict[str, Actor]) -> int:
    """An item about a record without a phone, held by ruth."""
    (item_id,) = make_items(database)
    database.run(lambda s: verbs.claim(s, item_id, actor=people["ruth"], lease=LEASE))
    return item_id


def _update(
    database: Database,
    item_id: int,
    changes: Mapping[str, str | None],
    actor: Actor,
    **more: Any,
) -> FieldUpdateResult:
    return database.run(lambda s: verbs.field_update(s, item_id, changes, actor=actor, **more))


def _record(database: Database, item_id: int) -> Mapping[str, Any]:
    with database.transaction() as session:
        found = session.execute(
            text(
                "SELECT p.* FROM individual_providers p JOIN work_items i ON i.provider_id = p.id "
                "WHERE i.id = :id"
            ),
            {"id": item_id},
        ).one()
        return dict(found._mapping)


def _overrides(database: Database) -> list[Any]:
    with database.transaction() as session:
        return list(
            session.execute(
                text(
                    "SELECT field, value, replaced_value, current_source_value, verified_how, "
                    "withdrawn_at IS NULL AS live FROM provider_overrides ORDER BY id"
                )
            )
        )


def _source_says(database: Database, field: str, value: str) -> None:
    """What a later load does where the source's value changes under a correction."""
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE provider_overrides SET current_source_value = :value, "
                "source_changed_at = now() WHERE field = :field AND withdrawn_at IS NULL"
            ),
            {"field": field, "value": value},
        )


def test_a_correction_becomes_the_effective_value_and_cures(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """The record has the normalised value, the override what it replaced, the answer the cure."""
    result = _update(database, held, PHONE, people["ruth"], verified_how="called the practice")
    assert result.changes == (Change("practice_phone", None, "3088652512"),)
    assert result.cured
    assert f"cured: resolve item {held} to confirm" in result.message
    assert (result.state.status, result.state.assigned_to) == (Status.IN_PROGRESS, "ruth")
    assert _record(database, held)["practice_phone"] == "3088652512"
    assert _overrides(database) == [
        ("practice_phone", "3088652512", None, None, "called the practice", True)
    ]
    acts = factories.actions(database, held)
    assert [(a["action_type"], a["username"]) for a in acts[2:]] == [
        ("field-update", "ruth"),
        ("cure", "system"),
    ]
    assert acts[2]["payload"] == {
        "provider_id": _record(database, held)["id"],
        "changes": [{"field": "practice_phone", "old": None, "new": "3088652512"}],
        "verified_how": "called the practice",
    }
    assert factories.row(database, held)["version"] == len(acts) == result.state.version
    assert audit.verify(database).ok


def test_a_correction_of_something_else_does_not_cure(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """The answer says that the problem stands."""
    result = _update(database, held, {"middle_name": "ANN"}, people["ruth"])
    assert not result.cured
    assert f"problem of item {held} is not cured yet" in result.message
    assert factories.row(database, held)["cured_at"] is None


def test_a_cured_problem_that_is_broken_again_is_no_longer_cured(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """Emptying the field again brings the problem back to the same item."""
    assert _update(database, held, PHONE, people["ruth"]).cured
    result = _update(database, held, {"practice_phone": " "}, people["ruth"])
    assert not result.cured
    assert factories.row(database, held)["cured_at"] is None


def test_only_what_differs_is_saved(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """A value as it is already, however written, is no change; without any change, a refusal."""
    result = _update(
        database,
        held,
        {"practice_zip": "68847-2944", "practice_state": "ne", "practice_city": "OMAHA"},
        people["ruth"],
    )
    assert result.changes == (Change("practice_city", "KEARNEY", "OMAHA"),)
    version = factories.row(database, held)["version"]
    with pytest.raises(BadInput, match=r"nothing was changed: record \d+ has this value already"):
        _update(database, held, {"practice_city": "OMAHA"}, people["ruth"])
    assert factories.row(database, held)["version"] == version
    assert len(_overrides(database)) == 1


def test_dates_are_stored_as_dates_and_kept_as_iso_text(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """A date typed the American way ends in the date column and as YYYY-MM-DD in the history."""
    old = _record(database, held)["enumeration_date"].isoformat()
    result = _update(database, held, {"enumeration_date": "05/24/2024"}, people["ruth"])
    assert result.changes == (Change("enumeration_date", old, "2024-05-24"),)
    assert _record(database, held)["enumeration_date"].isoformat() == "2024-05-24"


def test_a_second_correction_replaces_the_first_and_remembers_the_source(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """The former override is withdrawn; the new one still holds the source's own value."""
    _update(database, held, {"practice_city": "OMAHA"}, people["ruth"])
    _update(database, held, {"practice_city": "LINCOLN"}, people["ruth"])
    assert _overrides(database) == [
        ("practice_city", "OMAHA", "KEARNEY", "KEARNEY", "", False),
        ("practice_city", "LINCOLN", "KEARNEY", "KEARNEY", "", True),
    ]


def test_writing_the_sources_value_takes_the_correction_back(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """Nothing lies on top of the source any more, and the act is on record."""
    _update(database, held, {"practice_city": "OMAHA"}, people["ruth"])
    result = _update(database, held, {"practice_city": "KEARNEY"}, people["ruth"])
    assert result.changes == (Change("practice_city", "OMAHA", "KEARNEY"),)
    assert [override.live for override in _overrides(database)] == [False]
    assert _record(database, held)["practice_city"] == "KEARNEY"


def test_a_correction_is_confirmed_against_a_source_that_changed(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """The same value again is a change then: the new override replaces what the source says now."""
    _update(database, held, {"practice_city": "OMAHA"}, people["ruth"])
    _source_says(database, "practice_city", "LINCOLN")
    result = _update(database, held, {"practice_city": "omaha".upper()}, people["ruth"])
    assert result.changes == (Change("practice_city", "OMAHA", "OMAHA"),)
    assert "'OMAHA' confirmed against the source" in result.message
    assert _overrides(database)[-1] == ("practice_city", "OMAHA", "LINCOLN", "LINCOLN", "", True)
    with pytest.raises(BadInput, match="nothing was changed"):
        _update(database, held, {"practice_city": "OMAHA"}, people["ruth"])


def test_a_wrong_value_is_refused_and_nothing_is_saved(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """One wrong value of several refuses all of them, in words about the field."""
    before = _record(database, held)
    cases: list[tuple[dict[str, str | None], type[Exception], str]] = [
        ({}, BadInput, "no field was given"),
        ({"phone": "3088652512"}, BadInput, "no field 'phone'"),
        ({"id": "1"}, BadInput, "no field 'id'"),
        ({"npi; DROP TABLE": "1"}, BadInput, "no field"),
        ({"practice_phone": "865-2512"}, BadInput, "Phone: '865-2512' is not a US number"),
        ({"practice_phone": "3088652512", "practice_zip": "1"}, BadInput, "ZIP: '1' is not"),
        ({"last_name": "a\x00b"}, BadInput, "control"),
        ({"last_name": "x" * 50_000_000}, TooLong, "at most 200"),
    ]
    for changes, refusal, said in cases:
        with pytest.raises(refusal, match=said):
            _update(database, held, changes, people["ruth"])
    assert _record(database, held) == before
    assert _overrides(database) == []
    assert factories.row(database, held)["version"] == 2


def test_how_it_was_verified_has_a_limit(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """More than 500 characters are refused."""
    with pytest.raises(TooLong, match="verified has 501 characters; at most 500"):
        _update(database, held, PHONE, people["ruth"], verified_how="x" * 501)


def test_the_form_of_an_address_follows_its_country(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """With a country abroad in the same change or on record, foreign values are taken."""
    abroad = {"practice_zip": "K1A 0B1", "practice_state": "Ontario", "practice_country": "CA"}
    _update(database, held, abroad, people["ruth"])
    record = _record(database, held)
    assert (record["practice_zip"], record["practice_state"]) == ("K1A 0B1", "ONTARIO")
    _update(database, held, {"practice_zip": "K1A 0B2"}, people["ruth"])
    with pytest.raises(BadInput, match="not a US state"):
        _update(database, held, {"license_state_1": "Ontario"}, people["ruth"])


def test_a_member_of_a_group_can_be_corrected(database: Database, people: dict[str, Actor]) -> None:
    """`provider_id` names the record; one outside the item is refused."""
    one, two, three = make_items(database, 3)
    ruth = people["ruth"]
    database.run(lambda s: verbs.claim(s, one, actor=ruth, lease=LEASE))
    member, stranger = (factories.row(database, i)["provider_id"] for i in (two, three))
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO work_item_providers (work_item_id, provider_id) VALUES (:i, :p)"),
            {"i": one, "p": member},
        )
    _update(database, one, {"first_name": "MARTA"}, ruth, provider_id=member)
    assert _record(database, two)["first_name"] == "MARTA"
    assert _record(database, one)["first_name"] == "MARTHA"
    with pytest.raises(BadInput, match=f"record {stranger} does not belong to item {one}"):
        _update(database, one, {"first_name": "MARTA"}, ruth, provider_id=stranger)


def test_a_correction_needs_the_item_held_under_a_live_lease(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """Others, analysts, latecomers and free items are refused, and nothing is saved."""
    (free,) = make_items(database)
    with pytest.raises(HeldByAnother, match="held by ruth"):
        _update(database, held, PHONE, people["lea"])
    with pytest.raises(NotAllowed, match="role analyst"):
        _update(database, held, PHONE, people["ann"])
    with pytest.raises(IllegalTransition, match="claim it first"):
        _update(database, free, PHONE, people["ruth"])
    lapse(database, held)
    with pytest.raises(LeaseExpired, match="repeat the field-update"):
        _update(database, held, PHONE, people["ruth"])
    assert _overrides(database) == []


def test_a_retry_corrects_once_and_answers_the_same(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """The second answer has the same changes and state, and no second override is there."""
    request_id = uuid4()
    first = _update(database, held, PHONE, people["ruth"], request_id=request_id)
    assert _update(database, held, PHONE, people["ruth"], request_id=request_id) == first
    assert len(_overrides(database)) == 1


def test_the_holder_goes_on_acting_after_the_recheck(
    database: Database, people: dict[str, Actor], held: int
) -> None:
    """The system's cure in between does not make the next act the system's."""
    with database.transaction() as session:
        verbs.field_update(session, held, PHONE, actor=people["ruth"])
        verbs.resolve(session, held, actor=people["ruth"])
    acts = [(a["action_type"], a["username"]) for a in factories.actions(database, held)]
    assert acts[-2:] == [("cure", "system"), ("resolve", "ruth")]
