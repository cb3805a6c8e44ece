"""Commands about the rules: rules, rules test."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from workqueue import accounts, detection
from workqueue.cli.opening import opened
from workqueue.cli.printing import (
    AsOption,
    Cell,
    JsonOption,
    print_json,
    print_line,
    print_table,
)
from workqueue.settings import Settings

rules = typer.Typer(help="The rules: which there are, and what one would find.")


@rules.callback(invoke_without_command=True)
def listed(context: typer.Context, as_json: JsonOption = False) -> None:
    """List the rules with their open items, own ones included, and say why one is off."""
    if context.invoked_subcommand is not None:
        return
    settings = Settings.read()
    with opened(settings) as database:
        mine = detection.own_rules(database, settings)
        with database.snapshot() as session:
            found = detection.rules_listed(session, mine)
    if as_json:
        print_json({"rules": [asdict(rule) for rule in found], "broken": dict(mine.broken)})
        return
    print_table(
        [
            Cell("rule"),
            Cell("queue"),
            Cell("priority", right=True),
            Cell("open", right=True),
            Cell("held", right=True),
            Cell("is"),
            Cell("what is wrong"),
        ],
        [
            [
                rule.id,
                rule.queue_type,
                rule.priority,
                rule.open,
                rule.in_progress,
                "off" if rule.off_because else "failed" if rule.last_error else "on",
                rule.title,
            ]
            for rule in found
        ],
    )
    for rule in found:
        if rule.off_because:
            print_line(f"off: {rule.id}: {rule.off_because}")
        elif rule.last_error:
            print_line(f"failed in the last run: {rule.id}: {rule.last_error}")
    for name, said in mine.broken.items():
        print_line(f"broken: {name}: {said}")
    if settings.rules is not None and mine.folder_fault:
        print_line(f"broken: {mine.folder_fault}")


@rules.command("test")
def tried(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Id of a rule.")],
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how many items a rule would raise now, with ten examples; writes no item."""
    settings = Settings.read()
    with opened(settings) as database:
        mine = detection.own_rules(database, settings)
        trial = detection.try_rule(
            database,
            rule,
            actor=accounts.local(username=username),
            mine=mine,
            seconds=settings.rule_seconds,
        )
    if as_json:
        print_json(asdict(trial))
        return
    findings = "1 finding" if trial.count == 1 else f"{trial.count} findings"
    items = "1 would be a new item" if trial.new == 1 else f"{trial.new} would be new items"
    print_line(f"{trial.rule_id}: {findings}, {items}.")
    if trial.examples:
        print_table(
            [Cell("record", right=True), Cell("NPI"), Cell("provider"), Cell("what is wrong")],
            [[each.provider_id, each.npi, each.provider, each.words] for each in trial.examples],
        )


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(rules, name="rules")
