"""The frozen parts of a dossier. Times are UTC; None means that there is no value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from workqueue.rules import Suggestion


@dataclass(frozen=True)
class Item:
    """The work item with its rule in words; `finding` says what this evidence means.

    `gone_since` is when the problem was last seen gone, in the view of who reopened the item too:
    `finding` and `evidence` no longer hold then. `suggested` are values that would cure it, for as
    long as it is to be cured.
    """

    id: int
    provider_id: int
    npi: str | None
    provider: str
    state: str | None
    rule_id: str
    title: str
    finding: str
    exit_condition: str
    rule_source: str
    queue_type: str
    status: str
    priority: int
    created_at: datetime
    assigned_to: str | None
    lease_expires_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    notes: str
    evidence: dict[str, Any]
    suggested: tuple[Suggestion, ...]
    fingerprint: str
    generation: int
    cured_at: datetime | None
    gone_since: datetime | None
    version: int


@dataclass(frozen=True)
class FieldValue:
    """One attribute of the lead record: what counts now, and where that comes from.

    `known` is false where no file of the source ever had the field. `received` is what the
    source says, where that differs from `value` by a correction or by normalising. `as_of` is
    when the source was last loaded for this record. `contradicted`: the source has changed since
    the correction, and says something else. `faulty`: what the item is about.
    """

    field: str
    label: str
    value: str | None
    known: bool
    source: str
    received: str | None
    as_of: datetime
    corrected_by: str | None
    corrected_at: datetime | None
    verified_how: str | None
    contradicted: bool
    faulty: bool


@dataclass(frozen=True)
class FieldGroup:
    """Attributes that belong together, such as those of the practice address."""

    name: str
    fields: tuple[FieldValue, ...]


@dataclass(frozen=True)
class Member:
    """A record of a group item; `left_at` is set where it is no longer one."""

    provider_id: int
    npi: str | None
    provider: str
    state: str | None
    source: str
    lead: bool
    joined_at: datetime
    left_at: datetime | None


@dataclass(frozen=True)
class Side:
    """What one source says of an attribute, and since when it is known to say it.

    `corrected`: a person's correction, which then is the date's too.
    """

    provider_id: int
    source: str
    value: str
    as_of: date | None
    corrected: bool


@dataclass(frozen=True)
class Disagreement:
    """An attribute of which the sources of a provider say different things.

    `about` tells which one it is where there are several, such as the state of a licence.
    """

    field: str
    label: str
    about: str
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class OtherItem:
    """Another item about the same record that is OPEN or IN_PROGRESS."""

    id: int
    rule_id: str
    title: str
    status: str
    priority: int
    created_at: datetime
    assigned_to: str | None


@dataclass(frozen=True)
class Entry:
    """One action of the history; `words` says the payload in a line."""

    seq: int
    action: str
    who: str
    via: str
    at: datetime
    payload: dict[str, Any]
    words: str
    request_id: UUID | None
    hash: str


@dataclass(frozen=True)
class Correction:
    """A correction of a field of the lead record; live while `withdrawn_at` is None."""

    field: str
    label: str
    value: str | None
    replaced_value: str | None
    current_source_value: str | None
    by: str
    at: datetime
    verified_how: str
    item_id: int
    withdrawn_at: datetime | None
    withdrawn_by: str | None


@dataclass(frozen=True)
class Dossier:
    """One item with its record, members, other items, history and corrections, newest first.

    `disagreements` is what the item is about where that is sources that contradict each other.
    """

    item: Item
    groups: tuple[FieldGroup, ...]
    disagreements: tuple[Disagreement, ...]
    members: tuple[Member, ...]
    other_items: tuple[OtherItem, ...]
    history: tuple[Entry, ...]
    corrections: tuple[Correction, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same in JSON's types: times as ISO 8601 with Z."""
        told: dict[str, Any] = _plain(asdict(self))
        return told


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
