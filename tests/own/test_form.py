"""A rule's file: read, or refused with everything that is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.own.files import GOOD, read, toml, write
from tests.rules.records import AS_OF, COLUMN_SETS, found, table
from workqueue.rules import RULES, definition, words


def _faults(tmp_path: Path, text: str) -> str:
    mine = read(write(tmp_path / "rules", fax=text))
    assert mine.all == ()
    return mine.broken["fax.toml"]


def test_a_good_file_is_a_rule(tmp_path: Path) -> None:
    """The fields that a rule needs and shows are those of its expression."""
    mine = read(write(tmp_path / "rules", fax=toml()))
    (rule,) = mine.rules
    assert mine.broken == {}
    assert mine.origins == {"OWN_FAX_MISSING": "fax.toml"}
    (check,) = rule.checks
    assert check.fields == check.shows == ("practice_fax", "practice_phone")
    findings = found(table({"practice_fax": None}, {}), rules=[rule])
    assert [one["fingerprint"] for one in findings] == ["OWN_FAX_MISSING:1"]
    said = words(rule.id, findings[0]["evidence"], rule)
    assert said == "The practice has a phone, 5124720199, and no fax"


def test_more_of_a_rule(tmp_path: Path) -> None:
    """Slots, evidence, a priority of its own and a suggested value work as in the catalogue."""
    text = toml(
        expression="length(license_number_{n}) < 3",
        says="Licence {license_number} of slot {n} is short",
        shows=["license_number_{n}", "license_state_{n}"],
        slots=True,
        attribute="license_number_1",
        priority_expression="CASE WHEN practice_state = 'TX' THEN 2 ELSE 5 END",
        suggests={"license_number_{n}": "'K' || license_number_{n}"},
    )
    (rule,) = read(write(tmp_path / "rules", short=text)).rules
    (one,) = found(table({"license_number_1": "12"}, {}), rules=[rule])
    assert one["priority"] == 2
    assert one["evidence"]["values"] == {"license_number_1": "12", "license_state_1": "TX"}
    assert one["evidence"]["suggested"] == {"license_number_1": "K12"}
    assert words(rule.id, one["evidence"], rule).startswith("Licence 12 of slot 1 is short")


def test_an_unknown_field_is_no_blank_one(tmp_path: Path) -> None:
    """Where a file had no column of fax numbers, a rule about fax numbers says nothing."""
    (rule,) = read(write(tmp_path / "rules", fax=toml())).rules
    sets = {1: COLUMN_SETS[1] - {"practice_fax"}}
    assert found(table({"practice_fax": None}), rules=[rule], column_sets=sets) == []


def test_a_column_of_a_list_makes_the_rule_need_it(tmp_path: Path) -> None:
    """A rule about the taxonomy list is off until that list is loaded."""
    text = toml(expression="NOT taxonomy_listed_{n}", slots=True, says="{taxonomy_listed}")
    (rule,) = read(write(tmp_path / "rules", listed=text)).rules
    assert rule.needs == "taxonomy"
    assert rule.checks[0].fields == ("taxonomy_code_{n}",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "FAX"}, "fax.toml line 2: id must be OWN_ and up to 50"),
        ({"id": "OWN_fax"}, "id must be OWN_"),
        ({"id": RULES[0].id}, "id must be OWN_"),
        ({"id": 7}, "id must be OWN_"),
        ({"queue_type": "CALLS"}, "line 3: there is no queue type 'CALLS'; there are DUPLICATE_"),
        ({"queue_type": ["x"]}, "queue_type must be a text"),
        ({"priority": 6}, "line 4: priority must be 1 (high) to 5 (low)"),
        ({"priority": True}, "priority must be 1"),
        ({"attribute": "fax"}, "line 5: attribute must be the name of a field"),
        ({"title": " "}, "line 6: title must be a text"),
        ({"title": "x" * 81}, "title is longer than 80 characters"),
        ({"source": "two\nlines'"}, "source must be one line"),
        ({"says": "fax {fax}"}, "line 7: says speaks of {fax}; it may speak of {practice_fax}"),
        ({"says": "{practice_fax.__class__}"}, "says speaks of {practice_fax.__class__}"),
        ({"says": "{practice_fax!r}"}, "says speaks of {practice_fax}; it may"),
        ({"says": "{practice_fax"}, "says cannot be read"),
        ({"source": None, "title": None}, "fax.toml: title, source are missing."),
        ({"expresion": "TRUE"}, "'expresion' is not part of a rule; did you mean expression?"),
        ({"shows": "npi"}, "shows must be a list"),
        ({"shows": ["fax"]}, "there is no field 'fax'"),
        ({"slots": "yes"}, "slots must be true or false"),
        ({"slots": True}, "must speak of {n}"),
        ({"suggests": {"fax": "npi"}}, "speaks of 'fax', which is no field"),
        ({"suggests": {"npi": "nix"}}, "npi `nix`, column 1: there is no field nix"),
        ({"priority_expression": "9 -"}, "priority_expression `9 -`, column"),
        ({"expression": "TRUE"}, "the expression speaks of no field"),
        (
            {"expression": "practice_fax", "says": "{values}"},
            "expression `practice_fax`: is a string, neither true",
        ),
        ({"expression": "npi > 5 + "}, "line 10: expression `npi > 5 +`, column"),
        (
            {"expression": r"regexp_matches(npi, '(1)\1')", "says": "{npi}"},
            "invalid escape sequence",
        ),
        ({"expression": "npi > 5", "says": "{npi}"}, "cannot be asked: Cannot compare"),
        ({"expression": "npi\x01 IS NULL"}, "this is not TOML"),
        ({"expression": "practice_fax IS NULL OR"}, "syntax error"),
    ],
    ids=str,
)
def test_a_bad_file_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """Each mistake is named with the file, its line and what may be written instead."""
    assert said in _faults(tmp_path, toml(**changes))


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Three mistakes of one file are all named, each with its line."""
    said = _faults(tmp_path, toml(priority=0, title="", expression="fax IS NULL"))
    assert "line 4: priority" in said
    assert "line 6: title" in said
    assert "line 10: expression `fax IS NULL`, column 1: there is no field fax" in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"id = ", "this is not TOML: Invalid value (at "),
        (b"id = 'a'\nid = 'b'\n", "this is not TOML: Cannot overwrite a value (at line 2"),
        ("id = 'ä'\n".encode("latin-1"), "line 1: the file is not UTF-8"),
        (b"#" * 70_000, "larger than 65536 bytes"),
        (b"", "id, queue_type, priority"),
    ],
    ids=["cut off", "twice", "latin-1", "huge", "empty"],
)
def test_a_file_that_is_no_toml(tmp_path: Path, data: bytes, said: str) -> None:
    """What is no TOML, no UTF-8 or far too large is told, and the rule beside it is read."""
    folder = write(tmp_path / "rules", good=toml())
    (folder / "bad.toml").write_bytes(data)
    mine = read(folder)
    assert said in mine.broken["bad.toml"]
    assert [rule.id for rule in mine.rules] == ["OWN_FAX_MISSING"]


def test_twins_are_both_refused(tmp_path: Path) -> None:
    """Two files with one id: nobody could say which of them counts."""
    mine = read(write(tmp_path / "rules", one=toml(), two=toml(priority=1)))
    assert mine.all == ()
    assert "is also the id of a rule in two.toml" in mine.broken["one.toml"]
    assert "is also the id of a rule in one.toml" in mine.broken["two.toml"]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """Notes, backups of an editor and subfolders of other names are no rules."""
    folder = write(tmp_path / "rules", good=toml())
    for name in ("README.md", "good.toml~", ".good.toml", "_draft.toml"):
        (folder / name).write_text("nothing", encoding="utf-8")
    (folder / "more").mkdir()
    (folder / "odd.toml").mkdir()
    mine = read(folder)
    assert len(mine.rules) == 1
    assert list(mine.broken) == ["odd.toml"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A missing folder is told as such; without a setting there are no rules and no fault."""
    mine = read(tmp_path / "nowhere")
    assert "cannot be read: no such file" in mine.folder_fault
    assert mine.why_missing("fax.toml") == mine.folder_fault
    assert read(None).all == ()


def test_the_version_follows_from_what_is_asked(tmp_path: Path) -> None:
    """Other words are the same version; another expression is another, and back is back."""

    def version(**changes: Any) -> int:
        (rule,) = read(write(tmp_path / "rules", fax=toml(**changes))).rules
        return rule.version

    first = version()
    assert version(title="No fax", says="{values}", source="Elsewhere") == first
    assert version(expression="practice_fax IS NULL", says="{values}") != first
    assert version(shows=["practice_fax"], says="{practice_fax}") != first
    assert version(priority_expression="3") != first
    assert version() == first


def test_a_rule_survives_the_database(tmp_path: Path) -> None:
    """An own rule, and every rule of the catalogue, is the same after JSON and back."""
    (mine,) = read(write(tmp_path / "rules", fax=toml())).rules
    for rule in (mine, *RULES):
        assert definition.from_json(definition.as_json(rule)) == rule


def test_the_good_file_is_complete() -> None:
    """The file that the tests change has every part that a rule needs."""
    assert GOOD.keys() >= {"id", "expression", "says"}
    assert AS_OF.year == 2026
