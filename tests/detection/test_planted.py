"""Every planted defect becomes an item, and nothing else does."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

from sqlalchemy import text

from tests.conftest import LOCAL
from tests.detection.records import everything
from workqueue.database import Database
from workqueue.demo import generate
from workqueue.detection import detect
from workqueue.intake import load
from workqueue.rules import RULES, rule
from workqueue.settings import Settings

DAY = date(2026, 6, 1)
# Without a list its rules are off; likeness is not a matter of one expression.
_JUDGED = {rule.id for rule in RULES if rule.needs is None and not rule.id.startswith("DUPLICATE")}


def _truth(path: Path) -> tuple[set[tuple[str, int]], Counter[str]]:
    """(rule, line) of every planted defect about one record, and groups by rule."""
    records, groups = set(), {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["rule_id"] not in _JUDGED:
                continue
            if row["group_key"]:
                groups[row["rule_id"], row["group_key"]] = True
            else:
                records.add((row["rule_id"], int(row["line"])))
    return records, Counter(rule for rule, _ in groups)


def test_planted_defects_are_the_items(database: Database, tmp_path: Path) -> None:
    """On a generated file the items of planted rules are the planted defects and nothing more."""
    made = generate(tmp_path / "providers.csv", rows=6_000, seed=7, as_of=DAY)
    load(database, [made.path], actor=LOCAL, settings=Settings.read())
    report = detect(database, actor=LOCAL, as_of=DAY, duplicates=False)
    records, groups = _truth(made.truth)
    with database.transaction() as session:
        found = session.execute(
            text(
                "SELECT item.rule_id, source.line, rule.grouped FROM work_items item "
                "JOIN rules rule ON rule.id = item.rule_id "
                "JOIN provider_sources source ON source.provider_id = item.provider_id"
            )
        ).all()
    found = [row for row in found if row.rule_id in _JUDGED]
    assert {(row.rule_id, row.line) for row in found if not row.grouped} == records
    assert Counter(row.rule_id for row in found if row.grouped) == groups
    assert len(found) == len(records) + groups.total()
    assert report.new == report.open >= len(found)
    assert len({rule for rule, _ in records}) >= 30
    assert len(groups) >= 2


def test_group_members_are_the_planted_ones(database: Database, tmp_path: Path) -> None:
    """The members of each group item are the records that the truth names."""
    made = generate(tmp_path / "providers.csv", rows=6_000, seed=8, as_of=DAY)
    load(database, [made.path], actor=LOCAL, settings=Settings.read())
    detect(database, actor=LOCAL, as_of=DAY, duplicates=False)
    with made.truth.open(encoding="utf-8", newline="") as lines:
        planted: dict[tuple[str, str], set[int]] = {}
        for row in csv.DictReader(lines):
            if row["group_key"] and row["rule_id"] in _JUDGED:
                key = (row["rule_id"], row["group_key"])
                planted.setdefault(key, set()).add(int(row["line"]))
    with database.transaction() as session:
        found: dict[int, set[int]] = {}
        for row in session.execute(
            text(
                "SELECT member.work_item_id AS item, source.line FROM work_item_providers member "
                "JOIN provider_sources source USING (provider_id) "
                "JOIN work_items item ON item.id = member.work_item_id "
                "WHERE item.rule_id NOT LIKE 'DUPLICATE%'"
            )
        ):
            found.setdefault(row.item, set()).add(row.line)
    assert sorted(map(sorted, found.values())) == sorted(map(sorted, planted.values()))


def test_same_file_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    """Loading the same file again and detecting again writes nothing about items."""
    made = generate(tmp_path / "providers.csv", rows=2_000, seed=9, as_of=DAY)
    for _ in range(2):
        load(database, [made.path], actor=LOCAL, settings=Settings.read())
    detect(database, actor=LOCAL, as_of=DAY, duplicates=False)
    before = everything(database)
    load(database, [made.path], actor=LOCAL, settings=Settings.read())
    detect(database, actor=LOCAL, as_of=DAY, duplicates=False)
    assert everything(database) == before


def test_real_rows_are_quiet(database: Database, shared_data: Path) -> None:
    """On real NPPES rows the format rules almost never fire; stale records do."""
    load(
        database,
        [shared_data / "nppes_sample_1000.csv"],
        actor=LOCAL,
        settings=Settings.read(),
    )
    report = detect(database, actor=LOCAL, duplicates=False)
    assert report.rules["RECORD_STALE"] > 100
    assert report.rules["NPI_CHECK_DIGIT"] == 0
    assert report.rules["NPI_DUPLICATE"] == 0
    common = {"RECORD_STALE", "SOLE_PROPRIETOR_UNKNOWN", "CERTIFICATION_MISSING"}
    assert sum(count for name, count in report.rules.items() if name not in common) < 60
    assert all(rule(name).priority >= 4 for name in common)
