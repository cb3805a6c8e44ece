"""Commands about runs in the background: worker, runs."""

from __future__ import annotations

import logging
from dataclasses import asdict
from importlib import import_module
from typing import Annotated

import typer

from workqueue import runs as history
from workqueue.cli.opening import opened
from workqueue.cli.printing import Cell, JsonOption, print_json, print_line, print_table
from workqueue.errors import BadInput
from workqueue.runs import Outcome, Run
from workqueue.settings import Settings


def worker(
    beside: Annotated[
        bool, typer.Option("--beside", hidden=True, help="End when standard input ends.")
    ] = False,
) -> None:
    """Run detection in the background, by the clock and when the desk asks, until Ctrl-C."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    settings = Settings.read()
    with opened(settings) as database:
        # Only here: its libraries are nobody else's business, and cost a second to import.
        import_module("workqueue.worker").work(
            database, cron=settings.detect_cron, say=print_line, beside=beside
        )


def runs(
    run: Annotated[int | None, typer.Argument(help="One run, rule by rule.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """List the runs of detection: when, by whom, how long, what came of it."""
    told: tuple[Outcome, ...] = ()
    with opened() as database, database.snapshot() as session:
        if run is None:
            found = history.runs(session, limit=limit)
        else:
            one = history.run(session, run)
            if one is None:
                raise BadInput(f"there is no run {run}; `workqueue runs` lists them.")
            found, told = (one,), history.outcomes(session, run)
    if as_json:
        print_json({"runs": [_plain(each) for each in found], "rules": [asdict(o) for o in told]})
        return
    _print_runs(found)
    if told:
        print_line("")
        _print_outcomes(told)


def _plain(run: Run) -> dict[str, object]:
    return {**asdict(run), "counts": dict(run.counts)}


def _print_runs(found: tuple[Run, ...]) -> None:
    numbers = ("new", "refreshed", "closed", "reopened", "open")
    headings = [
        Cell("run", right=True),
        Cell("status"),
        Cell("began"),
        Cell("by"),
        Cell("via"),
        Cell("seconds", right=True),
        *(Cell(name, right=True) for name in numbers),
        Cell("error"),
    ]
    rows = [
        [
            each.id,
            "DIED" if each.silent else each.status,
            None if each.status == "REQUESTED" else each.started_at,
            each.who,
            each.via,
            None if each.status == "REQUESTED" or each.silent else f"{each.seconds:.1f}",
            *(each.counts.get(name) for name in numbers),
            each.error,
        ]
        for each in found
    ]
    print_table(headings, rows)
    if not rows:
        print_line("no run yet; `workqueue detect` makes one.")


def _print_outcomes(told: tuple[Outcome, ...]) -> None:
    headings = [
        Cell("rule"),
        Cell("status"),
        *(Cell(name, right=True) for name in ("found", "new", "closed", "seconds")),
        Cell("error"),
    ]
    rows = [
        [
            each.rule_id,
            each.status,
            each.found,
            each.new,
            each.closed,
            f"{each.seconds:.2f}",
            each.error,
        ]
        for each in told
    ]
    print_table(headings, rows)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("worker")(worker)
    app.command("runs")(runs)
