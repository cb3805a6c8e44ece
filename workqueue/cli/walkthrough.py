"""`workqueue demo`: generated providers in a database of their own, and one item walked through."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from workqueue import accounts, audit, verbs
from workqueue import demo as generator
from workqueue.accounts import Actor
from workqueue.cli.dossier_text import print_dossier
from workqueue.cli.opening import opened
from workqueue.cli.printing import print_line, progress_bars
from workqueue.cli.working import print_inbox
from workqueue.database import Database
from workqueue.detection import detect
from workqueue.dossier import dossier
from workqueue.errors import NothingToClaim
from workqueue.inbox import Filter, count, page
from workqueue.intake import load
from workqueue.lifecycle import Kind, Role
from workqueue.settings import Settings

_SEED = 20_050_523
# The generated file depends on this day only, so that a second start finds it unchanged.
_AS_OF = date(2026, 11, 1)
_PEOPLE = {"rosa": Role.REVIEWER, "mona": Role.MANAGER}
# The rule whose item the walk takes, and the correction: what a reviewer can do in one step.
_WALK_RULE, _WALK_FIELD, _WALK_VALUE = "PHONE_MISSING", "practice_phone", "(308) 865-2512"


def demo(
    rows: Annotated[int, typer.Option(min=1, help="Rows of the generated file.")] = 20_000,
) -> None:
    """Generate providers with planted defects, detect them, and walk one item through.

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
    with opened(settings) as database:
        _people(database)
        _fill(database, settings, rows)
        _show_inbox(database, settings)
        _walk(database, settings)
        _verify(database)
    print_line(f"\nThe data stays in {settings.home}. To look around yourself:")
    print_line(f"  export WORKQUEUE_HOME={settings.home}")
    print_line("  .venv/bin/workqueue inbox")
    print_line("  .venv/bin/workqueue claim-next --as rosa")


def _people(database: Database) -> None:
    with database.transaction() as session:
        present = {user.username for user in accounts.list_users(session)}
        for username, role in _PEOPLE.items():
            if username not in present:
                accounts.add_user(session, username, role, actor=accounts.local())


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


def _show_inbox(database: Database, settings: Settings) -> None:
    print_line("\n$ workqueue inbox")
    with database.snapshot() as session:
        everything = Filter(statuses=("OPEN",))
        print_inbox(
            list(page(session, everything, size=settings.page_size).rows),
            count(session, everything).value,
        )


def _walk(database: Database, settings: Settings) -> None:
    rosa = Actor("rosa", Kind.LOCAL, accounts.local().via)
    print_line(f"\n$ workqueue claim-next --rule {_WALK_RULE} --as rosa")
    try:
        claimed = database.run(
            lambda session: verbs.claim_next(
                session,
                actor=rosa,
                lease=timedelta(minutes=settings.lease_minutes),
                rule_ids=[_WALK_RULE],
            )
        )
    except NothingToClaim as nothing:
        print_line(str(nothing))
        return
    with database.snapshot() as session:
        print_dossier(dossier(session, claimed.id))
    print_line(
        f"\n$ workqueue act {claimed.id} field-update {_WALK_FIELD}='{_WALK_VALUE}' "
        "--verified 'called the practice' --as rosa"
    )
    result = database.run(
        lambda session: verbs.field_update(
            session,
            claimed.id,
            {_WALK_FIELD: _WALK_VALUE},
            actor=rosa,
            verified_how="called the practice",
        )
    )
    print_line(result.message)
    print_line(f"\n$ workqueue act {claimed.id} resolve 'Number read back.' --as rosa")
    done = database.run(
        lambda session: verbs.resolve(session, claimed.id, note="Number read back.", actor=rosa)
    )
    print_line(f"item {done.id}: {done.status} (version {done.version})")
    print_line(f"\n$ workqueue show {claimed.id}")
    with database.snapshot() as session:
        print_dossier(dossier(session, claimed.id))


def _verify(database: Database) -> None:
    print_line("\n$ workqueue audit verify")
    found = audit.verify(database)
    print_line(
        f"unbroken: {found.rows:,} action rows verified."
        if found.ok
        else f"BROKEN: {found.words()}"
    )


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("demo")(demo)
