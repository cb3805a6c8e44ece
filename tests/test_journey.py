"""The path of one item, from a provider file to an audited, exported decision.

Read this first: it is the whole project as one test, by the command line, on real NPPES rows and
on generated ones. Each step names the room in which it lives.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from tests.command import answer, run
from workqueue import accounts, demo
from workqueue.database import Database
from workqueue.detection import detect
from workqueue.intake import load
from workqueue.settings import Settings

FIXED = "4024567890"


def test_journey_of_real_records(
    environment: dict[str, str], tmp_path: Path, shared_data: Path
) -> None:
    """A real file goes in; a decision comes out, exported, verified, backed up and unbroken."""
    file = shared_data / "nppes_sample_1000.csv"

    # intake: every line is accounted for, and the same file again changes nothing.
    loaded = answer(environment, "load", file)
    assert loaded == {
        "read": 1000,
        "loaded": 733,
        "updated": 0,
        "unchanged": 0,
        "rejected": 0,
        "skipped": 267,
    }
    again = answer(environment, "load", file)
    assert again == {**loaded, "loaded": 0, "unchanged": 733}

    # detection: problems become items, once.
    found = answer(environment, "detect")
    assert found["new"] == found["open"] == sum(found["rules"].values()) > 100
    assert found["rules"]["NPI_CHECK_DIGIT"] == 0
    assert found["rules"]["RECORD_STALE"] > 500
    repeated = answer(environment, "detect")
    assert repeated == {**found, "new": 0, "refreshed": 0, "closed": 0, "reopened": 0}

    # inbox: the urgent first; stale records bury nothing.
    listed = answer(environment, "inbox", "--limit", 0)
    assert listed["total"] == len(listed["items"]) == found["open"]
    priorities = [item["priority"] for item in listed["items"]]
    assert priorities == sorted(priorities)
    assert listed["items"][0]["rule_id"] != "RECORD_STALE"

    # verbs: claim, correct, resolve.
    run(environment, "user", "add", "alice", "--role", "reviewer")
    claimed = answer(environment, "claim-next", "--rule", "LICENSE_MISSING", "--as", "alice")
    assert claimed["status"] == "IN_PROGRESS"
    item = claimed["id"]
    shown = answer(environment, "show", item)
    assert shown["item"]["rule_id"] == "LICENSE_MISSING"
    assert shown["item"]["exit_condition"]
    slots = [
        name.removeprefix("license_number_")
        for name in shown["item"]["evidence"]["values"]
        if name.startswith("license_number_")
    ] or ["1"]
    updated = answer(
        environment,
        *("act", item, "field-update"),
        *(f"license_number_{slot}=A{FIXED}" for slot in slots),
        *("--verified", "state board web site", "--as", "alice"),
    )
    assert updated["cured"] is True
    resolved = answer(environment, "act", item, "resolve", "found it", "--as", "alice")
    assert (resolved["id"], resolved["status"]) == (item, "RESOLVED")

    # a reload keeps the correction, and detection respects the decision.
    assert answer(environment, "load", file)["unchanged"] == 733
    settled = answer(environment, "detect")
    assert (settled["new"], settled["closed"], settled["reopened"]) == (0, 0, 0)

    # export: exactly the rows of the filter, with a manifest that can be checked.
    out = tmp_path / "resolved.csv"
    run(environment, "export", out, "--status", "RESOLVED", "--from", "2026-01-01")
    with out.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["id"] for row in rows] == [str(item)]
    manifest = json.loads(Path(f"{out}.manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    corrections = tmp_path / "corrections.csv"
    run(environment, "export-corrections", corrections)
    with corrections.open(newline="", encoding="utf-8") as opened:
        fixed = list(csv.DictReader(opened))
    assert {row["new"] for row in fixed} == {f"A{FIXED}"}
    assert {(row["who"], row["how_verified"]) for row in fixed} == {
        ("alice", "state board web site")
    }

    # audit: the history is unbroken.
    verified = answer(environment, "audit", "verify")
    assert verified["ok"] is True
    assert verified["first_broken"] is None
    assert verified["rows"] == found["new"] + 4


def test_journey_finds_every_planted_defect(
    database: Database, superuser_database: Database, tmp_path: Path
) -> None:
    """On generated records each planted defect raises its item, and a clean row raises none."""
    made = demo.generate(
        tmp_path / "generated.csv", rows=6000, seed=11, as_of=datetime.now(UTC).date()
    )
    report = load(database, [made.path], actor=accounts.local(), settings=Settings.read())
    assert report.loaded == made.individuals
    off = detect(database, actor=accounts.local(), duplicates=False).off

    with superuser_database.transaction() as session:
        found = session.execute(
            text(
                "SELECT i.rule_id, s.line FROM work_items i "
                "JOIN provider_sources s ON s.provider_id = i.provider_id "
                "UNION SELECT i.rule_id, s.line FROM work_items i "
                "JOIN work_item_providers m ON m.work_item_id = i.id "
                "JOIN provider_sources s ON s.provider_id = m.provider_id"
            )
        ).all()
    raised, planted = defaultdict(set), defaultdict(set)
    for rule_id, line in found:
        raised[rule_id].add(line)
    with made.truth.open(newline="", encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            planted[row["rule_id"]].add(int(row["line"]))
    # What needs a list, and what only a comparison of the records finds, was not asked.
    for rule_id in (*off, "DUPLICATE"):
        planted.pop(rule_id, None)
    missed = {rule: planted[rule] - raised[rule] for rule in planted}
    false = {rule: raised[rule] - planted[rule] for rule in raised}
    assert {rule: sorted(lines)[:5] for rule, lines in missed.items() if lines} == {}
    # Of other rules the generator has no opinion.
    assert {rule: sorted(false[rule])[:5] for rule in planted if false.get(rule)} == {}
    assert len(planted) >= 17
