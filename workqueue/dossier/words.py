"""What an action says, as one line: the payload of the history in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from workqueue.fields import BY_NAME

Payload = Mapping[str, Any]


def in_words(payload: Payload) -> str:
    """The payload of an action as one line; blank where the action's name says it all.

    Keys that are not known, such as those of later versions, are told as they stand.
    """
    said = [tell(payload) for key, tell in _TOLD.items() if key in payload]
    said += [f"{key} {value}" for key, value in payload.items() if key not in _KNOWN]
    return "; ".join(part for part in said if part)


def _changes(payload: Payload) -> str:
    told = []
    for change in payload["changes"]:
        field = BY_NAME.get(change["field"])
        label = field.label if field else change["field"]
        told.append(f"{label}: {_shown(change['old'])} → {_shown(change['new'])}")
    return "; ".join(told)


def _shown(value: object) -> str:
    return "blank" if value in (None, "") else f"{value}"


def _duplicate(payload: Payload) -> str:
    return (
        f"record {payload.get('provider_id')} (NPI {_shown(payload.get('npi'))}) is the same as "
        f"record {payload['of_provider_id']} (NPI {_shown(payload.get('of_npi'))})"
    )


def _priority(payload: Payload) -> str:
    changed = payload["priority"]
    return f"priority {changed.get('was')} → {changed.get('is')}"


def _after(prefix: str, key: str) -> Callable[[Payload], str]:
    return lambda payload: f"{prefix}{payload[key]}" if payload[key] else ""


_TOLD: Final[Mapping[str, Callable[[Payload], str]]] = MappingProxyType(
    {
        "rule": lambda payload: f"{payload['rule']} version {payload.get('rule_version')}",
        "changes": _changes,
        "of_provider_id": _duplicate,
        "old": lambda payload: f"priority {payload['old']} → {payload.get('new')}",
        "assigned_to": _after("to ", "assigned_to"),
        "taken_from": _after("taken from ", "taken_from"),
        "is": lambda payload: "the evidence changed" if payload.get("was") else "",
        "priority": _priority,
        "reason": _after("", "reason"),
        "text": _after("", "text"),
        "note": _after("", "note"),
        "verified_how": _after("verified: ", "verified_how"),
        "gone_since": _after("gone since ", "gone_since"),
    }
)
# Told together with another key, by the action's name, or of use to machines only.
_KNOWN: Final = frozenset(_TOLD) | {
    "evidence",
    "from",
    "to",
    "lease_expires_at",
    "lease_ended_at",
    "new",
    "npi",
    "of_npi",
    "provider_id",
    "rule_version",
    "run",
    "was",
}
