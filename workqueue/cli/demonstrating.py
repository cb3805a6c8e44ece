"""`workqueue demo`: generated providers in a database of their own, on the desk."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from workqueue import accounts
from workqueue import demo as generator
from workqueue.cli.opening import opened
from workqueue.cli.printing import print_line, progress_bars
from workqueue.cli.serving import run_desk
from workqueue.database import Database
from workqueue.detection import detect
from workqueue.inbox import Filter, count
from workqueue.intake import load
from workqueue.lifecycle import Role, Status
from workqueue.settings import Settings

_SEED = 20_050_523
# The generated file depends on this day only, so that a second start finds it unchanged.
_AS_OF = date(2026, 11, 1)
_PEOPLE = {
    "rosa": ("Rosa", Role.REVIEWER),
    "rob": ("Rob", Role.REVIEWER),
    "mona": ("Mona", Role.MANAGER),
}
_LINKED = ("rosa", "mona")


def demo(
    rows: Annotated[int, typer.Option(min=1, help="Rows of the generated file.")] = 20_000,
    serving: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the desk at the end.")
    ] = True,
) -> None:
    """Generate providers with planted defects, detect them, and serve the desk.

    The demo has an embedded database of its own beside yours (its folder ends in -demo), also
    when WORKQUEUE_DATABASE_URL is set.
    """
    settings = Settings.read()
    settings = settings.model_copy(
        update={
            "home": settings.home.with_name(f"{settings.home.name}-demo"),
            "database_url": None,
            "owner_url": None,
            "analyst_url": None,
        }
    )
    with opened(settings, upgrading=True) as database:
        _people(database)
        waiting = _waiting(database)
        if waiting:
            print_line(f"The demo's data is there already: {waiting:,} items are open.")
        else:
            _fill(database, settings, rows)
    print_line(f"The data stays in {settings.home}. To look at it from the command line:")
    print_line(f"  export WORKQUEUE_HOME={settings.home}")
    print_line("  .venv/bin/workqueue inbox\n")
    if serving:
        own = {"WORKQUEUE_HOME": str(settings.home)}
        own |= {f"WORKQUEUE_{name}_URL": "" for name in ("DATABASE", "OWNER", "ANALYST")}
        # What was generated does not change by itself.
        own["WORKQUEUE_DETECT_CRON"] = "off"
        run_desk(["--worker", *(f"--link={name}" for name in _LINKED)], own)


def _people(database: Database) -> None:
    with database.transaction() as session:
        present = {user.username for user in accounts.list_users(session)}
        for username, (display_name, role) in _PEOPLE.items():
            if username not in present:
                accounts.add_user(
                    session, username, role, actor=accounts.local(), display_name=display_name
                )


def _waiting(database: Database) -> int:
    with database.snapshot() as session:
        return count(session, Filter(statuses=(Status.OPEN,))).value


def _fill(database: Database, settings: Settings, rows: int) -> None:
    folder = settings.home / "demo"
    folder.mkdir(exist_ok=True)
    file = folder / f"npidata_pfile_demo_{rows}.csv"
    actor = accounts.local()
    with progress_bars() as bars:
        if not file.exists():
            print_line(f"Generating {rows:,} providers with planted defects …")
            unfinished = file.with_suffix(".part")
            generator.generate(
                unfinished,
                rows=rows,
                seed=_SEED,
                as_of=_AS_OF,
                progress=lambda done: bars("generate", done, rows),
            )
            unfinished.rename(file)
        print_line("Loading …")
        loaded = load(database, [Path(file)], actor=actor, settings=settings, progress=bars)
        print_line(
            f"  {loaded.read:,} lines read: {loaded.loaded:,} loaded, {loaded.updated:,} updated, "
            f"{loaded.unchanged:,} unchanged, {loaded.rejected:,} rejected, "
            f"{loaded.skipped:,} skipped (organisations)"
        )
        print_line("Detecting …")
        found = detect(database, actor=actor, progress=bars)
    print_line(
        f"  {found.new:,} new work items, {found.refreshed:,} refreshed, {found.closed:,} closed, "
        f"{found.open:,} open"
    )


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("demo")(demo)
