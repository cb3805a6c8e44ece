"""One run of detection: what it reports, records and refuses, and what a broken one leaves."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DataError

from tests.conftest import LOCAL
from tests.detection.records import (
    TODAY,
    add,
    changed_by,
    clean,
    everything,
    hold,
    items,
    npi,
    only,
    run,
)
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.detection import DetectionRunning, detect
from workqueue.detection import run as run_module
from workqueue.errors import DatabaseUnavailable, NotAllowed
from workqueue.models import DetectionRun, Rule
from workqueue.rules import RULES
from workqueue.verbs import field_update, judging

People = dict[str, Actor]


def _runs(database: Database) -> list[tuple[str, str]]:
    with database.transaction() as session:
        rows = session.execute(
            select(DetectionRun.status, DetectionRun.error).order_by(DetectionRun.id)
        )
        return [(row.status, row.error) for row in rows]


def test_report_counts_every_rule(database: Database) -> None:
    """The report counts OPEN items in all and for every rule, those without items too."""
    add(database, clean(practice_phone=None), clean(practice_phone=None, last_name=None))
    report = run(database)
    assert (report.new, report.open) == (3, 3)
    assert report.rules.keys() == {rule.id for rule in RULES}
    assert report.rules["PHONE_MISSING"] == 2
    assert report.rules["NPI_MISSING"] == 0
    assert sum(report.rules.values()) == report.open
    assert report.timings.keys() == {"fetch", "evaluate", "write"}


def test_report_counts_what_is_held(database: Database, people: People) -> None:
    """An item that somebody holds is no longer OPEN, but counted as in progress."""
    add(database, clean(practice_phone=None), clean(practice_phone=None))
    run(database)
    hold(database, items(database, "PHONE_MISSING")[0].id, people["ruth"])
    report = run(database)
    assert (report.open, report.in_progress) == (1, 1)
    assert (report.rules["PHONE_MISSING"], report.rules_in_progress["PHONE_MISSING"]) == (1, 1)


def test_empty_database(database: Database) -> None:
    """Detection on no records at all finds nothing and says so."""
    report = run(database)
    assert (report.new, report.open) == (0, 0)


def test_run_is_recorded(database: Database) -> None:
    """Each run is kept with its day, its actor, its counts and its end."""
    add(database, clean(practice_phone=None))
    run(database)
    with database.transaction() as session:
        kept = session.scalars(select(DetectionRun)).one()
        assert (kept.status, kept.as_of, kept.via) == ("DONE", TODAY, "cli:tester")
        assert kept.counts["new"] == 1
        assert kept.finished_at is not None


def test_progress_reaches_the_end(database: Database) -> None:
    """Whoever watches is told of each part of the work, up to the last."""
    told: list[tuple[str, int, int]] = []
    detect(
        database, actor=LOCAL, progress=lambda step, done, total: told.append((step, done, total))
    )
    assert told[-1][1] == told[-1][2]
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_clock_is_given(database: Database) -> None:
    """Rules about the clock go by the day that is asked for."""
    add(database, clean(last_update_date=date(2025, 1, 1), enumeration_date=date(2024, 1, 1)))
    assert changed_by(run(database, date(2026, 1, 1))) == {}
    assert changed_by(run(database, date(2031, 1, 1))) == {"new": 1}


def test_reviewer_may_not_detect(database: Database, people: People) -> None:
    """A role without the right to detect is refused and nothing is recorded."""
    with pytest.raises(NotAllowed, match="may not detect"):
        detect(database, actor=people["ruth"])
    assert _runs(database) == []


def test_second_run_at_once_is_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one run is under way another is refused in words, and works afterwards."""
    inside, go_on = threading.Event(), threading.Event()
    fetch = run_module.fetch

    def slow(url: str, *given: Any) -> object:
        inside.set()
        assert go_on.wait(30)
        return fetch(url, *given)

    monkeypatch.setattr(run_module, "fetch", slow)
    first = threading.Thread(target=run, args=(database,))
    first.start()
    try:
        assert inside.wait(30)
        with pytest.raises(DetectionRunning, match="already"):
            run(database)
    finally:
        go_on.set()
        first.join(30)
    assert _runs(database) == [("DONE", "")]
    run(database)
    assert _runs(database) == [("DONE", ""), ("DONE", "")]


@pytest.mark.parametrize("broken", ["create", "close", "refresh"])
def test_crash_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """A run that breaks off in the middle of writing leaves items and actions as they were."""
    ids = add(database, clean(practice_phone="1"), clean(last_name=None))
    run(database)
    with database.transaction() as session:
        session.execute(
            text("UPDATE individual_providers SET practice_phone = '2' WHERE id = :id"),
            {"id": ids[0]},
        )
        session.execute(
            text("UPDATE individual_providers SET last_name = 'MARLOWE' WHERE id = :id"),
            {"id": ids[1]},
        )
    add(database, clean(first_name=None))
    before = everything(database)
    with monkeypatch.context() as patched:
        if broken == "create":
            patched.setattr(judging, "CREATE", judging.CREATE + "; SELECT 1 / 0")
        else:
            patched.setitem(judging.ACTS, broken, judging.ACTS[broken] + "; SELECT 1 / 0")
        with pytest.raises(DataError, match="division by zero"):
            run(database)
    assert everything(database) == before
    status, error = _runs(database)[-1]
    assert status == "FAILED"
    assert error
    assert changed_by(run(database)) == {"new": 1, "refreshed": 1, "closed": 1}


def test_dead_run_is_marked(database: Database) -> None:
    """A run whose process died is recorded as failed by the next one."""
    run(database)
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO detection_runs (as_of, user_id, via) "
                "SELECT as_of, user_id, via FROM detection_runs"
            )
        )
    run(database)
    assert [status for status, _ in _runs(database)] == ["DONE", "FAILED", "DONE"]


def test_expired_leases_are_swept_first(
    database: Database, superuser_database: Database, people: People
) -> None:
    """A cured item whose holder's lease has ended is set free and closed by the run."""
    (provider,) = add(database, clean(practice_phone="1"))
    run(database)
    item = only(database, "PHONE_INVALID").id
    hold(database, item, people["ruth"])
    with superuser_database.transaction() as session:
        session.execute(
            text("UPDATE work_items SET lease_expires_at = now() - interval '1 minute'")
        )
        session.execute(
            text("UPDATE individual_providers SET practice_phone = '2175232345' WHERE id = :id"),
            {"id": provider},
        )
    report = run(database)
    assert report.sweeps == 1
    assert only(database, "PHONE_INVALID").status == "RESOLVED"


def test_edit_during_a_run_wins(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a correction cured while a run was reading is not brought back by that run."""
    add(database, clean(practice_phone="1"), clean(last_name=None))
    run(database)
    item = only(database, "PHONE_INVALID").id
    hold(database, item, people["ruth"])
    fetch = run_module.fetch

    def then_edit(url: str, *given: Any) -> object:
        snapshot = fetch(url, *given)
        database.run(
            lambda session: field_update(
                session, item, {"practice_phone": "2175232345"}, actor=people["ruth"]
            )
        )
        return snapshot

    with monkeypatch.context() as patched:
        patched.setattr(run_module, "fetch", then_edit)
        assert changed_by(run(database)) == {}
    assert only(database, "PHONE_INVALID").cured
    assert changed_by(run(database)) == {}


def test_claim_during_a_run_is_respected(
    database: Database, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item that is claimed while a run is reading is marked as cured, not closed."""
    (provider,) = add(database, clean(practice_phone="1"))
    run(database)
    item = only(database, "PHONE_INVALID").id
    with database.transaction() as session:
        session.execute(
            text("UPDATE individual_providers SET practice_phone = '2175232345' WHERE id = :id"),
            {"id": provider},
        )
    fetch = run_module.fetch

    def then_claim(url: str, *given: Any) -> object:
        snapshot = fetch(url, *given)
        hold(database, item, people["ruth"])
        return snapshot

    monkeypatch.setattr(run_module, "fetch", then_claim)
    assert changed_by(run(database)) == {"cured": 1}
    assert only(database, "PHONE_INVALID").status == "IN_PROGRESS"


def test_rules_are_listed(database: Database) -> None:
    """A run lists the catalogue; an id that is not in it any more stays listed, as retired."""
    run(database)
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO rules (id, version, queue_type, priority, attribute, grouped, title, "
                "exit_condition, source) SELECT 'OLD_RULE', 1, queue_type, priority, attribute, "
                "grouped, title, exit_condition, source FROM rules WHERE id = 'PHONE_INVALID'"
            )
        )
    run(database)
    with database.transaction() as session:
        rows = session.execute(select(Rule.id, Rule.retired_at.is_not(None).label("retired")))
        retired = {row.id: row.retired for row in rows}
    assert retired == {**{rule.id: False for rule in RULES}, "OLD_RULE": True}


def test_items_of_a_retired_rule_close(database: Database) -> None:
    """The OPEN items of a rule that was given up close with that reason."""
    (provider,) = add(database, clean(practice_phone="1"))
    run(database)
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO rules (id, version, queue_type, priority, attribute, grouped, title, "
                "exit_condition, source) SELECT 'OLD_RULE', 1, queue_type, priority, attribute, "
                "grouped, title, exit_condition, source FROM rules WHERE id = 'PHONE_INVALID'"
            )
        )
        session.execute(
            text(
                "INSERT INTO work_items (provider_id, queue_type, rule_id, fingerprint, "
                "evidence_hash) VALUES (:provider, 'MISSING_DATA', 'OLD_RULE', 'OLD_RULE:1', "
                "gen_random_uuid())"
            ),
            {"provider": provider},
        )
        session.execute(
            text(
                "SELECT set_config('app.actor', (SELECT id::text FROM \"user\" "
                "WHERE kind = 'system'), true)"
            )
        )
        session.execute(
            text(
                "INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type) "
                "SELECT i.id, 1, u.id, 'system', 'create' FROM work_items i, \"user\" u "
                "WHERE i.rule_id = 'OLD_RULE' AND u.kind = 'system'"
            )
        )
    assert changed_by(run(database)) == {"closed": 1}
    assert only(database, "OLD_RULE").notes == "The rule was retired."


def test_operators_list_counts(database: Database) -> None:
    """With the operator's list loaded, only the specialties that it names need a licence."""
    add(
        database,
        clean(license_number_1=None, license_state_1=None),
        clean(license_number_1=None, license_state_1=None, taxonomy_code_1="174H00000X"),
    )
    run(database)
    assert [item.id for item in items(database, "LICENSE_MISSING")] != []
    first = only(database, "LICENSE_MISSING").provider_id
    with database.transaction() as session:
        session.execute(
            text(
                "WITH list AS (INSERT INTO reference_lists (name, file_name, row_count, user_id) "
                "SELECT 'licence-required', 'list.csv', 1, min(id) FROM \"user\" RETURNING id) "
                "INSERT INTO reference_entries SELECT id, '174H00000X', '{\"required\": true}' "
                "FROM list"
            )
        )
    assert changed_by(run(database)) == {"new": 1, "closed": 1}
    old, new = items(database, "LICENSE_MISSING")
    assert (old.provider_id, old.status) == (first, "RESOLVED")
    assert new.status == "OPEN"


def test_item_versions_end_the_chain(database: Database) -> None:
    """After runs of every kind an item's version is the number of its newest action."""
    same = npi(900)
    ids = add(database, clean(npi=same), clean(npi=same), clean(practice_phone="1"))
    run(database)
    for phone in ("2", "2175232345", "3"):
        with database.transaction() as session:
            session.execute(
                text("UPDATE individual_providers SET practice_phone = :phone WHERE id = :id"),
                {"phone": phone, "id": ids[2]},
            )
        run(database)
    with database.transaction() as session:
        broken = session.execute(
            text(
                "SELECT i.id FROM work_items i JOIN work_actions a ON a.work_item_id = i.id "
                "GROUP BY i.id HAVING i.version <> max(a.seq) OR count(*) <> max(a.seq)"
            )
        ).all()
        assert broken == []
        assert session.scalar(text("SELECT max(version) FROM work_items")) == 4


def test_unreadable_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the records cannot be read the run is refused in words and recorded as failed."""
    fetch = run_module.fetch
    monkeypatch.setattr(
        run_module, "fetch", lambda url, *given: fetch(url.replace("/wq_", "/nowhere_"), *given)
    )
    with pytest.raises(DatabaseUnavailable, match="could not be read"):
        run(database)
    assert [status for status, _ in _runs(database)] == ["FAILED"]
