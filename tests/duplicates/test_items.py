"""Items about duplicates: one per group, whoever joins or leaves, and silent once decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.conftest import LOCAL
from tests.detection.records import (
    TODAY,
    acts,
    add,
    change,
    changed_by,
    everything,
    hold,
    items,
    members,
    npi,
    only,
)
from tests.duplicates.people import again, fingerprint, found, person, search
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.detection import detect
from workqueue.detection import duplicates as part
from workqueue.verbs import claim, field_update, reject

People = dict[str, Actor]


def _dismiss(database: Database, item_id: int, who: Actor) -> None:
    hold(database, item_id, who)
    database.run(lambda session: reject(session, item_id, actor=who, reason="Father and son"))


def test_one_item_per_group(database: Database) -> None:
    """Three records of one person are one item, whose evidence has members, pairs and weights."""
    ids = add(database, *(person(n) for n in range(6)), again(2), again(2, first_name="XIOMARRA"))
    search(database)
    (item,) = found(database)
    assert item.priority == 1
    assert members(database, item.id) == {ids[2]: True, ids[6]: True, ids[7]: True}
    assert [one["id"] for one in item.evidence["members"]] == [ids[2], ids[6], ids[7]]
    pairs = item.evidence["pairs"]
    assert {(pair["a"], pair["b"]) for pair in pairs} == {
        (ids[2], ids[6]),
        (ids[2], ids[7]),
        (ids[6], ids[7]),
    }
    for pair in pairs:
        told = pair["start"] + sum(one["weight"] for one in pair["parts"])
        assert round(told, 1) == pair["weight"]
    labels = {one["attribute"]: one["says"] for one in pairs[0]["parts"]}
    assert labels["Last name"] == "the same"
    assert labels["Licence"] == "the same number"


def test_second_run_changes_nothing(database: Database) -> None:
    """The same records give the same items to the last row, by the same model."""
    add(database, *(person(n) for n in range(6)), again(2))
    search(database)
    before = everything(database)
    assert changed_by(search(database)) == {}
    assert everything(database) == before


def test_third_member_joins_the_same_item(database: Database) -> None:
    """Another record of the person joins the item that there is, even before its first member."""
    late = person(2)
    ids = add(database, *(person(n) for n in range(6) if n != 2), late, again(2))
    search(database)
    (item,) = found(database)
    name = fingerprint(database, item.id)
    (third,) = add(database, again(2, practice_phone="5038823146"))
    assert changed_by(search(database)) == {"refreshed": 1}
    (same,) = found(database)
    assert (same.id, fingerprint(database, same.id)) == (item.id, name)
    assert members(database, item.id) == {ids[5]: True, ids[6]: True, third: True}


def test_member_leaves_the_same_item(database: Database) -> None:
    """Where one of three is deactivated, the item goes on about the two others."""
    ids = add(database, *(person(n) for n in range(6)), again(2), again(2))
    search(database)
    (item,) = found(database)
    change(database, ids[2], deactivation_date=TODAY - timedelta(days=9))
    assert changed_by(search(database)) == {"refreshed": 1}
    (same,) = found(database)
    assert same.id == item.id
    assert members(database, item.id) == {ids[2]: False, ids[6]: True, ids[7]: True}


def test_rejected_group_stays_silent(database: Database, people: People) -> None:
    """What a person called no duplicate is not raised again, run after run."""
    add(database, *(person(n) for n in range(6)), again(2))
    search(database)
    _dismiss(database, found(database)[0].id, people["ruth"])
    assert changed_by(search(database)) == {}
    assert [item.status for item in found(database)] == ["REJECTED"]


def test_new_frequencies_do_not_reverse_a_rejection(database: Database, people: People) -> None:
    """Weights of a new model are no new evidence: only compared values and members are."""
    add(database, *(person(n) for n in range(6)), again(2))
    search(database)
    _dismiss(database, found(database)[0].id, people["ruth"])
    with database.transaction() as session:
        session.execute(text("UPDATE duplicate_models SET made_at = now() - interval '1 year'"))
    add(database, *(person(n) for n in range(6, 12)))
    assert changed_by(search(database)) == {}
    assert [item.status for item in found(database)] == ["REJECTED"]


def test_changed_value_brings_a_rejected_group_back(database: Database, people: People) -> None:
    """When a compared value of a member changes, the group comes back, linked to the decision."""
    ids = add(database, *(person(n) for n in range(6)), again(2))
    search(database)
    (first,) = found(database)
    _dismiss(database, first.id, people["ruth"])
    change(database, ids[6], mailing_state="TX", last_update_date=TODAY)
    assert changed_by(search(database)) == {}
    change(database, ids[6], middle_name="SOLANGE")
    assert changed_by(search(database)) == {"new": 1}
    old, new = found(database)
    assert (old.status, new.status, new.generation) == ("REJECTED", "OPEN", 2)
    assert new.evidence["previous_item"] == first.id


def test_new_member_brings_a_rejected_group_back(database: Database, people: People) -> None:
    """When somebody joins a group that was dismissed, it is a new question."""
    add(database, *(person(n) for n in range(6)), again(2))
    search(database)
    _dismiss(database, found(database)[0].id, people["ruth"])
    add(database, again(2, practice_phone="5038823146"))
    assert changed_by(search(database)) == {"new": 1}
    assert [item.status for item in found(database)] == ["REJECTED", "OPEN"]


def test_part_of_a_rejected_group_stays_silent(database: Database, people: People) -> None:
    """Of three who are no duplicates, two are none either."""
    ids = add(database, *(person(n) for n in range(6)), again(2), again(2))
    search(database)
    _dismiss(database, found(database)[0].id, people["ruth"])
    change(database, ids[6], deactivation_date=TODAY - timedelta(days=9))
    assert changed_by(search(database)) == {}
    assert [item.status for item in found(database)] == ["REJECTED"]


def test_cured_when_a_member_is_corrected_away(database: Database, people: People) -> None:
    """A correction that gives the record its true values closes the item with the next run."""
    ids = add(database, *(person(n) for n in range(6)), again(2))
    search(database)
    (item,) = found(database)
    true = person(9)
    fields = (
        *("last_name", "first_name", "middle_name", "practice_address_1", "practice_state"),
        *("practice_zip", "practice_phone", "taxonomy_code_1", "license_number_1"),
        *("license_state_1", "practice_city", "mailing_state", "credential"),
    )
    change(database, ids[6], **{name: true[name] for name in fields})
    assert changed_by(search(database)) == {"closed": 1}
    assert only(database, "DUPLICATE_LIKELY").status == "RESOLVED"
    assert acts(database, item.id) == ["create", "close"]


def test_edit_of_a_member_leaves_the_item_to_detection(database: Database, people: People) -> None:
    """The re-check after an edit cannot compare with everybody: it neither closes nor refreshes."""
    ids = add(database, *(person(n) for n in range(6)), again(2, practice_city=None))
    search(database)
    (item,) = found(database)
    ruth = people["ruth"]
    held = database.run(
        lambda session: claim(session, item.id, actor=ruth, lease=timedelta(minutes=15))
    )
    database.run(
        lambda session: field_update(
            session,
            item.id,
            {"middle_name": "SOLANGE"},
            actor=ruth,
            provider_id=ids[6],
            verified_how="Called",
            expected_version=held.version,
        )
    )
    assert acts(database, item.id) == ["create", "claim", "field-update"]
    search(database)
    assert acts(database, item.id) == ["create", "claim", "field-update", "refresh"]


@pytest.mark.parametrize("other", ["NPPES", "clinic"])
def test_one_npi_is_one_person(database: Database, other: str) -> None:
    """Records with one NPI are no duplicates here, be it in one source or in two."""
    add(database, *(person(n) for n in range(6)))
    add(database, person(2, npi=npi(900)))
    add(database, person(2, npi=npi(900)), source=other)
    ids = [item.evidence["count"] for item in found(database)]
    assert ids == []
    search(database)
    for item in found(database):
        for pair in item.evidence["pairs"]:
            values = {one["id"]: one["npi"] for one in item.evidence["members"]}
            assert values[pair["a"]] != values[pair["b"]]


def test_missing_npi_in_another_source(database: Database) -> None:
    """A record of an own directory without NPI is found to be somebody of NPPES."""
    first = add(database, *(person(n) for n in range(6)))
    (own,) = add(database, person(3, npi=None, first_name="OZZIE"), source="clinic")
    search(database)
    (item,) = found(database)
    assert members(database, item.id) == {first[3]: True, own: True}


def test_deactivated_records_take_no_part(database: Database) -> None:
    """A record whose NPI is deactivated is nobody's duplicate, and is again when reactivated."""
    day = TODAY - timedelta(days=30)
    ids = add(database, *(person(n) for n in range(6)), again(2, deactivation_date=day))
    search(database)
    assert found(database) == []
    change(database, ids[6], reactivation_date=day + timedelta(days=3))
    search(database)
    assert len(found(database)) == 1


def test_without_duplicates_items_stay_as_they_are(database: Database) -> None:
    """A run that leaves the comparison out neither closes nor refreshes what it had found."""
    ids = add(database, *(person(n) for n in range(6)), again(2))
    search(database)
    change(database, ids[6], deactivation_date=TODAY - timedelta(days=9))
    report = detect(database, actor=LOCAL, as_of=TODAY, duplicates=False)
    assert changed_by(report) == {}
    assert "duplicates" not in report.timings
    assert [item.status for item in found(database)] == ["OPEN"]


def test_failing_comparison_does_not_stop_the_rules(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What breaks the comparison is named in the report; the rules go on, its items stay."""
    ids = add(database, *(person(n) for n in range(6)), again(2))
    search(database)
    change(database, ids[6], practice_phone="123")

    def broken(*_: object, **__: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(part, "find_duplicates", broken)
    report = detect(database, actor=LOCAL, as_of=TODAY)
    assert set(report.failed) == {"DUPLICATE_LIKELY", "DUPLICATE_POSSIBLE"}
    assert "no room" in report.failed["DUPLICATE_LIKELY"]
    assert [item.provider_id for item in items(database, "PHONE_INVALID")] == [ids[6]]
    assert [item.status for item in found(database)] == ["OPEN"]


def test_looking_at_changes_comes_to_what_a_full_run_does(database: Database) -> None:
    """Whatever joins, leaves or is deactivated: a full run finds nothing to do afterwards."""
    ids = add(database, *(person(n) for n in range(8)), again(2), again(3))
    search(database)
    assert len(found(database)) == 2
    add(database, again(2, practice_phone="5038823146"), again(5))
    change(database, ids[9], deactivation_date=TODAY - timedelta(days=9))
    change(database, ids[4], last_name="DRINKWATER", first_name="OSWALD")
    report = search(database)
    assert not report.full
    assert changed_by(report)["new"] == 1
    after = everything(database)
    again_in_full = detect(database, actor=LOCAL, as_of=TODAY, full=True)
    assert changed_by(again_in_full) == {}
    assert everything(database) == after
    assert changed_by(search(database)) == {}
