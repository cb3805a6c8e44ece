"""Options that several commands share, and what they mean."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import typer

from workqueue.accounts import Actor
from workqueue.errors import BadInput
from workqueue.inbox import Filter

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


def day(given: str | None, option: str) -> date | None:
    """The day that `option` was given as; BadInput where it is none."""
    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise BadInput(f"{option} {given!r} is not a date; write it like 2026-01-31.") from None


def request_uuid(given: str | None) -> UUID | None:
    """The request id as given; BadInput where it is none."""
    if given is None:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise BadInput(f"--request-id {given!r} is not a UUID; make one with `uuidgen`.") from None


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
        created_from=day(created_from, "--from"),
        created_to=day(created_to, "--to"),
        include_mine=None if status else actor.username,
    )
