"""Commands that bring records in and find their problems: load, load-reference, detect."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from workqueue import accounts
from workqueue.cli.opening import opened
from workqueue.cli.printing import (
    AsOption,
    Cell,
    JsonOption,
    print_json,
    print_line,
    print_table,
    progress_bars,
)
from workqueue.detection import detect as run_detection
from workqueue.intake import LoadReport, rejected_lines
from workqueue.intake import load as run_load
from workqueue.intake import load_reference as run_load_reference
from workqueue.settings import Settings

_COUNTS = ("read", "loaded", "updated", "unchanged", "rejected", "skipped")


def load(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="csv, zip or xlsx.")],
    source: Annotated[
        str, typer.Option(help="Where the records come from; its records are kept apart.")
    ] = "NPPES",
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding of lines that are not UTF-8, such as windows-1252."),
    ] = None,
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load provider files: NPPES full, weekly and deactivation, or a directory of your own.

    The exit status is 1 where every line was rejected.
    """
    settings = Settings.read()
    with opened(settings) as database, progress_bars() as bars:
        report = run_load(
            database,
            files,
            actor=accounts.local(username=username),
            source=source,
            encoding=encoding,
            settings=settings,
            progress=bars,
        )
    if as_json:
        print_json({name: getattr(report, name) for name in _COUNTS})
    else:
        _say_load(report)
    if report.rejected and report.rejected == report.read:
        raise typer.Exit(1)


def _say_load(report: LoadReport) -> None:
    print_table(
        [Cell(name, right=True) for name in _COUNTS], [[getattr(report, n) for n in _COUNTS]]
    )
    for what, count in sorted(report.normalised.items()):
        print_line(f"normalised: {what}: {count}")
    if report.rejected:
        print_line("rejected lines with reason and raw text: `workqueue rejects`")


def load_reference(
    name: Annotated[str, typer.Argument(help="The list: licence-required, taxonomy or leie.")],
    file: Annotated[Path, typer.Argument(help="csv with the list.")],
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load a reference list that rules refer to; it replaces the former one."""
    with opened() as database:
        report = run_load_reference(database, name, file, actor=accounts.local(username=username))
    if as_json:
        print_json({"name": name, "rows": report.rows})
    else:
        print_line(f"{name}: {report.rows} rows loaded; the next detection uses them.")


def rejects(
    run: Annotated[int | None, typer.Option(help="Only those of this load.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many lines at most.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List the lines that could not be loaded: file, line, reason and raw text."""
    with opened() as database, database.snapshot() as session:
        found = rejected_lines(session, run_id=run, limit=limit)
    if as_json:
        print_json({"rejects": [asdict(line) for line in found]})
        return
    print_table(
        [
            Cell("load", right=True),
            Cell("file"),
            Cell("line", right=True),
            Cell("why"),
            Cell("raw"),
        ],
        [[line.run_id, line.file_name, line.line, line.reason, line.raw[:200]] for line in found],
    )


def detect(
    full: Annotated[
        bool, typer.Option("--full", help="Look at every record, not only at what changed.")
    ] = False,
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the problems in the records: new work items, refreshed, closed and reopened ones.

    Looks at what changed since the last run, and at the groups that it left or joined.
    """
    with opened() as database, progress_bars() as bars:
        report = run_detection(
            database, actor=accounts.local(username=username), full=full, progress=bars
        )
    counts = ("new", "refreshed", "closed", "reopened", "open")
    if as_json:
        told = {name: getattr(report, name) for name in counts}
        more = {name: getattr(report, name) for name in ("rules", "failed", "off")}
        print_json(told | more)
        return
    shown = (*counts, "in_progress")
    print_table(
        [Cell(name.replace("_", " "), right=True) for name in shown],
        [[getattr(report, name) for name in shown]],
    )
    print_line("")
    print_table(
        [Cell("rule"), Cell("open", right=True), Cell("in progress", right=True)],
        [
            [rule, waiting, report.rules_in_progress.get(rule, 0)]
            for rule, waiting in sorted(report.rules.items())
        ],
    )
    for heading, told in (("Failed", report.failed), ("Off", report.off)):
        for name, said in told.items():
            print_line(f"{heading}: {name}: {said}")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("load")(load)
    app.command("load-reference")(load_reference)
    app.command("rejects")(rejects)
    app.command("detect")(detect)
