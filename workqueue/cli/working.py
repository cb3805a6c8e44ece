"""Commands of the daily work: inbox, claim, claim-next, show."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from workqueue import accounts, verbs
from workqueue.cli.dossier_text import print_dossier
from workqueue.cli.opening import opened
from workqueue.cli.options import (
    AssigneeOption,
    FromOption,
    PriorityOption,
    RequestOption,
    RuleOption,
    StateOption,
    StatusOption,
    TextOption,
    ToOption,
    TypeOption,
    VersionOption,
    build_filter,
    request_uuid,
)
from workqueue.cli.printing import (
    AsOption,
    Cell,
    JsonOption,
    print_json,
    print_line,
    print_state,
    print_table,
)
from workqueue.dossier import dossier
from workqueue.inbox import Filter, InboxRow, count, held_by_others, page
from workqueue.settings import Settings

_BATCH = 1000


def _rows(session: Session, chosen: Filter, limit: int) -> list[InboxRow]:
    rows: list[InboxRow] = []
    cursor: str | None = None
    while True:
        size = min(_BATCH, limit - len(rows)) if limit else _BATCH
        found = page(session, chosen, size=size, after=cursor)
        rows += found.rows
        cursor = found.next
        if not found.has_next or (limit and len(rows) >= limit):
            return rows


def inbox(
    status: StatusOption = None,
    queue_type: TypeOption = None,
    priority: PriorityOption = None,
    rule: RuleOption = None,
    state: StateOption = None,
    assignee: AssigneeOption = None,
    text: TextOption = None,
    created_from: FromOption = None,
    created_to: ToOption = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Rows; 0: all (default: QUEUE_PAGE_SIZE).")
    ] = None,
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List work items by priority, then age. Default: OPEN, and IN_PROGRESS of yours."""
    settings = Settings.read()
    actor = accounts.local(username=username)
    chosen = build_filter(
        actor,
        status=status,
        queue_type=queue_type,
        priority=priority,
        rule=rule,
        state=state,
        assignee=assignee,
        text=text,
        created_from=created_from,
        created_to=created_to,
    )
    with opened(settings) as database, database.snapshot() as session:
        total = count(session, chosen).value
        hidden = 0 if as_json else held_by_others(session, chosen)
        rows = _rows(session, chosen, settings.page_size if limit is None else limit)
    if as_json:
        keys = (
            *("id", "npi", "provider", "rule_id", "queue_type"),
            *("status", "priority", "created_at", "assigned_to"),
        )
        print_json(
            {"total": total, "items": [{key: getattr(row, key) for key in keys} for row in rows]}
        )
        return
    print_inbox(rows, total, hidden)


def print_inbox(rows: list[InboxRow], total: int, hidden: int = 0) -> None:
    """Print rows of the inbox, how many there are in all, and how many others have in hand."""
    headings = [
        Cell("pri", right=True),
        Cell("item", right=True),
        Cell("provider"),
        Cell("problem"),
        Cell("state"),
        Cell("status"),
        Cell("created"),
        Cell("holder"),
    ]
    print_table(
        headings,
        [
            [
                f"P{row.priority}",
                row.id,
                row.provider,
                row.title,
                row.state,
                row.status + (" (cured)" if row.cured else ""),
                row.created_at,
                row.assigned_to,
            ]
            for row in rows
        ],
    )
    print_line(f"{len(rows)} of {total}" if rows else "no item matches.")
    if hidden:
        print_line(
            f"{hidden} more {'is' if hidden == 1 else 'are'} in progress with others: "
            "--status IN_PROGRESS lists them."
        )


def claim(
    item: Annotated[int, typer.Argument(help="Item id.")],
    version: VersionOption = None,
    request_id: RequestOption = None,
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Claim one item: it is yours until you close or release it, or the lease ends."""
    settings = Settings.read()
    with opened(settings) as database:
        state = database.run(
            lambda session: verbs.claim(
                session,
                item,
                actor=accounts.local(username=username),
                lease=timedelta(minutes=settings.lease_minutes),
                expected_version=version,
                request_id=request_uuid(request_id),
            )
        )
    print_state(state, as_json)


def claim_next(
    queue_type: TypeOption = None,
    rule: RuleOption = None,
    request_id: RequestOption = None,
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Claim the next best item that nobody holds: reserved for you first, then by priority."""
    settings = Settings.read()
    actor = accounts.local(username=username)
    with opened(settings) as database:
        state = verbs.claim_next_at_once(
            database,
            actor=actor,
            lease=timedelta(minutes=settings.lease_minutes),
            queue_types=queue_type,
            rule_ids=rule,
            request_id=request_uuid(request_id),
        )
        if not as_json:
            with database.snapshot() as session:
                print_dossier(dossier(session, state.id))
    if as_json:
        print_state(state, as_json)


def show(
    item: Annotated[int, typer.Argument(help="Item id.")], as_json: JsonOption = False
) -> None:
    """Show one item: the problem in words, the record, its sources, and the history."""
    with opened() as database, database.snapshot() as session:
        found = dossier(session, item)
    if as_json:
        print_json(found.as_dict())
    else:
        print_dossier(found)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("inbox")(inbox)
    app.command("claim")(claim)
    app.command("claim-next")(claim_next)
    app.command("show")(show)
