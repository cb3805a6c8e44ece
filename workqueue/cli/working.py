"""Commands of the daily work: inbox, claim, claim-next, show, act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from workqueue import accounts, verbs
from workqueue.accounts import Actor
from workqueue.cli.dossier_text import print_dossier
from workqueue.cli.opening import opened
from workqueue.cli.printing import (
    AsOption,
    Cell,
    JsonOption,
    print_json,
    print_line,
    print_table,
)
from workqueue.database import Database
from workqueue.dossier import dossier
from workqueue.errors import BadInput
from workqueue.inbox import Filter, InboxRow, count, page
from workqueue.lifecycle import Verb
from workqueue.settings import Settings

_BATCH = 1000

StatusOption = Annotated[list[str] | None, typer.Option("--status", help="Repeat for several.")]
TypeOption = Annotated[list[str] | None, typer.Option("--type", help="Queue type.")]
PriorityOption = Annotated[list[int] | None, typer.Option("--priority", help="1 high to 5 low.")]
RuleOption = Annotated[list[str] | None, typer.Option("--rule", help="Rule id.")]
StateOption = Annotated[list[str] | None, typer.Option("--state", help="Practice state.")]
AssigneeOption = Annotated[
    str | None, typer.Option("--assignee", help="A user name, or: me, nobody.")
]
TextOption = Annotated[
    str | None,
    typer.Option("--text", help="Name (3+ letters anywhere, 2 letters prefix) or NPI prefix."),
]
FromOption = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="Created on this day or later, UTC.")
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Created on this day or earlier, UTC.")
]
VersionOption = Annotated[
    int | None, typer.Option("--version", help="Refuse if the item has another version by now.")
]
RequestOption = Annotated[
    str | None, typer.Option("--request-id", metavar="UUID", help="Makes a retry write once.")
]


def _day(given: str | None, option: str) -> date | None:
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise BadInput(f"{option} {given!r} is not a date; write it like 2026-01-31.") from None


def _request(given: str | None) -> UUID | None:
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise BadInput(
            f"--request-id {given!r} is not a UUID; make one with `uuidgen`."
        ) from None


def build_filter(
    actor: Actor,
    *,
    status: list[str] | None,
    queue_type: list[str] | None,
    priority: list[int] | None,
    rule: list[str] | None,
    state: list[str] | None,
    assignee: str | None,
    text: str | None,
    created_from: str | None,
    created_to: str | None,
) -> Filter:
    """The Filter that the options say; without --status: OPEN, and IN_PROGRESS of the actor."""
    return Filter(
        statuses=tuple(status or ()) or ("OPEN",),
        queue_types=tuple(queue_type or ()),
        priorities=tuple(priority or ()),
        rule_ids=tuple(rule or ()),
        states=tuple(state or ()),
        assignee=actor.username if assignee == "me" else assignee,
        text=text,
        created_from=_day(created_from, "--from"),
        created_to=_day(created_to, "--to"),
        include_mine=None if status else actor.username,
    )


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
        rows = _rows(session, chosen, settings.page_size if limit is None else limit)
    if as_json:
        keys = ("id", "npi", "provider", "rule_id", "queue_type", "status", "priority")
        keys += ("created_at", "assigned_to")
        print_json(
            {"total": total, "items": [{key: getattr(row, key) for key in keys} for row in rows]}
        )
        return
    print_inbox(rows, total)


def print_inbox(rows: list[InboxRow], total: int) -> None:
    """Print rows of the inbox and how many there are in all."""
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
                request_id=_request(request_id),
            )
        )
    _say_state(state, as_json)


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
        state = database.run(
            lambda session: verbs.claim_next(
                session,
                actor=actor,
                lease=timedelta(minutes=settings.lease_minutes),
                queue_types=queue_type,
                rule_ids=rule,
                request_id=_request(request_id),
            )
        )
        if not as_json:
            with database.snapshot() as session:
                print_dossier(dossier(session, state.id))
    if as_json:
        _say_state(state, as_json)


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


def _say_state(state: Any, as_json: bool, **more: object) -> None:
    if as_json:
        print_json({"id": state.id, "status": state.status, "version": state.version, **more})
        return
    until = f", until {state.lease_expires_at:%H:%M} UTC" if state.lease_expires_at else ""
    holder = f", {state.assigned_to}" if state.assigned_to else ""
    print_line(f"item {state.id}: {state.status}{holder}{until} (version {state.version})")


def _changes(values: list[str]) -> dict[str, str | None]:
    changes: dict[str, str | None] = {}
    for value in values:
        field, separator, text = value.partition("=")
        if not separator or not field:
            raise BadInput(
                f"{value!r} is not FIELD=VALUE; write for example practice_phone=3088652512."
            )
        changes[field.strip()] = text or None
    if not changes:
        raise BadInput("field-update needs at least one FIELD=VALUE.")
    return changes


def _number(values: list[str], given: int | None, what: str) -> int:
    if given is not None:
        return given
    try:
        (value,) = values
        return int(value)
    except ValueError:
        raise BadInput(f"{what} is needed, as one whole number.") from None


def act(
    item: Annotated[int, typer.Argument(help="Item id.")],
    action: Annotated[
        str,
        typer.Argument(
            help="comment, field-update, mark-duplicate, resolve, reject, release, reopen, "
            "assign or set-priority."
        ),
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[VALUE]...",
            help="comment, resolve, reject, reopen: the words. field-update: FIELD=VALUE… "
            "mark-duplicate: provider id. assign: user. set-priority: 1 to 5.",
        ),
    ] = None,
    note: Annotated[str | None, typer.Option("--note", "--reason", help="The words.")] = None,
    verified: Annotated[
        str, typer.Option(help="field-update: how the new value was verified.")
    ] = "",
    provider: Annotated[
        int | None, typer.Option(help="field-update: which member of a group item.")
    ] = None,
    of: Annotated[int | None, typer.Option(help="mark-duplicate: of this provider id.")] = None,
    to: Annotated[str | None, typer.Option(help="assign: to this user.")] = None,
    priority: Annotated[int | None, typer.Option(help="set-priority: 1 high to 5 low.")] = None,
    version: VersionOption = None,
    request_id: RequestOption = None,
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do something to an item that you hold; each act is one row of the audit trail."""
    given = values or []
    words = note if note is not None else " ".join(given)
    actor = accounts.local(username=username)
    common: dict[str, Any] = {
        "actor": actor,
        "expected_version": version,
        "request_id": _request(request_id),
    }
    acts: dict[str, Callable[[Session], Any]] = {
        Verb.COMMENT: lambda session: verbs.comment(session, item, words, **common),
        Verb.RESOLVE: lambda session: verbs.resolve(session, item, note=words, **common),
        Verb.REJECT: lambda session: verbs.reject(session, item, reason=words, **common),
        Verb.REOPEN: lambda session: verbs.reopen(session, item, reason=words, **common),
        Verb.RELEASE: lambda session: verbs.release(session, item, **common),
        Verb.ASSIGN: lambda session: verbs.assign(
            session, item, to=to or " ".join(given), **common
        ),
        Verb.SET_PRIORITY: lambda session: verbs.set_priority(
            session, item, _number(given, priority, "a priority from 1 to 5"), **common
        ),
        Verb.MARK_DUPLICATE: lambda session: verbs.mark_duplicate(
            session,
            item,
            of_provider_id=_number(given, of, "the id of the provider it duplicates"),
            note=note or "",
            **common,
        ),
    }
    with opened() as database:
        if action == Verb.FIELD_UPDATE:
            _field_update(database, item, given, verified, provider, common, as_json)
        elif action in acts:
            _say_state(database.run(acts[action]), as_json)
        else:
            known = ", ".join(sorted([*acts, Verb.FIELD_UPDATE]))
            raise BadInput(f"{action!r} is not an action; there are: {known}.")


def _field_update(
    database: Database,
    item: int,
    given: list[str],
    verified: str,
    provider: int | None,
    common: dict[str, Any],
    as_json: bool,
) -> None:
    changes = _changes(given)
    result = database.run(
        lambda session: verbs.field_update(
            session, item, changes, verified_how=verified, provider_id=provider, **common
        )
    )
    _say_state(result.state, as_json, cured=result.cured, message=result.message)
    if not as_json:
        print_line(result.message)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("inbox")(inbox)
    app.command("claim")(claim)
    app.command("claim-next")(claim_next)
    app.command("show")(show)
    app.command("act")(act)
