"""What a session looks at, as a value and as a link: filter, order, place in the list, open item.

`View.parse` reads a query string piece by piece: what cannot be used falls back to its default
and is told in words, and the rest counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlencode

from workqueue.errors import BadInput
from workqueue.inbox import MAX_ID, NOBODY, Filter, Order
from workqueue.lifecycle import Status

MINE: Final = "MINE"
ME: Final = "me"
DEFAULT_STATUSES: Final = (Status.OPEN.value, MINE)
STATUSES: Final = (
    Status.OPEN.value,
    MINE,
    Status.IN_PROGRESS.value,
    Status.RESOLVED.value,
    Status.REJECTED.value,
)
_LONGEST_LINK: Final = 4_000


@dataclass(frozen=True)
class View:
    """One view of the inbox; every field has a default, and each is a part of the link.

    `statuses` are those of the life cycle and MINE (in progress, held by the viewer); none means
    every status. `assignee` is a username, "me" or "nobody". `after` and `before` are cursors of
    `workqueue.inbox`, `last` asks for the last page.
    """

    statuses: tuple[str, ...] = DEFAULT_STATUSES
    queue_types: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    rule: str | None = None
    assignee: str | None = None
    state: str | None = None
    text: str | None = None
    order: Order = Order.PRIORITY
    after: str | None = None
    before: str | None = None
    last: bool = False
    item: int | None = None

    def filter(self, username: str) -> Filter:
        """The same as a Filter of the data layer, for the viewer `username`. Raises BadInput."""
        statuses = tuple(Status(each) for each in self.statuses if each != MINE)
        assignee, include = username if self.assignee == ME else self.assignee, None
        if MINE in self.statuses and statuses:
            include = username
        elif MINE in self.statuses:
            # Only what the viewer holds; whoever asks for somebody else's as well finds nothing.
            statuses = (Status.IN_PROGRESS,)
            assignee = username if assignee is None else assignee
        return Filter(
            statuses=statuses,
            queue_types=self.queue_types,
            priorities=self.priorities,
            rule_ids=(self.rule,) if self.rule else (),
            assignee=assignee,
            states=(self.state,) if self.state else (),
            text=self.text,
            include_mine=include,
        )

    def first_page(self, **changes: Any) -> Self:
        """The view with `changes`, from the first page on."""
        return replace(self, **{"after": None, "before": None, "last": False, **changes})

    @property
    def narrowed(self) -> bool:
        """Whether anything but the default is filtered for."""
        return any(getattr(self, name) != getattr(View(), name) for name in _FILTERS)

    def cleared(self) -> Self:
        """The view with the default filter, from the first page on."""
        return self.first_page(**{name: getattr(View(), name) for name in _FILTERS})

    def query(self) -> str:
        """The view as a query string, without what is the default; "" for the default view."""
        said: list[tuple[str, str]] = []
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                said.append((_WORDS.get(name, name), _written(value)))
        return urlencode(said, safe=",")

    @classmethod
    def parse(cls, query: str) -> tuple[Self, tuple[str, ...]]:
        """The view of a query string, and a sentence for each part that could not be used."""
        said: dict[str, Any] = {}
        wrong: list[str] = []
        for word, text in _pairs(query):
            name = _NAMES.get(word)
            if name is None:
                continue
            try:
                said[name] = _READ[name](text)
            except (BadInput, ValueError) as refusal:
                reason = str(refusal) if isinstance(refusal, BadInput) else "it cannot be read."
                wrong.append(f"“{word}” of the link was left out: {reason}")
        places = [name for name in ("after", "before", "last") if said.get(name)]
        for name in places[1:]:
            del said[name]
        return cls(**said), tuple(wrong)


_DEFAULTS: Final = {field.name: field.default for field in fields(View)}
_FILTERS: Final = ("statuses", "queue_types", "priorities", "rule", "assignee", "state", "text")
# Where the word in the link is another one than the field's name.
_WORDS: Final = {"statuses": "status", "queue_types": "type", "priorities": "priority", "text": "q"}
_NAMES: Final = {_WORDS.get(name, name): name for name in _DEFAULTS}


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query[:_LONGEST_LINK].lstrip("?"), keep_blank_values=True)
    except ValueError:
        return []


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(str(each) for each in value) or "any"
    if value is True:
        return "1"
    return str(value)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _statuses(text: str) -> tuple[str, ...]:
    if text.strip().lower() in {"any", ""}:
        return ()
    asked = [part.upper().replace("-", "_") for part in _listed(text)]
    for each in asked:
        if each not in STATUSES:
            raise BadInput(f"there is no status “{each:.40}”; choose one at the left.")
    return tuple(each for each in STATUSES if each in asked)


def _priorities(text: str) -> tuple[int, ...]:
    return Filter(priorities=tuple(int(part) for part in _listed(text))).priorities


def _item(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    if not 1 <= number <= MAX_ID:
        raise BadInput("an item has a number, as in item=42.")
    return number


def _assignee(text: str) -> str | None:
    return text if text in {ME, NOBODY} else Filter(assignee=text).assignee


def _state(text: str) -> str | None:
    (state,) = Filter(states=(text,)).states
    return state


def _rule(text: str) -> str | None:
    (rule,) = Filter(rule_ids=(text,)).rule_ids
    return rule


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "statuses": _statuses,
    "queue_types": lambda text: Filter(queue_types=tuple(_listed(text))).queue_types,
    "priorities": _priorities,
    "rule": _rule,
    "assignee": _assignee,
    "state": _state,
    "text": lambda text: Filter(text=text).text,
    "order": Order,
    "after": lambda text: text[:200] or None,
    "before": lambda text: text[:200] or None,
    "last": lambda text: text == "1",
    "item": _item,
}
