"""`workqueue rules` and `workqueue rules test`, as a person types them."""

from __future__ import annotations

from pathlib import Path

from tests.command import answer, run
from tests.detection.records import add, clean
from tests.own.files import toml, write
from workqueue.database import Database


def test_rules_are_listed(database: Database, environment: dict[str, str], tmp_path: Path) -> None:
    """Each rule has a line; what is off, broken or failed is told below, in words."""
    add(database, clean(practice_fax=None))
    folder = write(
        tmp_path / "rules",
        fax=toml(),
        bad=toml(id="OWN_BAD", expression="fx IS NULL", says="x"),
        late=toml(id="OWN_LATE", expression="CAST(first_name AS BIGINT) > 1", says="x"),
    )
    told = environment | {"WORKQUEUE_RULES": str(folder)}
    detected = run(told, "detect").stdout
    assert "Failed: OWN_LATE: a cast failed" in detected
    assert "Failed: bad.toml: bad.toml line 10: expression `fx IS NULL`" in detected
    assert "Off: TAXONOMY_INVALID: needs the list taxonomy" in detected
    printed = run(told, "rules").stdout
    assert "OWN_FAX_MISSING" in printed
    assert "off: TAXONOMY_INVALID: needs the list taxonomy" in printed
    assert "failed in the last run: OWN_LATE: a cast failed" in printed
    assert "broken: bad.toml: bad.toml line 10" in printed
    found = {rule["id"]: rule for rule in answer(told, "rules")["rules"]}
    assert (found["OWN_FAX_MISSING"]["open"], found["OWN_FAX_MISSING"]["own"]) == (1, True)


def test_a_folder_that_is_not_there_is_told(environment: dict[str, str], tmp_path: Path) -> None:
    """A wrong WORKQUEUE_RULES is named by the list and by a run, which goes on."""
    told = environment | {"WORKQUEUE_RULES": str(tmp_path / "nowhere")}
    assert "cannot be read: no such file" in run(told, "rules").stdout
    assert "cannot be read" in answer(told, "detect")["failed"]["WORKQUEUE_RULES"]


def test_a_rule_is_tried(database: Database, environment: dict[str, str], tmp_path: Path) -> None:
    """A count and examples for people, the same for programs, and near ids for a wrong one."""
    add(database, clean(practice_fax=None))
    told = environment | {"WORKQUEUE_RULES": str(write(tmp_path / "rules", fax=toml()))}
    printed = run(told, "rules", "test", "OWN_FAX_MISSING").stdout
    assert "OWN_FAX_MISSING: 1 finding, 1 would be a new item." in printed
    assert "The practice has a phone, 2175232345, and no fax" in printed
    tried = answer(told, "rules", "test", "OWN_FAX_MISSING")
    assert (tried["count"], tried["new"], len(tried["examples"])) == (1, 1, 1)
    wrong = run(told, "rules", "test", "FAX_MISING", check=False)
    assert wrong.returncode == 1
    assert "near are OWN_FAX_MISSING" in wrong.stderr
