"""What was planted in generated files, beside what a run of detection made of them."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from sqlalchemy import text

from workqueue import demo
from workqueue.database import Database
from workqueue.demo import DemoFile
from workqueue.rules import RULES

OWN = "clinic"
DUPLICATE = "DUPLICATE"
ACROSS = frozenset({"SOURCE_CONFLICT", "NAME_CONFLICT"})  # the truth names the own record only

Record = tuple[str, int]
"""A record by its source and its line in that source's file."""
Pair = frozenset[Record]


@dataclass(frozen=True)
class World:
    """Generated files that belong together, and the lists that go with them."""

    nppes: DemoFile
    own: DemoFile
    taxonomy: Path

    @classmethod
    def made(cls, folder: Path, rows: int, seed: int, as_of: Any) -> World:
        """Generate in `folder`, where what is there already is used again."""
        # The name tells that it is the full file, and not a weekly one.
        nppes = demo.generate(
            folder / f"npidata_pfile_20050523-{as_of:%Y%m%d}.csv", rows=rows, seed=seed, as_of=as_of
        )
        own = demo.generate_own_source(
            folder / "clinic.csv", rows=rows // 5, seed=seed, as_of=as_of, nppes=nppes
        )
        demo.write_taxonomy_list(folder / "taxonomy.csv")
        return cls(nppes, own, folder / "taxonomy.csv")

    def files(self) -> tuple[tuple[str, DemoFile], ...]:
        """The provider files by source."""
        return (("NPPES", self.nppes), (OWN, self.own))


@dataclass(frozen=True)
class Truth:
    """Records by the rule that they break; pairs of one person; what only seems wrong and how."""

    records: Mapping[str, set[Record]]
    pairs: set[Pair]
    near: Mapping[Record, str]

    @classmethod
    def read(cls, world: World) -> Truth:
        """As the generator noted it."""
        records: dict[str, set[Record]] = defaultdict(set)
        people: dict[str, list[Record]] = defaultdict(list)
        near: dict[Record, str] = {}

        for source, made in world.files():
            for row in _rows(made.truth):
                record = (source, int(row["line"]))
                if row["rule_id"] == DUPLICATE:
                    people[row["group_key"]].append(record)

                else:
                    records[row["rule_id"]].add(record)
            near |= {(source, int(row["line"])): row["kind"] for row in _rows(made.near)}
        alone = {key for key, members in people.items() if len(members) == 1}
        for line, npi in _lines_of(world.nppes.path, alone):
            people[npi].append(("NPPES", line))
        pairs = {frozenset(pair) for one in people.values() for pair in combinations(one, 2)}
        return cls(records, pairs, near)

    def about(self, record: Record) -> str:
        """What was planted in the record, in words."""
        rules = sorted(rule for rule, records in self.records.items() if record in records)
        return ", ".join(rules) or self.near.get(record) or "clean"


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _lines_of(path: Path, npis: set[str]) -> Iterable[tuple[int, str]]:
    """The lines on which the NPIs stand; only the first column is looked at."""
    if npis:
        with path.open(encoding="ascii") as lines:
            for number, line in enumerate(lines, 1):
                if line[1:11] in npis:
                    yield number, line[1:11]


@dataclass(frozen=True)
class Seen:
    """The open items: records by rule, and weighted pairs of records that look like one person."""

    records: Mapping[str, set[Record]]
    pairs: Mapping[Pair, float]


_MEMBERS = """
SELECT item.id AS item, item.rule_id, item.evidence, source.name AS source, held.line,
       held.provider_id
  FROM work_items item
  JOIN LATERAL (SELECT item.provider_id UNION SELECT member.provider_id
                  FROM work_item_providers member WHERE member.work_item_id = item.id)
       AS one (provider_id) ON true
  JOIN provider_sources held ON held.provider_id = one.provider_id
  JOIN sources source ON source.id = held.source_id
 WHERE item.status = 'OPEN'
"""


def seen(database: Database) -> Seen:
    """What the items say."""
    records: dict[str, set[Record]] = defaultdict(set)
    pairs: dict[Pair, float] = {}
    compared: dict[int, dict[str, Any]] = {}
    lines: dict[int, Record] = {}
    with database.transaction() as session:
        for row in session.execute(text(_MEMBERS)):
            record = (row.source, row.line)
            if row.rule_id.startswith(DUPLICATE):
                compared[row.item] = row.evidence
                lines[row.provider_id] = record
            elif row.rule_id not in ACROSS or row.source == OWN:
                records[row.rule_id].add(record)
    for evidence in compared.values():
        for pair in evidence.get("pairs", ()):
            pairs[frozenset((lines[pair["a"]], lines[pair["b"]]))] = pair["weight"]
    return Seen(records, pairs)


@dataclass
class Score:
    """How right one rule is: what it should have raised and did not, and what it raised instead."""

    rule: str
    planted: int
    missed: list[Any] = field(default_factory=list)
    false: list[Any] = field(default_factory=list)

    @property
    def precision(self) -> float:
        """The share of what was raised that is right."""
        hits = self.planted - len(self.missed)
        return hits / (hits + len(self.false)) if hits + len(self.false) else 1.0

    @property
    def recall(self) -> float:
        """The share of what is wrong that was raised."""
        return 1 - len(self.missed) / self.planted if self.planted else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def score(truth: Truth, found: Seen) -> list[Score]:
    """Rule by rule, those that are in this catalogue and about single records or their groups."""
    scores = []
    for rule in RULES:
        if rule.id not in _here():
            continue
        planted, raised = truth.records.get(rule.id, set()), found.records.get(rule.id, set())
        scores.append(
            Score(rule.id, len(planted), sorted(planted - raised), sorted(raised - planted))
        )
    return scores


def _here() -> set[str]:
    """Rules that can be judged; two of them only where they compare sources with each other."""
    return {
        rule.id
        for rule in RULES
        if not rule.id.startswith(DUPLICATE) and (rule.group is not None or rule.id not in ACROSS)
    }


def not_here(truth: Truth) -> list[str]:
    """Rules of which defects were planted, and which this catalogue does not have."""
    missing = sorted(set(truth.records) - _here())
    compares = any(rule.id.startswith(DUPLICATE) for rule in RULES)
    return missing if compares else [*missing, DUPLICATE]


def score_pairs(truth: Truth, found: Seen, least: float) -> Score:
    """Pairs of records in one group, where groups hold together by pairs of that weight."""
    raised = _closed(pair for pair, weight in found.pairs.items() if weight >= least)
    return Score(
        f"{DUPLICATE} from {least:g} bits",
        len(truth.pairs),
        sorted(truth.pairs - raised, key=sorted),
        sorted(raised - truth.pairs, key=sorted),
    )


def best_threshold(truth: Truth, found: Seen) -> float:
    """The weight from which on F1 is highest."""
    weights = sorted({float(round(weight)) for weight in found.pairs.values()}) or [0.0]
    return max(weights, key=lambda least: score_pairs(truth, found, least).f1)


def _closed(pairs: Iterable[Pair]) -> set[Pair]:
    """All pairs within the groups that the pairs hold together."""
    group: dict[Record, set[Record]] = {}
    for pair in pairs:
        joined = set().union(*(group.get(one, {one}) for one in pair))
        group |= dict.fromkeys(joined, joined)
    distinct = {id(members): members for members in group.values()}.values()
    return {frozenset(pair) for members in distinct for pair in combinations(members, 2)}


def classes(truth: Truth, records: Iterable[Record]) -> Counter[str]:
    """What was planted in the records, and how often."""
    return Counter(truth.about(record) for record in records)
