"""Own rules in detection: items, versions, failures, retirement, re-check, and trying one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from tests.conftest import LOCAL
from tests.detection.records import (
    TODAY,
    acts,
    add,
    change,
    changed_by,
    clean,
    hold,
    items,
    last_payload,
    only,
)
from tests.own.files import script, settings, toml, write
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.detection import (
    DetectReport,
    detect,
    own_rules,
    rules_listed,
    try_rule,
)
from workqueue.dossier import Item, dossier
from workqueue.errors import BadInput, NoSuchRule, NotAllowed
from workqueue.inbox import choices
from workqueue.models import DetectionRunRule, Rule
from workqueue.verbs import field_update, resolve

People = dict[str, Actor]
FAX = "OWN_FAX_MISSING"


def _run(database: Database, folder: Path | None, seconds: int = 60) -> DetectReport:
    return detect(database, actor=LOCAL, as_of=TODAY, settings=settings(folder, seconds))


def _rows(database: Database) -> dict[str, tuple[str, int, int, int, str]]:
    """The newest run's line of each rule: status, found, new, closed, error."""
    with database.transaction() as session:
        rows = session.scalars(select(DetectionRunRule).order_by(DetectionRunRule.run_id)).all()
        return {
            row.rule_id: (row.status, row.found, row.new, row.closed, row.error)
            for row in rows
            if row.run_id == rows[-1].run_id
        }


def _listed(database: Database, folder: Path | None = None) -> dict[str, Any]:
    mine = own_rules(database, settings(folder)) if folder else None
    with database.snapshot() as session:
        return {rule.id: rule for rule in rules_listed(session, mine)}


def _told(database: Database, item_id: int) -> Item:
    """The item as a reviewer sees it; records of these tests get a source row for that."""
    with database.transaction() as session:
        session.execute(
            text(
                "WITH run AS (INSERT INTO intake_runs (source_id, kind, file_name, file_size, "
                "file_digest, user_id, via) SELECT min(s.id), 'providers', 'x', 1, 'x', "
                "min(u.id), 'x' FROM sources s, \"user\" u RETURNING id) "
                "INSERT INTO provider_sources (provider_id, run_id, line, source_id, "
                "column_set_id, occurrence, source_key, row_hash) SELECT p.id, run.id, 2, "
                "p.source_id, p.column_set_id, 1, p.id::text, gen_random_uuid() "
                "FROM individual_providers p, run ON CONFLICT DO NOTHING"
            )
        )
    with database.snapshot() as session:
        return dossier(session, item_id).item


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "rules", fax=toml())


def test_an_own_rule_raises_items(database: Database, folder: Path) -> None:
    """Its items have its words, queue and version, are listed and filtered as any other."""
    add(database, clean(practice_fax=None), clean(practice_fax="2175232346"))
    report = _run(database, folder)
    assert report.rules[FAX] == 1
    assert report.failed == {}
    item = only(database, FAX)
    assert item.priority == 4
    told = _told(database, item.id)
    with database.snapshot() as session:
        assert told.finding == "The practice has a phone, 2175232345, and no fax"
        assert (told.title, told.queue_type) == ("Fax number is missing", "MISSING_DATA")
        assert FAX in {rule.id for rule in choices(session).rules}
        version = session.scalar(select(Rule.version).where(Rule.id == FAX))
    assert last_payload(database, item.id)["rule_version"] == version
    assert _rows(database)[FAX] == ("DONE", 1, 1, 0, "")
    assert changed_by(_run(database, folder)) == {}


def test_a_changed_expression_is_a_new_version(database: Database, folder: Path) -> None:
    """Other words reopen nothing; another expression has another version and other items."""
    (provider,) = add(database, clean(practice_fax=None))
    _run(database, folder)
    with database.snapshot() as session:
        first = session.scalar(select(Rule.version).where(Rule.id == FAX))
    write(folder, fax=toml(title="No fax", says="No fax: {values}"))
    assert changed_by(_run(database, folder)) == {}
    item = only(database, FAX)
    with database.snapshot() as session:
        assert session.scalar(select(Rule.version).where(Rule.id == FAX)) == first
        assert "No fax: practice fax (blank)" in _told(database, item.id).finding
    write(folder, fax=toml(expression="practice_fax IS NULL AND practice_phone = '1'"))
    assert changed_by(_run(database, folder)) == {"closed": 1}
    with database.snapshot() as session:
        assert session.scalar(select(Rule.version).where(Rule.id == FAX)) != first
    assert only(database, FAX).provider_id == provider


def test_a_removed_file_retires_its_rule(database: Database, folder: Path) -> None:
    """Items of a rule whose file is gone close with that reason; back, they are reopened."""
    add(database, clean(practice_fax=None))
    _run(database, folder)
    (folder / "fax.toml").unlink()
    assert changed_by(_run(database, folder)) == {"closed": 1}
    item = only(database, FAX)
    assert (item.status, item.notes) == ("RESOLVED", "The rule was retired.")
    assert FAX not in _listed(database)
    assert "The practice has a phone" in _told(database, item.id).finding
    write(folder, fax=toml())
    assert changed_by(_run(database, folder)) == {"reopened": 1}


@pytest.mark.parametrize("how", ["broken", "unset", "no folder"])
def test_items_of_a_rule_that_cannot_be_read_are_left(
    database: Database, folder: Path, how: str
) -> None:
    """A broken file, or a process that was not told of the folder, closes nothing."""
    (provider,) = add(database, clean(practice_fax=None, practice_phone="1"))
    _run(database, folder)
    change(database, provider, practice_fax="2175232346", practice_phone="2175232345")
    where: Path | None = folder
    if how == "broken":
        write(folder, fax="id = ")
    else:
        where = None if how == "unset" else folder / "nowhere"
    report = _run(database, where)
    assert changed_by(report) == {"closed": 1}
    assert only(database, "PHONE_INVALID").status == "RESOLVED"
    assert only(database, FAX).status == "OPEN"
    told = report.off if how == "unset" else report.failed
    reason = {"broken": "this is not TOML", "unset": "is not set", "no folder": "cannot be read"}
    assert reason[how] in told[FAX]
    assert _rows(database)[FAX][0] == ("OFF" if how == "unset" else "FAILED")
    assert changed_by(_run(database, write(folder, fax=toml()))) == {"closed": 1}


def test_bad_files_stop_no_other(database: Database, folder: Path) -> None:
    """A syntax error, an unknown column and a division by zero are named; the rest is found."""
    add(database, clean(practice_fax=None, practice_phone="1"))
    write(
        folder,
        syntax="id = ",
        column=toml(id="OWN_COLUMN", expression="practice_fx IS NULL", says="x"),
        zero=toml(id="OWN_ZERO", expression="length(npi) // 0 > 1", says="x"),
        late=toml(id="OWN_LATE", expression="CAST(first_name AS BIGINT) > 1", says="x"),
    )
    report = _run(database, folder)
    assert {name: report.rules[name] for name in (FAX, "PHONE_INVALID", "OWN_LATE")} == {
        FAX: 1,
        "PHONE_INVALID": 1,
        "OWN_LATE": 0,
    }
    assert report.failed["syntax.toml"].startswith("syntax.toml: this is not TOML")
    assert "there is no field practice_fx; near are practice_fax" in report.failed["column.toml"]
    assert "0 may be 0" in report.failed["zero.toml"]
    assert "a cast failed: could not convert string 'PHIL" in report.failed["OWN_LATE"]
    assert {name for name, row in _rows(database).items() if row[0] == "FAILED"} == {
        "syntax.toml",
        "column.toml",
        "zero.toml",
        "OWN_LATE",
    }
    assert "a cast failed" in _listed(database)["OWN_LATE"].last_error


def test_items_of_a_failing_rule_are_left(database: Database, folder: Path) -> None:
    """A rule that found something and fails later neither closes nor changes its items."""
    short = toml(
        id="OWN_LICENCE",
        expression="CAST(license_number_1 AS BIGINT) < 1000",
        says="{license_number_1}",
    )
    write(folder, licence=short)
    (first,) = add(database, clean(license_number_1="12"))
    _run(database, folder)
    change(database, first, license_number_1="X9", practice_phone="1")
    report = _run(database, folder)
    assert report.failed.keys() == {"OWN_LICENCE"}
    assert only(database, "PHONE_INVALID").status == "OPEN"
    item = only(database, "OWN_LICENCE")
    assert (item.status, item.evidence["values"]) == ("OPEN", {"license_number_1": "12"})
    change(database, first, license_number_1="5000")
    _run(database, folder)
    assert only(database, "OWN_LICENCE").status == "RESOLVED"


def test_a_script_raises_items(database: Database, folder: Path) -> None:
    """A validation script's findings are items; where it fails they are left alone."""
    write(folder, low=script())
    ids = add(database, clean(practice_zip="10001"), clean(), clean(practice_zip="20002 "))
    gone = clean(practice_zip="10002", deactivation_date=TODAY)
    add(database, gone)
    report = _run(database, folder)
    assert report.rules["OWN_ZIP_LOW"] == 2
    assert _rows(database)["OWN_ZIP_LOW"][:3] == ("DONE", 2, 2)
    first, second = sorted(items(database, "OWN_ZIP_LOW"), key=lambda one: one.provider_id)
    assert (first.provider_id, second.evidence["values"]) == (ids[0], {"practice_zip": "20002"})
    assert _told(database, first.id).finding == "ZIP 10001 is low"
    change(database, ids[0], practice_zip="62701")
    write(folder, low=script("    raise ValueError('no')\n    yield\n"))
    report = _run(database, folder)
    assert report.failed["OWN_ZIP_LOW"] == "raised ValueError: no (low.py line 12)."
    assert [item.status for item in items(database, "OWN_ZIP_LOW")] == ["OPEN", "OPEN"]
    assert changed_by(_run(database, write(folder, low=script())))["closed"] == 1


def test_an_endless_script_is_named(database: Database, folder: Path) -> None:
    """A script beyond the limit of time fails; the rules beside it are answered."""
    write(folder, low=script("    while True:\n        pass\n"))
    add(database, clean(practice_fax=None))
    report = _run(database, folder, seconds=3)
    assert report.failed == {"OWN_ZIP_LOW": "took longer than 3 s and was stopped."}
    assert report.rules[FAX] == 1


def test_an_edit_asks_own_rules(database: Database, folder: Path, people: People) -> None:
    """A correction cures an item of an own rule at once, and brings up another."""
    add(database, clean(practice_fax=None))
    write(folder, same=toml(id="OWN_SAME", expression="practice_fax = practice_phone", says="x"))
    _run(database, folder)
    item = only(database, FAX)
    hold(database, item.id, people["ruth"])
    with database.transaction() as session:
        done = field_update(session, item.id, {"practice_fax": "2175232345"}, actor=people["ruth"])
    assert done.cured
    assert only(database, "OWN_SAME").id in done.opened


def test_an_edit_leaves_what_it_cannot_ask(
    database: Database, folder: Path, people: People
) -> None:
    """Items of scripts, and of an own rule that fails on the new value, survive an edit."""
    write(
        folder,
        low=script(),
        licence=toml(
            id="OWN_LICENCE",
            expression="CAST(license_number_1 AS BIGINT) < 1000",
            says="{license_number_1}",
        ),
    )
    add(database, clean(practice_zip="10001", license_number_1="12", practice_fax="2175232346"))
    _run(database, folder)
    item = only(database, "OWN_LICENCE")
    hold(database, item.id, people["ruth"])
    with database.transaction() as session:
        changes = {"practice_zip": "62701", "license_number_1": "X9"}
        done = field_update(session, item.id, changes, actor=people["ruth"])
    assert not done.cured
    assert only(database, "OWN_ZIP_LOW").status == "OPEN"
    assert acts(database, only(database, "OWN_ZIP_LOW").id) == ["create"]
    _run(database, folder)
    assert only(database, "OWN_ZIP_LOW").status == "RESOLVED"


def test_rules_are_listed(database: Database, folder: Path) -> None:
    """Built-in and own rules with their open items; before and after the first run."""
    add(database, clean(practice_fax=None), clean(practice_phone="1", practice_fax="2175232346"))
    before = _listed(database, folder)
    assert (before[FAX].own, before[FAX].open, before["PHONE_INVALID"].own) == (True, 0, False)
    assert FAX not in _listed(database)
    _run(database, folder)
    after = _listed(database)
    assert (after[FAX].open, after[FAX].in_progress, after[FAX].last_error) == (1, 0, None)
    assert after["PHONE_INVALID"].open == 1
    assert after[FAX].off_because is None
    write(folder, fax="id = ")
    assert "this is not TOML" in _listed(database, folder)[FAX].off_because
    listed = [rule for rule in after.values() if rule.needs == "taxonomy"]
    assert listed
    assert all("needs the list taxonomy" in rule.off_because for rule in listed)


def test_trying_a_rule_writes_nothing(database: Database, folder: Path, people: People) -> None:
    """Findings and would-be items are counted, ten examples told; the tables stay as they were."""
    add(database, *(clean(practice_phone="1", practice_fax=None) for _ in range(12)))

    def rows() -> list[Any]:
        with database.snapshot() as session:
            tables = ("work_items", "work_actions", "rules", "detection_runs")
            return [session.scalar(text(f"SELECT count(*) FROM {each}")) for each in tables]

    mine = own_rules(database, settings(folder))
    start = rows()
    trial = try_rule(database, FAX, actor=people["max"], mine=mine)
    assert (trial.count, trial.new, len(trial.examples)) == (12, 12, 10)
    assert trial.examples[0].words == "The practice has a phone, 1, and no fax"
    assert trial.examples[0].provider == "MARLOWE, PHILIPPA"
    assert try_rule(database, "PHONE_INVALID", actor=people["max"], examples=2).count == 12
    assert rows() == start
    _run(database, folder)
    again = try_rule(database, FAX, actor=people["max"])
    assert (again.count, again.new) == (12, 0)
    with database.transaction() as session:
        resolve(session, _held(database, people), actor=people["ruth"], note="seen to")
    assert try_rule(database, FAX, actor=people["max"]).new == 0


def _held(database: Database, people: People) -> int:
    item = items(database, FAX)[0].id
    hold(database, item, people["ruth"])
    return item


def test_trying_groups_and_scripts(database: Database, folder: Path, people: People) -> None:
    """A rule about groups and a script are tried as well."""
    write(folder, low=script())
    twin = clean()
    add(database, twin, {**clean(practice_zip="10001"), "npi": twin["npi"]})
    mine = own_rules(database, settings(folder))
    assert try_rule(database, "NPI_DUPLICATE", actor=people["max"], mine=mine).count == 1
    trial = try_rule(database, "OWN_ZIP_LOW", actor=people["max"], mine=mine)
    assert (trial.count, trial.examples[0].words) == (1, "ZIP 10001 is low")


def test_trying_is_refused_in_words(database: Database, folder: Path, people: People) -> None:
    """An unknown id lists near ones; an off rule, a failing one and a wrong role are refused."""
    write(folder, late=toml(id="OWN_LATE", expression="CAST(sex AS BIGINT) > 1", says="x"))
    add(database, clean(sex="F"))
    mine = own_rules(database, settings(folder))
    for wrong, said in (("PHONE_INVALD", "PHONE_INVALID"), ("own_fax", FAX), ("Q", "rules` lists")):
        with pytest.raises(NoSuchRule, match=said):
            try_rule(database, wrong, actor=people["max"], mine=mine)
    with pytest.raises(BadInput, match="a cast failed"):
        try_rule(database, "OWN_LATE", actor=people["max"], mine=mine)
    with pytest.raises(BadInput, match="needs the list taxonomy"):
        try_rule(database, "TAXONOMY_INVALID", actor=people["max"])
    with pytest.raises(NotAllowed):
        try_rule(database, FAX, actor=people["ruth"], mine=mine)
