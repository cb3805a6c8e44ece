"""Commands for auditors and operators: export, export-corrections, audit, backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workqueue import accounts, audit
from workqueue import backup as backing_up
from workqueue import export as exporting
from workqueue.cli.opening import opened
from workqueue.cli.options import (
    AssigneeOption,
    FromOption,
    PriorityOption,
    RuleOption,
    StateOption,
    StatusOption,
    TextOption,
    ToOption,
    TypeOption,
    build_filter,
)
from workqueue.cli.printing import AsOption, JsonOption, print_json, print_line
from workqueue.settings import Settings

OutArgument = Annotated[Path, typer.Argument(help="The file to write.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]

auditing = typer.Typer(help="The audit trail.", no_args_is_help=True)


def export(
    out: OutArgument,
    status: StatusOption = None,
    queue_type: TypeOption = None,
    priority: PriorityOption = None,
    rule: RuleOption = None,
    state: StateOption = None,
    assignee: AssigneeOption = None,
    text: TextOption = None,
    created_from: FromOption = None,
    created_to: ToOption = None,
    form: Annotated[str, typer.Option("--form", help="csv or jsonl.")] = "csv",
    overwrite: OverwriteOption = False,
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write exactly the items of the filter to a file, with a manifest beside it."""
    actor = accounts.local(username=username)
    chosen = build_filter(
        actor,
        status=status or ["OPEN", "IN_PROGRESS", "RESOLVED", "REJECTED"],
        queue_type=queue_type,
        priority=priority,
        rule=rule,
        state=state,
        assignee=assignee,
        text=text,
        created_from=created_from,
        created_to=created_to,
    )
    with opened() as database:
        report = exporting.export_items(
            database, chosen, out, actor=actor, form=form, overwrite=overwrite
        )
    _say_export(out, report, as_json)


def export_corrections(
    out: OutArgument,
    overwrite: OverwriteOption = False,
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write all corrections for the source directory to take over, with a manifest."""
    with opened() as database:
        report = exporting.export_corrections(
            database, out, actor=accounts.local(username=username), overwrite=overwrite
        )
    _say_export(out, report, as_json)


def _say_export(out: Path, report: exporting.ExportReport, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "file": str(out),
                "rows": report.rows,
                "sha256": report.sha256,
                "manifest": str(report.manifest),
            }
        )
    else:
        print_line(f"{out}: {report.rows} rows, sha256 {report.sha256}")
        print_line(f"manifest: {report.manifest}")


@auditing.command("verify")
def verify(as_json: JsonOption = False) -> None:
    """Say that the history of every item is unbroken, or name the first broken row."""
    with opened() as database:
        found = audit.verify(database)
    _say_verification(found, as_json)
    if not found.ok:
        raise typer.Exit(1)


def _say_verification(found: audit.Verification, as_json: bool) -> None:
    if as_json:
        print_json({"ok": found.ok, "rows": found.rows, "first_broken": found.first_broken_dict()})
    elif found.ok:
        print_line(f"unbroken: {found.rows} action rows verified.")
    else:
        print_line(f"BROKEN: {found.words()}")


def backup(
    out: OutArgument, overwrite: OverwriteOption = False, as_json: JsonOption = False
) -> None:
    """Write the whole database to a file (pg_dump, custom format), and verify the audit trail."""
    settings = Settings.read()
    with opened(settings):
        found = backing_up.backup(settings, out, overwrite=overwrite)
    if not as_json:
        print_line(f"{out}: {out.stat().st_size} bytes; `workqueue restore {out}` reads it back.")
    _say_verification(found, as_json)
    if not found.ok:
        raise typer.Exit(1)


def restore(
    dump: Annotated[Path, typer.Argument(help="A file that `workqueue backup` wrote.")],
    as_json: JsonOption = False,
) -> None:
    """Read a backup into an empty database, and verify the audit trail at the end."""
    found = backing_up.restore(Settings.read(), dump)
    _say_verification(found, as_json)
    if not found.ok:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("export")(export)
    app.command("export-corrections")(export_corrections)
    app.add_typer(auditing, name="audit")
    app.command("backup")(backup)
    app.command("restore")(restore)
