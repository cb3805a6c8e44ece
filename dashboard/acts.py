"""The acts of the desk: each verb as it is asked for, and what it has led to in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.lifecycle import Status, Verb


@dataclass(frozen=True)
class Viewer:
    """Who acts, and how long a claim of theirs lasts."""

    actor: Actor
    lease: timedelta


@dataclass(frozen=True)
class Done:
    """What an act has led to, in words; `cured`: is the problem gone? None: it was not asked."""

    item_id: int
    verb: Verb
    status: Status
    version: int
    words: str
    cured: bool | None = None


@dataclass(frozen=True)
class Request:
    """One act as a person asked for it; `request_id` makes a repeated one count once."""

    verb: Verb
    item_id: int
    version: int | None
    request_id: UUID
    details: Mapping[str, Any] = field(default_factory=dict)


def _plain(name: str, words: str) -> Callable[[Any, Viewer, Request], Done]:
    verb = getattr(verbs, name)

    def act(session: Any, viewer: Viewer, request: Request) -> Done:
        state = verb(
            session,
            request.item_id,
            actor=viewer.actor,
            expected_version=request.version,
            request_id=request.request_id,
            **request.details,
        )
        return Done(state.id, request.verb, state.status, state.version, words.format(id=state.id))

    return act


def _claimed(session: Any, viewer: Viewer, request: Request) -> Done:
    state = verbs.claim(
        session,
        request.item_id,
        actor=viewer.actor,
        lease=viewer.lease,
        expected_version=request.version,
        request_id=request.request_id,
    )
    return Done(state.id, request.verb, state.status, state.version, f"Item {state.id} is yours.")


def _updated(session: Any, viewer: Viewer, request: Request) -> Done:
    result = verbs.field_update(
        session,
        request.item_id,
        actor=viewer.actor,
        expected_version=request.version,
        request_id=request.request_id,
        **request.details,
    )
    state = result.state
    return Done(
        state.id, request.verb, state.status, state.version, result.message, cured=result.cured
    )


ACTS: Final[Mapping[Verb, Callable[[Any, Viewer, Request], Done]]] = {
    Verb.CLAIM: _claimed,
    Verb.RELEASE: _plain("release", "Item {id} is back in the queue."),
    Verb.ASSIGN: _plain("assign", "Item {id} is assigned."),
    Verb.SET_PRIORITY: _plain("set_priority", "The priority of item {id} is changed."),
    Verb.COMMENT: _plain("comment", "The comment on item {id} is kept."),
    Verb.FIELD_UPDATE: _updated,
    Verb.MARK_DUPLICATE: _plain("mark_duplicate", "The duplicate is noted on item {id}."),
    Verb.RESOLVE: _plain("resolve", "Item {id} is resolved."),
    Verb.REJECT: _plain("reject", "Item {id} is rejected."),
    Verb.REOPEN: _plain("reopen", "Item {id} is open again."),
}
