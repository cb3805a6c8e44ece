"""Detection of every record: fetch, evaluate, first write, and a second run without changes.

Evaluating is compared with bare DuckDB, on the same expressions over the same Arrow table: it only
counts what each rule finds, without evidence or fingerprints, and what lists say is looked up for
it beforehand. Run: python -m tests.benchmarks.detection_speed --rows 1000000
"""

from __future__ import annotations

import time

import duckdb

from tests.benchmarks.place import ACTOR, AS_OF, Figure, Place, measured, median, run
from workqueue.database import Database
from workqueue.detection import DetectReport, detect
from workqueue.detection.fetch import fetch
from workqueue.fields import SLOTS
from workqueue.rules import RULES, Limits, evaluate, sql
from workqueue.rules.batch import prepared
from workqueue.rules.rule import Group
from workqueue.verbs import knowledge

ROUNDS = 5


def run_detection(url: str) -> DetectReport:
    """One run of detection, as the command does."""
    with Database(url) as database:
        return detect(database, actor=ACTOR, as_of=AS_OF)


def _keyed(group: Group, scope: sql.Scope) -> str:
    parts = []
    for number in range(1, SLOTS + 1) if group.slots else (0,):
        if sql.slot(group.fields[0], number) in scope.filled:
            keys = [sql.slot(text, number) for _, text in group.keys]
            names = ", ".join(f"{text} AS key_{place}" for place, text in enumerate(keys))
            parts.append(
                f"SELECT {names}, {group.differ} AS differ FROM base "
                f"WHERE NOT deactivated AND ({sql.slot(group.where, number)})"
            )
    return " UNION ALL ".join(parts)


def bare_questions(scope: sql.Scope) -> list[str]:
    """One query over all record rules, and one for each group rule."""
    conditions = {
        rule.id: " OR ".join(text for text, _ in sql.conditions(rule, scope))
        for rule in RULES
        if not rule.grouped and rule.needs is None
    }
    counts = ", ".join(
        f"count(*) FILTER (WHERE NOT deactivated AND ({text})) AS {name}"
        for name, text in conditions.items()
        if text
    )
    questions = [f"SELECT {counts} FROM base"]
    for rule in RULES:
        if rule.group is not None:
            keys = ", ".join(f"key_{place}" for place in range(len(rule.group.keys)))
            questions.append(
                f"SELECT count(*) FROM (SELECT 1 FROM ({_keyed(rule.group, scope)}) "
                f"GROUP BY {keys} HAVING min(differ) <> max(differ))"
            )
    return [sql._base((text,), scope) + text for text in questions]


def evaluating(url: str, libpq: str) -> dict[str, float]:
    """Seconds of fetching, of evaluating and of bare DuckDB, by turns on one table."""
    with Database(url) as database, database.transaction() as session:
        given = {
            "column_sets": knowledge.column_sets(session),
            "references": knowledge.references(session),
        }
    begun = time.perf_counter()
    records = fetch(libpq).records
    fetched = time.perf_counter() - begun
    batch = prepared(records, given["column_sets"], AS_OF, given["references"], Limits())
    questions = {text: batch.asked(text) for text in bare_questions(batch.scope)}
    ours, bare = [], []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = evaluate(records, as_of=AS_OF, **given).num_rows
        ours.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        with duckdb.connect(":memory:") as plain:
            counted = 0
            for text, asked in questions.items():
                plain.register("records", asked)
                counted += sum(plain.execute(text).fetchall()[0])
        bare.append(time.perf_counter() - begun)
    if counted != found:
        raise AssertionError(f"evaluate finds {found}, bare DuckDB {counted}")
    return {"fetch": fetched, "ours": median(ours), "bare": median(bare), "found": found}


def measure(place: Place, rows: int) -> list[Figure]:
    """The comparison, then two whole runs on a copy."""
    with place.copy(place.loaded(rows)) as name:
        url, libpq = place.url("app", name), place.libpq("app", name)
        compared = measured(evaluating, url, libpq)
        runs = [measured(run_detection, url) for _ in range(3)]
    took = compared.value
    assert isinstance(took, dict)
    first, *again = [step.value for step in runs]
    assert isinstance(first, DetectReport)
    second = min((step for step in runs[1:]), key=lambda step: step.seconds)
    assert isinstance(second.value, DetectReport)
    changed = sum(report.new + report.refreshed + report.closed for report in again)
    figures = [
        Figure("fetch", took["fetch"], "s"),
        Figure("evaluate", took["ours"], "s"),
        Figure("bare DuckDB", took["bare"], "s"),
        Figure("evaluate / bare DuckDB", took["ours"] / took["bare"], at_most=3),
        Figure("findings", took["found"]),
    ]
    for title, step in (("first run", runs[0]), ("second run", second)):
        report = step.value
        assert isinstance(report, DetectReport)
        figures += [
            Figure(f"{title}: {part}", value, "s") for part, value in report.timings.items()
        ]
        figures += [
            Figure(f"{title}: in all", step.seconds, "s"),
            Figure(f"{title}: peak memory", step.peak_mb, "MB"),
        ]
    evaluated = second.value.timings["evaluate"]
    return [
        *figures,
        Figure("first run: items", first.new),
        Figure("second run: items changed", changed, at_most=0),
        Figure("second run / its evaluate", second.seconds / evaluated, at_most=2),
        Figure(
            "second run / its evaluate, without fetch",
            (second.seconds - second.value.timings["fetch"]) / evaluated,
        ),
    ]


if __name__ == "__main__":
    run(measure, __doc__)
