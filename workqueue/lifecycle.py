"""The life of a work item as data: states, verbs, transitions and who may do what.

Everything that asks "is this legal?" or "who may?" reads these tables: the verbs, the command
line, the desk, the documentation and the tests. There is no second copy of them in code.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Status(StrEnum):
    """Where a work item stands."""

    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    RESOLVED = "RESOLVED"
    REJECTED = "REJECTED"


class Verb(StrEnum):
    """What can be done to a work item; the word is the same in table, code, button and export."""

    CREATE = "create"
    REFRESH = "refresh"
    CURE = "cure"
    RECUR = "recur"
    CLOSE = "close"
    REVIVE = "revive"
    EXPIRE = "expire"
    CLAIM = "claim"
    RELEASE = "release"
    ASSIGN = "assign"
    SET_PRIORITY = "set-priority"
    COMMENT = "comment"
    FIELD_UPDATE = "field-update"
    MARK_DUPLICATE = "mark-duplicate"
    RESOLVE = "resolve"
    REJECT = "reject"
    REOPEN = "reopen"


class Role(StrEnum):
    """What a user is trusted with. SYSTEM is the machine itself: detection and sweeps."""

    REVIEWER = "reviewer"
    LEAD = "lead"
    MANAGER = "manager"
    ANALYST = "analyst"
    ADMIN = "admin"
    SYSTEM = "system"


class Kind(StrEnum):
    """How an actor came to be known: by login, by holding the database credentials, or as us."""

    WEB = "web"
    LOCAL = "local"
    SYSTEM = "system"


CLOSED: Final = frozenset({Status.RESOLVED, Status.REJECTED})
LIVE: Final = frozenset({Status.OPEN, Status.IN_PROGRESS})

_O, _P, _R, _X = Status.OPEN, Status.IN_PROGRESS, Status.RESOLVED, Status.REJECTED

# What is not listed is refused. `claim` of an IN_PROGRESS item is legal where the lease has ended,
# and renews it for the holder; the claim statement decides that on database time.
TRANSITIONS: Final = MappingProxyType(
    {
        (_O, Verb.REFRESH): _O,
        (_P, Verb.REFRESH): _P,
        (_O, Verb.CURE): _O,
        (_P, Verb.CURE): _P,
        (_O, Verb.RECUR): _O,
        (_P, Verb.RECUR): _P,
        (_O, Verb.CLOSE): _R,
        (_R, Verb.REVIVE): _O,
        (_P, Verb.EXPIRE): _O,
        (_O, Verb.CLAIM): _P,
        (_P, Verb.CLAIM): _P,
        (_P, Verb.RELEASE): _O,
        (_O, Verb.ASSIGN): _O,
        (_P, Verb.ASSIGN): _O,
        (_O, Verb.SET_PRIORITY): _O,
        (_P, Verb.SET_PRIORITY): _P,
        (_O, Verb.COMMENT): _O,
        (_P, Verb.COMMENT): _P,
        (_R, Verb.COMMENT): _R,
        (_X, Verb.COMMENT): _X,
        (_P, Verb.FIELD_UPDATE): _P,
        (_P, Verb.MARK_DUPLICATE): _P,
        (_P, Verb.RESOLVE): _R,
        (_P, Verb.REJECT): _X,
        (_R, Verb.REOPEN): _O,
        (_X, Verb.REOPEN): _O,
    }
)


class Right(StrEnum):
    """How far a role's right to a verb reaches."""

    NEVER = "never"
    IF_HELD = "if held"
    ALWAYS = "always"


_N, _H, _A = Right.NEVER, Right.IF_HELD, Right.ALWAYS

_PEOPLE = (Role.REVIEWER, Role.LEAD, Role.MANAGER, Role.ADMIN, Role.ANALYST, Role.SYSTEM)

# Default deny: every verb has a cell for every role, and a missing cell fails the tests.
# "if held" asks that the actor holds the item under a live lease.
_RIGHTS: Final[dict[Verb, tuple[Right, Right, Right, Right, Right, Right]]] = {
    #                     reviewer lead manager admin analyst system
    Verb.CREATE: (_N, _N, _N, _N, _N, _A),
    Verb.REFRESH: (_N, _N, _N, _N, _N, _A),
    Verb.CURE: (_N, _N, _N, _N, _N, _A),
    Verb.RECUR: (_N, _N, _N, _N, _N, _A),
    Verb.CLOSE: (_N, _N, _N, _N, _N, _A),
    Verb.REVIVE: (_N, _N, _N, _N, _N, _A),
    Verb.EXPIRE: (_N, _N, _N, _N, _N, _A),
    Verb.CLAIM: (_A, _A, _A, _A, _N, _N),
    Verb.RELEASE: (_H, _A, _A, _A, _N, _N),
    Verb.ASSIGN: (_N, _A, _A, _A, _N, _N),
    Verb.SET_PRIORITY: (_N, _A, _A, _A, _N, _N),
    Verb.COMMENT: (_A, _A, _A, _A, _N, _N),
    Verb.FIELD_UPDATE: (_H, _H, _H, _H, _N, _N),
    Verb.MARK_DUPLICATE: (_H, _H, _H, _H, _N, _N),
    Verb.RESOLVE: (_H, _H, _H, _H, _N, _N),
    Verb.REJECT: (_H, _H, _H, _H, _N, _N),
    Verb.REOPEN: (_A, _A, _A, _A, _N, _N),
}

RIGHTS: Final = MappingProxyType(
    {(role, verb): cells[i] for verb, cells in _RIGHTS.items() for i, role in enumerate(_PEOPLE)}
)


class Duty(StrEnum):
    """What is not done to one work item: the other things a role may or may not do."""

    LOAD = "load"
    DETECT = "detect"
    EXPORT = "export"
    USERS = "users"


DUTIES: Final = MappingProxyType(
    {
        Role.REVIEWER: frozenset[Duty](),
        Role.LEAD: frozenset({Duty.EXPORT}),
        Role.MANAGER: frozenset({Duty.LOAD, Duty.DETECT, Duty.EXPORT}),
        Role.ADMIN: frozenset(Duty),
        Role.ANALYST: frozenset({Duty.EXPORT}),
        Role.SYSTEM: frozenset({Duty.LOAD, Duty.DETECT}),
    }
)


def after(status: Status, verb: Verb) -> Status | None:
    """The status that `verb` leads to from `status`, or None where it is not legal."""
    return TRANSITIONS.get((status, verb))


def right(role: Role, verb: Verb) -> Right:
    """How far `role` may use `verb`; what the table does not say is never allowed."""
    return RIGHTS.get((role, verb), Right.NEVER)
