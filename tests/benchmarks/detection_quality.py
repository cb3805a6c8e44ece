"""How right detection is, rule by rule, on generated files whose defects are known.

Generates two worlds (an NPPES file, an own directory, the reference lists), loads them, detects,
and compares the items with what was planted. Deterministic rules are to find all of it and nothing
else. The threshold of the duplicates is chosen on one world and scored on the other. What was
missed or raised in vain is listed by what was planted in the record, with examples.

Run: python -m tests.benchmarks.detection_quality --rows 100000 [--home DIR]
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from tests import planted
from tests.benchmarks.place import ACTOR, AS_OF, Figure, Place, measured, run
from tests.planted import DUPLICATE, OWN, Pair, Record, Score, Seen, Truth, World
from workqueue.database import Database
from workqueue.detection import DetectReport, detect
from workqueue.errors import BadInput
from workqueue.intake import load, load_reference
from workqueue.rules import RULES
from workqueue.settings import Settings

CHOSEN_ON, SCORED_ON = 2, 1
EXAMPLES = 3
_SHOWN = (
    *("npi", "last_name", "first_name", "middle_name", "name_suffix", "other_last_name"),
    *("credential", "practice_address_1", "practice_city", "practice_state", "practice_zip"),
    *("practice_phone", "practice_fax", "enumeration_date", "last_update_date", "taxonomy_code_1"),
    *("license_number_1", "license_state_1", "taxonomy_code_2", "license_number_2"),
)


_NAMES = ("last_name", "first_name", "other_last_name")
_DOOR = ("practice_address_1", "practice_phone")
_LICENSE = ("license_number_1", "license_state_1")


@dataclass(frozen=True)
class Judged:
    """One world: what is true of it, what the items say, and what detecting took."""

    truth: Truth
    seen: Seen
    seconds: float
    megabytes: float


def detected(url: str) -> DetectReport:
    """One run of detection, as the command does."""
    with Database(url) as database:
        return detect(database, actor=ACTOR, as_of=AS_OF)


def filled(url: str, world: World) -> None:
    """Load the files and the lists of the world."""
    settings = Settings(database_url=url)
    with Database(url) as database:
        load(database, [world.nppes.path], actor=ACTOR, settings=settings)
        load(database, [world.own.path], actor=ACTOR, settings=settings, source=OWN)
        for name, path in (("taxonomy", world.taxonomy), ("leie", world.nppes.leie)):
            try:
                load_reference(database, name, path, actor=ACTOR)
            except BadInput as refusal:
                print(f"The list {name} is left out: {refusal}")


def judged(place: Place, rows: int, seed: int, least: float | None = None) -> Judged:
    """Generate, load, detect; given the threshold of the duplicates print what is not right."""
    folder = Path(tempfile.mkdtemp(prefix="wqquality-"))
    try:
        world = World.made(folder, rows, seed, AS_OF)
        truth = Truth.read(world)
        with place.copy(place.empty()) as name:
            url = place.url("app", name)
            filled(url, world)
            place.ask("VACUUM ANALYZE", name)
            step = measured(detected, url)
            for rule_id, words in getattr(step.value, "failed", {}).items():
                print(f"{rule_id} failed: {words}")
            with Database(url) as database:
                seen = planted.seen(database)
                if least is not None:
                    _tell_all(database, truth, seen, least)
    finally:
        shutil.rmtree(folder)
    return Judged(truth, seen, step.seconds, step.peak_mb)


def _tell_all(database: Database, truth: Truth, seen: Seen, least: float) -> None:
    for missing in planted.not_here(truth):
        print(f"{missing} is not in this catalogue: skipped")
    print(f"\n{'rule':28} {'planted':>8} {'precision':>9} {'recall':>9}")
    for score in planted.score(truth, seen):
        print(f"{score.rule:28} {score.planted:8,} {score.precision:9.4f} {score.recall:9.4f}")
        _tell(database, truth, "missed", score.missed)
        _tell(database, truth, "false", score.false)
    if _compares():
        pairs = planted.score_pairs(truth, seen, least)
        print(f"{pairs.rule:28} {pairs.planted:8,} {pairs.precision:9.4f} {pairs.recall:9.4f}")
        _tell_pairs(database, truth, "missed", pairs.missed)
        _tell_pairs(database, truth, "false", pairs.false)


def _compares() -> bool:
    return any(rule.id.startswith(DUPLICATE) for rule in RULES)


def _tell(database: Database, truth: Truth, said: str, records: list[Record]) -> None:
    by_class: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_class[truth.about(record)].append(record)
    for kind, members in sorted(by_class.items(), key=lambda item: -len(item[1])):
        print(f"    {said}: {len(members):,} × {kind}")
        for record in members[:EXAMPLES]:
            print(f"        {record[0]}:{record[1]} {_shown(database, record)}")


def _tell_pairs(database: Database, truth: Truth, said: str, pairs: list[Pair]) -> None:
    by_class: dict[str, list[list[str]]] = defaultdict(list)
    for pair in pairs:
        values = [_values(database, record) for record in sorted(pair)]
        kind = " / ".join(sorted({truth.about(record) for record in pair}))
        told = [f"{record[0]}:{record[1]} {_shown(database, record)}" for record in sorted(pair)]
        by_class[f"{_apart(*values)}; {kind}"].append(told)
    for kind, members in sorted(by_class.items(), key=lambda item: -len(item[1]))[:20]:
        print(f"    {said}: {len(members):,} × {kind}")
        for both in members[:EXAMPLES]:
            print("".join(f"        {line}\n" for line in both))


def _apart(one: dict[str, str], other: dict[str, str]) -> str:
    """What two records do not have in common."""
    differ = [name for name in _NAMES if one[name] != other[name]]
    for title, names in (("door", _DOOR), ("licence", _LICENSE)):
        if all(one[name] != other[name] for name in names[:1]):
            differ.append(title)
    for name in ("practice_state", "enumeration_date", "taxonomy_code_1"):
        if one[name] != other[name]:
            differ.append(name)
    return "differ in " + (", ".join(differ) or "nothing")


def _values(database: Database, record: Record) -> dict[str, str]:
    """The record's values that most rules are about."""
    statement = (
        f"SELECT {', '.join(f'provider.{name}' for name in _SHOWN)} "
        "FROM individual_providers provider "
        "JOIN provider_sources held ON held.provider_id = provider.id "
        "JOIN sources source ON source.id = held.source_id "
        "WHERE source.name = :source AND held.line = :line"
    )
    with database.transaction() as session:
        row = session.execute(text(statement), {"source": record[0], "line": record[1]}).first()
    values = tuple(row) if row else (None,) * len(_SHOWN)
    return {
        name: "" if value is None else str(value)
        for name, value in zip(_SHOWN, values, strict=True)
    }


def _shown(database: Database, record: Record) -> str:
    return " | ".join(_values(database, record).values())


def _deterministic(scores: list[Score]) -> list[Figure]:
    figures = []
    for name, worst in (
        ("precision", min(scores, key=lambda one: one.precision)),
        ("recall", min(scores, key=lambda one: one.recall)),
    ):
        value = getattr(worst, name)
        told = f" ({worst.rule})" if value < 1 else ""
        figures.append(Figure(f"lowest {name} of a rule{told}", value, at_least=1.0))
    exact = sum(one.precision == one.recall == 1 for one in scores)
    return [*figures, Figure("rules that are exact", exact), Figure("rules", len(scores))]


def measure(place: Place, rows: int) -> list[Figure]:
    """Choose on one world, judge on the other."""
    least = 0.0
    if _compares():
        chosen = judged(place, rows, CHOSEN_ON)
        least = planted.best_threshold(chosen.truth, chosen.seen)
    found = judged(place, rows, SCORED_ON, least)
    scores = planted.score(found.truth, found.seen)
    figures = [
        *_deterministic(scores),
        Figure("detect", found.seconds, "s"),
        Figure("detect: peak memory", found.megabytes, "MB"),
    ]
    if _compares():
        pairs = planted.score_pairs(found.truth, found.seen, least)
        figures += [
            Figure(f"duplicates: threshold, chosen on seed {CHOSEN_ON}", least, "bits"),
            Figure("duplicates: precision", pairs.precision),
            Figure("duplicates: recall", pairs.recall),
            Figure("duplicates: F1", pairs.f1, at_least=0.97),
        ]
    return figures


if __name__ == "__main__":
    run(measure, __doc__)
