"""The Filter: which work items are meant, validated when it is made and always complete."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Self

from workqueue.errors import BadInput
from workqueue.lifecycle import Status

MAX_ID: Final = 2**63 - 1
NOBODY: Final = "nobody"
MAX_TEXT: Final = 100
MAX_CHOICES: Final = 200
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(9999, 12, 30)


@dataclass(frozen=True)
class Filter:
    """Which items are meant; what is empty does not restrict. Raises BadInput when made wrongly.

    statuses, queue_types, priorities (1 to 5), rule_ids and states (practice state of the lead
    record) each mean "one of these". `assignee` is a username, or "nobody"; "me" is for the
    caller to replace. `text` searches the lead record: digits are the beginning of an NPI;
    otherwise every word must occur in last and first name, in any order, where one word has
    three letters or more, or else the first word, of two letters, begins the last name. `npi`
    and `provider_id` find items whose lead or any present member that is. `created_from` and
    `created_to` are days in UTC, both included. `include_mine` adds the IN_PROGRESS items of
    that username to the statuses asked for, subject to all the other conditions.
    """

    statuses: tuple[str, ...] = ()
    queue_types: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    rule_ids: tuple[str, ...] = ()
    assignee: str | None = None
    states: tuple[str, ...] = ()
    text: str | None = None
    npi: str | None = None
    provider_id: int | None = None
    created_from: date | None = None
    created_to: date | None = None
    include_mine: str | None = None

    def __post_init__(self) -> None:
        """Check every value and bring it to its one form."""
        made = object.__setattr__
        made(self, "statuses", _statuses(self.statuses))
        made(self, "queue_types", _codes(self.queue_types, "queue type"))
        made(self, "priorities", _priorities(self.priorities))
        made(self, "rule_ids", _codes(self.rule_ids, "rule"))
        made(self, "states", _states(self.states))
        made(self, "assignee", _name(self.assignee, "assignee"))
        made(self, "include_mine", _name(self.include_mine, "include_mine"))
        made(self, "text", _text(self.text))
        made(self, "npi", _npi(self.npi))
        _check_id(self.provider_id)
        _check_days(self.created_from, self.created_to)

    @classmethod
    def waiting(cls, username: str) -> Self:
        """The default view of a person: what is OPEN, and what they hold themselves."""
        return cls(statuses=(Status.OPEN,), include_mine=username)

    @property
    def created_since(self) -> datetime | None:
        """The first moment of `created_from`, UTC."""
        return _midnight(self.created_from)

    @property
    def created_before(self) -> datetime | None:
        """The first moment after `created_to`, UTC."""
        return _midnight(self.created_to + timedelta(days=1)) if self.created_to else None

    def as_dict(self) -> dict[str, Any]:
        """What restricts, in JSON's types; for manifests, security events and links."""
        said: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value in (None, ()):
                continue
            if isinstance(value, tuple):
                value = [str(each) if isinstance(each, str) else each for each in value]
            said[field.name] = value.isoformat() if isinstance(value, date) else value
        return said


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None


def _distinct(values: Sequence[Any], what: str) -> tuple[Any, ...]:
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise BadInput(f"{what}: give a sequence of values, not {values!r:.60}.")
    distinct = tuple(dict.fromkeys(values))
    if len(distinct) > MAX_CHOICES:
        raise BadInput(f"{what}: at most {MAX_CHOICES} values, not {len(distinct)}.")
    return distinct


def _statuses(values: Sequence[Any]) -> tuple[Status, ...]:
    allowed = ", ".join(Status)
    found = []
    for value in _distinct(values, "status"):
        try:
            found.append(Status(value))
        except ValueError:
            raise BadInput(f"there is no status {value!r:.60}; use one of {allowed}.") from None
    return tuple(sorted(set(found), key=list(Status).index))


def _codes(values: Sequence[Any], what: str) -> tuple[str, ...]:
    found = _distinct(values, what)
    for value in found:
        if not isinstance(value, str) or not _CODE.fullmatch(value):
            raise BadInput(
                f"{value!r:.60} cannot be a {what}: write it as in MISSING_DATA, "
                "in capitals, digits and underscores."
            )
    return tuple(sorted(found))


def _priorities(values: Sequence[Any]) -> tuple[int, ...]:
    found = _distinct(values, "priority")
    for value in found:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5:
            raise BadInput(f"there is no priority {value!r:.60}; use 1 (high), 2, 3, 4 or 5 (low).")
    return tuple(sorted(found))


def _states(values: Sequence[Any]) -> tuple[str, ...]:
    found = []
    for value in _distinct(values, "state"):
        state = clean(value, "state").upper()
        if not 1 <= len(state) <= 40:
            raise BadInput(f"{value!r:.60} cannot be a state: write it as in CA.")
        found.append(state)
    return tuple(sorted(set(found)))


def _name(value: Any, what: str) -> str | None:
    if value is None:
        return None
    name = clean(value, what)
    if not 1 <= len(name) <= MAX_TEXT:
        raise BadInput(f"{what}: a username has 1 to {MAX_TEXT} characters.")
    return name


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    words = clean(value, "text").replace(",", " ").split()
    text = " ".join(words)
    if len(text) > MAX_TEXT:
        raise BadInput(f"the search text has {len(text)} characters; at most {MAX_TEXT} count.")
    if text.isascii() and text.isdigit():
        if not 2 <= len(text) <= 10:
            raise BadInput("digits are searched as the beginning of an NPI: give 2 to 10 of them.")
    elif not words or (max(map(len, words)) < 3 and len(words[0]) < 2):
        raise BadInput(
            "the search text is too short: give three letters of a name, the first two of a last "
            "name, or the first digits of an NPI."
        )
    return text


def _npi(value: Any) -> str | None:
    if value is None:
        return None
    npi = clean(value, "NPI")
    if not 1 <= len(npi) <= 20:
        raise BadInput("an NPI has 10 digits; at most 20 characters are compared.")
    return npi


def _check_id(value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ID:
        raise BadInput(f"{value!r:.60} cannot be a provider id: use a whole number from 1.")


def _check_days(first: Any, last: Any) -> None:
    for day in (first, last):
        if day is None:
            continue
        if isinstance(day, datetime) or not isinstance(day, date):
            raise BadInput(f"{day!r:.60} is not a day: give a date such as 2026-01-31, UTC.")
        if not _FIRST_DAY <= day <= _LAST_DAY:
            raise BadInput(f"{day} is out of range: give a day from {_FIRST_DAY} to {_LAST_DAY}.")
    if first and last and first > last:
        raise BadInput(f"the first day, {first}, is after the last, {last}; swap them.")


def clean(value: Any, what: str) -> str:
    """`value` without surrounding blanks; BadInput where PostgreSQL could not hold it as text."""
    if not isinstance(value, str):
        raise BadInput(f"{what}: {value!r:.60} is not text.")
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadInput(
            f"{what}: it holds a character that cannot be kept (NUL or half a pair); remove it."
        )
    return value.strip()
