"""What a validation script is written with: `validation` marks the function, `Finding` it yields.

    from workqueue.checks import Finding, validation

    @validation(fields=("npi", "practice_zip"), rules=[{"id": "OWN_…", "title": …, …}])
    def zip_codes(records):
        for row in records.to_pylist():
            if …:
                yield Finding("OWN_…", row["id"], {"practice_zip": row["practice_zip"]})

`records` is a pyarrow Table with id (int64), source and the fields that were asked for: text
without blanks around it, dates as date32, NULL where there is nothing. It has the live records of
which all those fields are known.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

_EVIDENCE_LIMIT: Final = 20_000


@dataclass(frozen=True)
class Finding:
    """One problem of one record: `values` are told to the reviewer, `priority` is 1 to 5.

    Without a priority it has its rule's. A script finds a record once per rule at most.
    """

    rule_id: str
    provider_id: int
    values: Mapping[str, Any] = field(default_factory=dict)
    priority: int | None = None


@dataclass(frozen=True)
class Validation:
    """A function that yields findings, the fields it wants to see, and its rules in words."""

    ask: Callable[[Any], Iterable[Finding]]
    fields: tuple[str, ...]
    rules: tuple[dict[str, Any], ...]


class WrongFinding(Exception):
    """A script gave something that no item could be made of."""


def validation(
    *, fields: Sequence[str], rules: Sequence[Mapping[str, Any]]
) -> Callable[[Callable[[Any], Iterable[Finding]]], Validation]:
    """Mark a function as a validation script.

    Each of `rules` has id, queue_type, priority, attribute, title, says, exit_condition and source,
    as the file of a rule does.
    """

    def mark(ask: Callable[[Any], Iterable[Finding]]) -> Validation:
        return Validation(ask, tuple(fields), tuple(dict(each) for each in rules))

    return mark


def evidence(values: object, which: str) -> str:
    """`values` as the evidence of an item, in canonical JSON. Raises WrongFinding."""
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise WrongFinding(f"{which} has values that are no mapping of names.")
    try:
        plain = {name: _plain(value) for name, value in values.items()}
        said = json.dumps(
            {"values": plain},
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
            allow_nan=False,
        )
        said.encode()
    except (TypeError, ValueError) as error:
        raise WrongFinding(f"{which} has a value that cannot be kept: {error}.") from None
    if "\\u0000" in said:
        raise WrongFinding(f"{which} has a value with the character NUL.")
    if len(said) > _EVIDENCE_LIMIT:
        raise WrongFinding(f"{which} has values of more than {_EVIDENCE_LIMIT} characters.")
    return said


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} is neither text, number, date nor nothing")
