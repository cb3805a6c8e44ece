"""What the commands print: tables for people, one JSON object for programs, progress bars."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from workqueue.verbs import ItemState

# Where no terminal says how wide it is, lines are as long as they need to be.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
err = Console(stderr=True, highlight=False)

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
AsOption = Annotated[
    str | None,
    typer.Option("--as", metavar="USER", help="Act as this user (default: cli:your-login)."),
]


@dataclass(frozen=True)
class Cell:
    """A table heading; numbers stand to the right."""

    title: str
    right: bool = False


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def print_json(answer: dict[str, Any]) -> None:
    """Print one JSON object on one line; times as ISO 8601 in UTC."""
    sys.stdout.write(json.dumps(answer, default=_plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_line(words: str) -> None:
    """Print one line as it is: no markup is read out of it, no control character let through."""
    out.print(Text(printable(words)), soft_wrap=True)


def print_table(headings: Sequence[Cell], rows: Sequence[Sequence[object]]) -> None:
    """Print rows as a plain table; None is an em dash."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading.title, justify="right" if heading.right else "left")
    for row in rows:
        table.add_row(*(Text(show(value)) for value in row))
    out.print(table)


def show(value: object) -> str:
    """A value as people read it: times to the minute in UTC, nothing as an em dash."""
    if value is None or value == "":
        return "—"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    return printable(str(value))


def printable(words: str) -> str:
    """The text without control characters, which could drive the terminal; newlines stay."""
    return "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in words
    )


def print_state(state: ItemState, as_json: bool, **more: object) -> None:
    """Print where an item stands after an act: id, status, version, and what else is given."""
    if as_json:
        print_json({"id": state.id, "status": state.status, "version": state.version, **more})
        return
    until = f", until {state.lease_expires_at:%H:%M} UTC" if state.lease_expires_at else ""
    holder = f", {state.assigned_to}" if state.assigned_to else ""
    print_line(f"item {state.id}: {state.status}{holder}{until} (version {state.version})")


def fail(words: str, kind: str, status: int = 1) -> NoReturn:
    """Say on standard error what was refused and exit; with --json an object says it too."""
    if "--json" in sys.argv:
        print_json({"error": words, "kind": kind})
    err.print(Text(f"workqueue: {printable(words)}"), soft_wrap=True)
    sys.exit(status)


class Bars:
    """Progress of named steps on standard error; silent where nobody watches."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._steps: dict[str, Any] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        """Move the bar of `step` to `done` of `total` (any unit)."""
        if step not in self._steps:
            self._steps[step] = self._progress.add_task(printable(step), total=total)
        self._progress.update(self._steps[step], completed=done, total=total)


@contextmanager
def progress_bars() -> Iterator[Bars]:
    """Progress bars for long work, on standard error and only on a terminal."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        yield Bars(progress)
