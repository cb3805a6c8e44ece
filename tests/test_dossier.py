"""The dossier: everything about one item, with where each value comes from."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.factories import make_items
from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.dossier import Dossier, FieldValue, dossier, in_words
from workqueue.errors import NoSuchItem
from workqueue.inbox import MAX_ID

PHONE = "3085550142"


def read(database: Database, item_id: int) -> Dossier:
    with database.snapshot() as session:
        return dossier(session, item_id)


def value(found: Dossier, field: str) -> FieldValue:
    (one,) = [each for group in found.groups for each in group.fields if each.field == field]
    return one


def corrected(database: Database, actor: Actor) -> int:
    (item_id,) = make_items(database)
    with database.transaction() as session:
        verbs.claim(session, item_id, actor=actor, lease=timedelta(minutes=15))
    with database.transaction() as session:
        verbs.field_update(
            session,
            item_id,
            {"practice_phone": "(308) 555-0142"},
            actor=actor,
            verified_how="called the practice",
        )
    return item_id


def test_item_with_its_rule_in_words(database: Database) -> None:
    """The item tells its rule, exit condition, status, version and lead record."""
    (item_id,) = make_items(database)
    item = read(database, item_id).item
    assert (item.id, item.rule_id, item.status, item.version) == (
        item_id,
        "PHONE_MISSING",
        "OPEN",
        1,
    )
    assert item.exit_condition == "The practice has a phone."
    assert item.provider == "SANDERS, MARTHA, MD"
    assert "phone" in item.finding.lower()


def test_evidence_that_no_longer_holds_is_said_to(
    database: Database, people: dict[str, Actor]
) -> None:
    """Since when the problem is gone is told, also after a person opened the item again."""
    (item_id,) = make_items(database)
    assert read(database, item_id).item.gone_since is None
    ruth, lea = people["ruth"], people["lea"]
    lease = timedelta(minutes=15)
    database.run(lambda s: verbs.claim(s, item_id, actor=ruth, lease=lease))
    database.run(
        lambda s: verbs.field_update(s, item_id, {"practice_phone": "(308) 555-0142"}, actor=ruth)
    )
    cured = read(database, item_id).item
    assert cured.gone_since == cured.cured_at is not None
    database.run(lambda s: verbs.resolve(s, item_id, actor=ruth))
    database.run(lambda s: verbs.reopen(s, item_id, actor=lea, reason="not so sure"))
    reopened = read(database, item_id).item
    assert reopened.cured_at is None
    assert reopened.gone_since == cured.gone_since
    database.run(lambda s: verbs.claim(s, item_id, actor=ruth, lease=lease))
    database.run(lambda s: verbs.resolve(s, item_id, actor=ruth))
    database.run(lambda s: verbs.reopen(s, item_id, actor=lea, reason="once more"))
    assert read(database, item_id).item.gone_since == cured.gone_since


def test_values_say_where_they_come_from(database: Database) -> None:
    """A value has its label, source and time; the field that the item is about is marked."""
    (item_id,) = make_items(database)
    found = read(database, item_id)
    phone, city = value(found, "practice_phone"), value(found, "practice_city")
    assert (phone.value, phone.faulty, phone.known) == (None, True, True)
    assert (city.value, city.faulty, city.source, city.received) == (
        "KEARNEY",
        False,
        "TEST",
        None,
    )
    assert city.as_of.utcoffset() == timedelta(0)


def test_correction_shows_both_values(database: Database, people: dict[str, Actor]) -> None:
    """A corrected field shows the new value, who corrected it and how it was verified."""
    item_id = corrected(database, people["ruth"])
    found = read(database, item_id)
    phone = value(found, "practice_phone")
    assert (phone.value, phone.received, phone.corrected_by) == (PHONE, None, "ruth")
    assert (phone.verified_how, phone.contradicted) == ("called the practice", False)
    (correction,) = found.corrections
    assert (correction.field, correction.value, correction.by) == ("practice_phone", PHONE, "ruth")
    assert (correction.item_id, correction.withdrawn_at) == (item_id, None)


def test_source_that_changed_since_contradicts(
    database: Database, people: dict[str, Actor]
) -> None:
    """When the source later says something else than before, both values are there."""
    item_id = corrected(database, people["ruth"])
    with database.transaction() as session:
        session.execute(text("UPDATE provider_overrides SET current_source_value = '3085550199'"))
    phone = value(read(database, item_id), "practice_phone")
    assert (phone.value, phone.received, phone.contradicted) == (PHONE, "3085550199", True)


def test_raw_text_is_shown_where_it_was_normalised(database: Database) -> None:
    """What was received is told where normalising changed it."""
    (item_id,) = make_items(database)
    with database.transaction() as session:
        session.execute(
            text('UPDATE provider_sources SET as_received = \'{"practice_zip": "68847-2944.0"}\'')
        )
    zip_code = value(read(database, item_id), "practice_zip")
    assert (zip_code.value, zip_code.received) == ("688472944", "68847-2944.0")


def test_field_that_no_file_had_is_unknown(database: Database, owner_database: Database) -> None:
    """A field outside the record's set of columns is unknown, not missing."""
    (item_id,) = make_items(database)
    with owner_database.transaction() as session:
        session.execute(
            text("UPDATE column_sets SET fields = array_remove(fields, 'practice_fax')")
        )
    found = read(database, item_id)
    assert not value(found, "practice_fax").known
    assert value(found, "practice_phone").known


def test_empty_slots_are_left_out(database: Database) -> None:
    """Of the fifteen taxonomy slots, those that hold nothing are not listed, but for the first."""
    (item_id,) = make_items(database)
    fields = {one.field for group in read(database, item_id).groups for one in group.fields}
    assert {"taxonomy_code_1", "license_number_1", "practice_address_2"} <= fields
    assert "taxonomy_code_2" not in fields


def test_history_newest_first(database: Database, people: dict[str, Actor]) -> None:
    """The history tells each action with who, via, when and in words, newest first."""
    item_id = corrected(database, people["ruth"])
    history = read(database, item_id).history
    assert [entry.action for entry in history][-3:] == ["field-update", "claim", "create"]
    assert [entry.seq for entry in history] == list(range(len(history), 0, -1))
    update = history[-3]
    assert (update.who, update.via, len(update.hash)) == ("ruth", "cli:tester", 64)
    assert update.words == f"Phone: blank → {PHONE}; verified: called the practice"


def test_members_and_other_items(database: Database, superuser_database: Database) -> None:
    """A group item lists its members, those that left last; each lists the others' open items."""
    first, second = make_items(database, 2)
    lone = make_items(database, 1, rule_id="ZIP_INVALID", queue_type="VALIDATION_FLAG")[0]
    with superuser_database.transaction() as session:
        session.execute(text("UPDATE rules SET grouped = true WHERE id = 'PHONE_MISSING'"))
        session.execute(
            text(
                "INSERT INTO work_item_providers (work_item_id, provider_id, left_at) "
                "SELECT :item, provider_id, CASE WHEN id = :lone THEN now() END "
                "FROM work_items WHERE id IN (:second, :lone)"
            ),
            {"item": first, "second": second, "lone": lone},
        )
    found = read(database, first)
    assert [member.lead for member in found.members] == [True, False, False]
    assert [member.left_at is None for member in found.members] == [True, True, False]
    assert [other.id for other in read(database, second).other_items] == [first]
    assert read(database, lone).other_items == ()
    assert read(database, lone).members == ()


def test_as_dict_is_json(database: Database, people: dict[str, Actor]) -> None:
    """`as_dict` gives what JSON can hold, with times in UTC and a Z."""
    item_id = corrected(database, people["ruth"])
    told = json.loads(json.dumps(read(database, item_id).as_dict()))
    assert told["item"]["id"] == item_id
    assert told["item"]["created_at"].endswith("Z")
    assert {group["name"] for group in told["groups"]} >= {"Identity", "Practice"}


@pytest.mark.parametrize("item_id", [0, -1, 4711, MAX_ID, MAX_ID + 1, True, "1"])
def test_unknown_item_is_refused(database: Database, item_id: int) -> None:
    """An id that no item has, or that cannot be one, is refused in words."""
    with pytest.raises(NoSuchItem, match="there is no work item"):
        read(database, item_id)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"to": "OPEN"}, ""),
        ({"from": "OPEN", "to": "IN_PROGRESS", "lease_expires_at": "2026-01-01"}, ""),
        ({"old": 3, "new": 1}, "priority 3 → 1"),
        ({"assigned_to": "rob", "taken_from": "ruth"}, "to rob; taken from ruth"),
        ({"text": "called, no answer"}, "called, no answer"),
        ({"note": ""}, ""),
        ({"run": 4, "was": {"a": 1}, "is": {"a": 2}}, "the evidence changed"),
        (
            {"provider_id": 1, "npi": None, "of_provider_id": 2, "of_npi": "1", "note": "same"},
            "record 1 (NPI blank) is the same as record 2 (NPI 1); same",
        ),
        ({"later": "version"}, "later version"),
    ],
)
def test_payloads_in_words(payload: dict[str, object], words: str) -> None:
    """An action's payload reads as a line; what the name says already is not repeated."""
    assert in_words(payload) == words


def test_suggestion_is_shown_while_it_is_of_use(
    database: Database, superuser_database: Database, people: dict[str, Actor]
) -> None:
    """What would cure the record is told with its label until the item is closed."""
    (item_id,) = make_items(database)
    assert read(database, item_id).item.suggested == ()
    with superuser_database.transaction() as session:
        session.execute(
            text("UPDATE work_items SET evidence = CAST(:evidence AS jsonb) WHERE id = :id"),
            {"id": item_id, "evidence": json.dumps({"suggested": {"practice_phone": PHONE}})},
        )
    (offer,) = read(database, item_id).item.suggested
    assert (offer.field, offer.label, offer.value) == ("practice_phone", "practice phone", PHONE)
    database.run(
        lambda s: verbs.claim(s, item_id, actor=people["ruth"], lease=timedelta(minutes=15))
    )
    database.run(lambda s: verbs.resolve(s, item_id, actor=people["ruth"]))
    assert read(database, item_id).item.suggested == ()
