"""What becomes of an item when its finding stays, changes, goes or comes back."""

from __future__ import annotations

from datetime import date

from tests.detection.records import (
    acts,
    add,
    change,
    changed_by,
    clean,
    everything,
    hold,
    items,
    last_payload,
    members,
    npi,
    only,
    run,
)
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.verbs import reject, release, reopen, resolve, set_priority

People = dict[str, Actor]
PHONE = "PHONE_INVALID"


def _bad_phone(database: Database) -> int:
    (provider,) = add(database, clean(practice_phone="5551234"))
    run(database)
    return provider


def _rejected(database: Database, people: People, rule_id: str = PHONE) -> int:
    item = only(database, rule_id).id
    hold(database, item, people["ruth"])
    database.run(lambda session: reject(session, item, actor=people["ruth"], reason="it is so"))
    return item


def _resolved(database: Database, people: People, rule_id: str = PHONE) -> int:
    item = only(database, rule_id).id
    hold(database, item, people["ruth"])
    database.run(lambda session: resolve(session, item, actor=people["ruth"], note="done"))
    return item


def test_clean_records_raise_nothing(database: Database) -> None:
    """A record without a defect brings up no item."""
    add(database, clean(), clean())
    assert changed_by(run(database)) == {}


def test_finding_becomes_item(database: Database) -> None:
    """A finding becomes an OPEN item with evidence, priority and a `create` action."""
    provider = _bad_phone(database)
    item = only(database, PHONE)
    assert (item.status, item.priority, item.provider_id) == ("OPEN", 2, provider)
    assert item.evidence["values"] == {"practice_phone": "5551234"}
    assert acts(database, item.id) == ["create"]
    said = last_payload(database, item.id)
    assert said["rule"] == PHONE
    assert said["evidence"] == item.evidence
    assert {"rule_version", "run"} <= said.keys()


def test_second_run_writes_nothing(database: Database, people: People) -> None:
    """A second run without changes leaves every row of items, actions and members as it is."""
    same = npi(777)
    add(
        database,
        clean(practice_phone="5551234"),
        clean(last_update_date=date(2013, 1, 1)),
        clean(npi=same),
        clean(npi=same),
        clean(last_name=None),
        clean(first_name=None),
    )
    assert changed_by(run(database)) == {"new": 5}
    _rejected(database, people, "NAME_LAST_MISSING")
    _resolved(database, people, "NAME_FIRST_MISSING")
    hold(database, only(database, PHONE).id, people["rob"])
    before = everything(database)
    report = run(database)
    assert changed_by(report) == {}
    assert everything(database) == before
    assert len(before["work_items"]) == 5


def test_changed_evidence_refreshes(database: Database) -> None:
    """Another wrong value refreshes the item, and the action tells the old and the new one."""
    provider = _bad_phone(database)
    change(database, provider, practice_phone="12345")
    assert changed_by(run(database)) == {"refreshed": 1}
    item = only(database, PHONE)
    said = last_payload(database, item.id)
    assert said["was"]["values"] == {"practice_phone": "5551234"}
    assert said["is"] == item.evidence
    assert item.evidence["values"] == {"practice_phone": "12345"}
    assert acts(database, item.id) == ["create", "refresh"]
    assert item.version == 2


def test_cured_finding_closes(database: Database) -> None:
    """An OPEN item whose finding is gone is closed by the system, in words."""
    provider = _bad_phone(database)
    change(database, provider, practice_phone="2175232345")
    assert changed_by(run(database)) == {"closed": 1}
    item = only(database, PHONE)
    assert (item.status, item.cured, item.notes) == ("RESOLVED", True, "The problem is gone.")
    assert acts(database, item.id) == ["create", "close"]
    assert changed_by(run(database)) == {}


def test_system_revives_what_it_closed(database: Database) -> None:
    """A finding that comes back after the system closed its item opens the same item again."""
    provider = _bad_phone(database)
    change(database, provider, practice_phone="2175232345")
    run(database)
    change(database, provider, practice_phone="999")
    assert changed_by(run(database)) == {"reopened": 1}
    item = only(database, PHONE)
    assert (item.status, item.cured, item.notes) == ("OPEN", False, "")
    assert acts(database, item.id) == ["create", "close", "revive"]


def test_held_item_is_only_marked(database: Database, people: People) -> None:
    """An item that somebody holds is marked as cured, once, and stays with its holder."""
    provider = _bad_phone(database)
    item = only(database, PHONE).id
    hold(database, item, people["ruth"])
    change(database, provider, practice_phone="2175232345")
    assert changed_by(run(database)) == {"cured": 1}
    assert changed_by(run(database)) == {}
    seen = only(database, PHONE)
    assert (seen.status, seen.cured) == ("IN_PROGRESS", True)
    assert acts(database, item) == ["create", "claim", "cure"]


def test_cured_problem_recurs(database: Database, people: People) -> None:
    """A held item that was marked as cured is unmarked when the problem is back."""
    provider = _bad_phone(database)
    item = only(database, PHONE).id
    hold(database, item, people["ruth"])
    change(database, provider, practice_phone="2175232345")
    run(database)
    change(database, provider, practice_phone="5551234")
    assert changed_by(run(database)) == {"recurred": 1}
    seen = only(database, PHONE)
    assert (seen.status, seen.cured) == ("IN_PROGRESS", False)
    assert acts(database, item)[-1] == "recur"


def test_rejection_stands(database: Database, people: People) -> None:
    """What a person dismissed stays dismissed while the evidence is the same, gone or not."""
    provider = _bad_phone(database)
    _rejected(database, people)
    assert changed_by(run(database)) == {}
    change(database, provider, practice_phone="2175232345")
    assert changed_by(run(database)) == {}
    change(database, provider, practice_phone="5551234")
    assert changed_by(run(database)) == {}
    assert only(database, PHONE).status == "REJECTED"


def test_rejected_returns_on_new_evidence(database: Database, people: People) -> None:
    """Changed evidence brings a dismissed problem back as a new item that says what changed."""
    provider = _bad_phone(database)
    first = _rejected(database, people)
    change(database, provider, practice_phone="12345")
    assert changed_by(run(database)) == {"new": 1}
    old, new = items(database, PHONE)
    assert (old.id, old.status) == (first, "REJECTED")
    assert (new.status, new.generation) == ("OPEN", 2)
    assert new.evidence["previous_item"] == first
    assert new.evidence["changed"]["practice_phone"] == {"was": "5551234", "is": "12345"}
    assert changed_by(run(database)) == {}


def test_dismissed_evidence_stays_dismissed(database: Database, people: People) -> None:
    """When the evidence goes back to what was dismissed, the newer item closes again."""
    provider = _bad_phone(database)
    _rejected(database, people)
    change(database, provider, practice_phone="12345")
    run(database)
    change(database, provider, practice_phone="5551234")
    assert changed_by(run(database)) == {"closed": 1}
    assert [item.status for item in items(database, PHONE)] == ["REJECTED", "RESOLVED"]
    assert items(database, PHONE)[1].notes == "Dismissed before with the same evidence."
    assert changed_by(run(database)) == {}


def test_refresh_keeps_the_link(database: Database, people: People) -> None:
    """A later item keeps saying which item it follows when its evidence is refreshed."""
    provider = _bad_phone(database)
    first = _rejected(database, people)
    change(database, provider, practice_phone="12345")
    run(database)
    change(database, provider, practice_phone="1234")
    assert changed_by(run(database)) == {"refreshed": 1}
    new = items(database, PHONE)[1]
    assert new.evidence["previous_item"] == first
    assert new.evidence["values"] == {"practice_phone": "1234"}


def test_resolution_stands(database: Database, people: People) -> None:
    """A person's resolution stands although the finding is still there."""
    _bad_phone(database)
    _resolved(database, people)
    assert changed_by(run(database)) == {}
    assert only(database, PHONE).status == "RESOLVED"


def test_relapse_is_a_new_item(database: Database, people: People) -> None:
    """A resolved problem that was gone and is back is a new item; the old one stays closed."""
    provider = _bad_phone(database)
    first = _resolved(database, people)
    change(database, provider, practice_phone="2175232345")
    assert changed_by(run(database)) == {}
    seen = only(database, PHONE)
    assert (seen.status, seen.cured, seen.notes) == ("RESOLVED", True, "done")
    assert acts(database, first)[-1] == "resolve"
    change(database, provider, practice_phone="5551234")
    assert changed_by(run(database)) == {"new": 1}
    old, new = items(database, PHONE)
    assert (old.status, new.status, new.generation) == ("RESOLVED", "OPEN", 2)
    assert new.evidence["previous_item"] == first
    assert new.evidence["changed"] == {}
    assert "gone_since" in new.evidence
    assert changed_by(run(database)) == {}


def test_reopened_while_gone_stays_open(database: Database, people: People) -> None:
    """The system does not close again what a person reopened knowing the rule finds nothing."""
    provider = _bad_phone(database)
    change(database, provider, practice_phone="2175232345")
    run(database)
    item = only(database, PHONE).id
    database.run(lambda session: reopen(session, item, actor=people["lea"], reason="wrong number"))
    assert changed_by(run(database)) == {}
    assert only(database, PHONE).status == "OPEN"


def test_reopened_then_cured_closes(database: Database, people: People) -> None:
    """An item that was reopened while the problem stood closes once the problem is gone."""
    provider = _bad_phone(database)
    item = _resolved(database, people)
    database.run(lambda session: reopen(session, item, actor=people["lea"], reason="not done"))
    change(database, provider, practice_phone="2175232345")
    assert changed_by(run(database)) == {"closed": 1}


def test_deactivated_closes(database: Database) -> None:
    """Open items of a provider that was deactivated close with that reason."""
    provider = _bad_phone(database)
    change(database, provider, deactivation_date=date(2026, 1, 5))
    assert changed_by(run(database)) == {"closed": 1}
    item = only(database, PHONE)
    assert (item.status, item.notes) == ("RESOLVED", "The provider was deactivated.")
    assert last_payload(database, item.id)["note"] == "The provider was deactivated."
    change(database, provider, reactivation_date=date(2026, 2, 5))
    assert changed_by(run(database)) == {"reopened": 1}


def test_third_member_updates_group(database: Database) -> None:
    """A third record with the same NPI updates the item that the two have."""
    same = npi(501)
    first, second = add(database, clean(npi=same), clean(npi=same))
    run(database)
    item = only(database, "NPI_DUPLICATE")
    assert members(database, item.id) == {first: True, second: True}
    (third,) = add(database, clean(npi=same))
    assert changed_by(run(database)) == {"refreshed": 1}
    after = only(database, "NPI_DUPLICATE")
    assert after.id == item.id
    assert after.evidence["count"] == 3
    assert members(database, item.id) == {first: True, second: True, third: True}


def test_member_leaves_and_returns(database: Database) -> None:
    """A member that leaves keeps its row with a time; the lead moves on; it may rejoin."""
    same = npi(502)
    first, second, third = add(database, clean(npi=same), clean(npi=same), clean(npi=same))
    run(database)
    change(database, first, npi=npi(503))
    assert changed_by(run(database)) == {"refreshed": 1}
    item = only(database, "NPI_DUPLICATE")
    assert members(database, item.id) == {first: False, second: True, third: True}
    assert item.provider_id == second
    change(database, first, npi=same)
    assert changed_by(run(database)) == {"refreshed": 1}
    assert members(database, item.id) == {first: True, second: True, third: True}
    assert only(database, "NPI_DUPLICATE").provider_id == first


def test_shared_license_group(database: Database) -> None:
    """Two NPIs with one licence number are one item, which closes when one is corrected."""
    first, second = add(database, clean(license_number_1="A123"), clean(license_number_1="A123"))
    assert changed_by(run(database)) == {"new": 1}
    item = only(database, "LICENSE_SHARED")
    assert members(database, item.id) == {first: True, second: True}
    change(database, second, license_number_1="A124")
    assert changed_by(run(database)) == {"closed": 1}


def test_license_in_an_upper_slot(database: Database) -> None:
    """A licence in the ninth slot counts like one in the first."""
    add(
        database,
        clean(license_number_1="B77"),
        clean(taxonomy_code_9="207Q00000X", license_number_9="B77", license_state_9="IL"),
    )
    run(database)
    assert only(database, "LICENSE_SHARED").evidence["count"] == 2


def test_persons_priority_stands(database: Database, people: People) -> None:
    """A priority that a person set is left alone; one that the machine gave follows the rule."""
    ids = add(
        database,
        clean(last_update_date=date(2018, 1, 1)),
        clean(last_update_date=date(2018, 1, 1)),
    )
    run(database)
    mine, other = items(database, "RECORD_STALE")
    assert (mine.priority, other.priority) == (5, 5)
    database.run(lambda session: set_priority(session, mine.id, priority=1, actor=people["lea"]))
    for provider in ids:
        change(database, provider, last_update_date=date(2014, 1, 1))
    assert changed_by(run(database)) == {"refreshed": 2}
    assert [item.priority for item in items(database, "RECORD_STALE")] == [1, 4]
    before = everything(database)
    assert changed_by(run(database)) == {}
    assert everything(database) == before


def test_released_after_cure_closes(database: Database, people: People) -> None:
    """When the holder of a cured item lets it go, it ends closed, not open."""
    provider = _bad_phone(database)
    item = only(database, PHONE).id
    hold(database, item, people["ruth"])
    change(database, provider, practice_phone="2175232345")
    run(database)
    database.run(lambda session: release(session, item, actor=people["ruth"]))
    run(database)
    assert only(database, PHONE).status == "RESOLVED"


def test_unknown_field_raises_nothing(database: Database) -> None:
    """A field that no file has told of is unknown, not missing."""
    record = clean(practice_phone=None)
    known = frozenset(record) - {"practice_phone"}
    add(database, record, known=known)
    assert changed_by(run(database)) == {}
