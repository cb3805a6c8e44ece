"""What a filter can be narrowed to: the lists that a form offers."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from workqueue.lifecycle import Right, Role, Verb, right
from workqueue.models import QueueType, Rule, User
from workqueue.values import STATES


@dataclass(frozen=True)
class TypeChoice:
    """A queue type and what it is called."""

    code: str
    label: str


@dataclass(frozen=True)
class RuleChoice:
    """A rule and its title; `retired`: it is no longer asked."""

    id: str
    title: str
    queue_type: str
    retired: bool


@dataclass(frozen=True)
class PersonChoice:
    """A user who may hold items, or did: `can_hold` is False for whoever may not any more."""

    username: str
    display_name: str
    can_hold: bool


@dataclass(frozen=True)
class Choices:
    """Queue types, rules by title, people by name, and the postal codes of states."""

    queue_types: tuple[TypeChoice, ...]
    rules: tuple[RuleChoice, ...]
    people: tuple[PersonChoice, ...]
    states: tuple[str, ...]


def choices(session: Session) -> Choices:
    """What the filters of a form offer; rules are known once detection has run."""
    types = session.execute(select(QueueType.code, QueueType.label).order_by(QueueType.label))
    rules = session.execute(
        select(Rule.id, Rule.title, Rule.queue_type, Rule.retired_at).order_by(
            Rule.retired_at.is_not(None), Rule.title
        )
    )
    people = session.execute(
        select(User.username, User.display_name, User.role, User.kind, User.disabled_at)
        .where(User.kind != "system")
        .order_by(User.username)
    )
    return Choices(
        queue_types=tuple(TypeChoice(row.code, row.label) for row in types),
        rules=tuple(
            RuleChoice(row.id, row.title, row.queue_type, row.retired_at is not None)
            for row in rules
        ),
        people=tuple(
            PersonChoice(
                row.username,
                row.display_name,
                row.disabled_at is None and row.kind == "person",
            )
            for row in people
            if right(Role(row.role), Verb.CLAIM) is not Right.NEVER
        ),
        states=tuple(sorted(STATES)),
    )
