"""A rule as JSON and back: how an own rule is kept in the database.

A re-check after an edit reads it there, so that the desk needs neither the folder of the files nor
a second look at what detection has checked, and asks what the last detection asked.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any, Final

from workqueue.rules.rule import Check, Group, Rule

_WORDS: Final = (
    *("id", "version", "queue_type", "attribute"),
    *("title", "says", "exit_condition", "source"),
)


def as_json(rule: Rule) -> str:
    """`rule` as one line of JSON."""
    return json.dumps(asdict(rule), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@lru_cache(1024)
def from_json(text: str) -> Rule:
    """The rule that `as_json` wrote. Raises TypeError or ValueError for anything else."""
    told: dict[str, Any] = json.loads(text)
    checks = tuple(
        Check(one["expression"], tuple(one["fields"]), tuple(one["shows"]), one["slots"])
        for one in told.pop("checks")
    )
    group = told.pop("group")
    if group is not None:
        keys = tuple((name, expression) for name, expression in group.pop("keys"))
        group = Group(keys=keys, fields=tuple(group.pop("fields")), **group)
    suggests = tuple((name, expression) for name, expression in told.pop("suggests"))
    return Rule(checks=checks, group=group, suggests=suggests, **told)


def stamped(rule: Rule) -> Rule:
    """`rule` with the version that follows from what it asks.

    Other words, another title or source are no other version: nothing is found anew for them.
    """
    told = {name: value for name, value in asdict(rule).items() if value and name not in _WORDS}
    return replace(rule, version=content_version(told))


def content_version(content: object) -> int:
    """A version that is the same for the same content: bytes, or what JSON can hold."""
    said = content if isinstance(content, bytes) else json.dumps(content, sort_keys=True).encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:8]) % 1_000_000_000
