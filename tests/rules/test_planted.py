"""The rules against a generated file whose defects are known."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from tests.rules.records import AS_OF, found, individuals
from workqueue import demo


def test_every_planted_defect_is_found_and_nothing_else(tmp_path: Path) -> None:
    """The generator's own opinion of what is wrong, record by record, is the rules' opinion."""
    made = demo.generate(tmp_path / "demo.csv", rows=6000, seed=11, as_of=AS_OF)
    planted: dict[str, set[int]] = defaultdict(set)
    with made.truth.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            planted[row["rule_id"]].add(int(row["line"]))
    raised: dict[str, set[int]] = defaultdict(set)
    for finding in found(individuals(made.path)):
        raised[finding["rule_id"]].update(finding["members"] or [finding["provider_id"]])
    assert len(planted) >= 15
    # Of other rules the generator has no opinion.
    assert {name: raised[name] for name in planted} == planted
