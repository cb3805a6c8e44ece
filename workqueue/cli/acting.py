"""The command `act`: everything that can be done to an item that one holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from workqueue import accounts, verbs
from workqueue.cli.opening import opened
from workqueue.cli.options import RequestOption, VersionOption, request_uuid
from workqueue.cli.printing import AsOption, JsonOption, print_line, print_state
from workqueue.database import Database
from workqueue.errors import BadInput
from workqueue.lifecycle import Verb


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
        "request_id": request_uuid(request_id),
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
            print_state(database.run(acts[action]), as_json)
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
    print_state(result.state, as_json, cured=result.cured, message=result.message)
    if not as_json:
        print_line(result.message)


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("act")(act)
