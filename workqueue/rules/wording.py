"""What a finding says, in words a person reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workqueue.fields import BY_NAME
from workqueue.rules.catalogue import RULES, rule
from workqueue.rules.rule import Rule

_SLOTTED = re.compile(r"(.+)_(\d+)$")


class _Values(dict[str, str]):
    """A value that older evidence does not have reads as a question mark."""

    def __missing__(self, key: str) -> str:
        return "?"


@dataclass(frozen=True)
class Suggestion:
    """A value that would cure the record: the field, what it is called, and the value."""

    field: str
    label: str
    value: str


def words(rule_id: str, evidence: Mapping[str, Any], own: Rule | None = None) -> str:
    """What is wrong, with the evidence's values, as one line without a full stop.

    `own` is the rule itself where it is the operator's. Raises KeyError for an id that never was a
    rule.
    """
    asked = own or rule(rule_id)
    if "members" in evidence or asked.grouped:
        said = asked.says_of_group or asked.says
        return said.format_map(_group_values(evidence))
    values: Mapping[str, Any] = evidence.get("values", {})
    if asked.slots:
        return "; ".join(asked.says.format_map(one) for one in _by_slot(values))
    told = _Values({name: _shown(name, value) for name, value in values.items()})
    told["reason"] = str(evidence.get("reason", "?"))
    told["values"] = ", ".join(
        f"{_label(name)} {_shown(name, value)}" for name, value in values.items()
    )
    return asked.says.format_map(told)


def suggestions(evidence: Mapping[str, Any]) -> tuple[Suggestion, ...]:
    """What the rule suggests in the place of what is wrong; most often nothing."""
    offered: Mapping[str, Any] = evidence.get("suggested", {})
    return tuple(Suggestion(name, _label(name), str(value)) for name, value in offered.items())


def _label(name: str) -> str:
    known = BY_NAME.get(name)
    if known is None:
        return name
    where = f"{known.group} " if known.group in {"Practice", "Mailing"} else ""
    return f"{where}{known.label}".lower().replace("zip", "ZIP").replace("npi", "NPI")


def _shown(name: str, value: object) -> str:
    if value is None or value == "":
        return "(blank)"
    if name == "contradicted":
        return ", ".join(_label(one) for one in str(value).split(","))
    return str(value)


def _by_slot(values: Mapping[str, Any]) -> list[_Values]:
    slots: dict[int, _Values] = {}
    for name, value in values.items():
        matched = _SLOTTED.match(name)
        if matched:
            number = int(matched[2])
            slot = slots.setdefault(number, _Values(n=str(number)))
            slot[matched[1]] = _shown(name, value)
    return [slots[number] for number in sorted(slots)]


def _group_values(evidence: Mapping[str, Any]) -> _Values:
    told = _Values({name: _shown(name, value) for name, value in evidence.get("key", {}).items()})
    count = int(evidence.get("count", 0))
    members = [member.get("name") or "(no name)" for member in evidence.get("members", ())]
    listed = "; ".join(members[:5])
    told["count"] = str(count)
    told["conflicts"] = "; ".join(_conflict(line) for line in evidence.get("conflicts", ()))
    told["members"] = f"{listed} and {count - 5} more" if count > 5 else listed
    return told


def _conflict(line: Mapping[str, Any]) -> str:
    about = f" ({line['about']})" if line["about"] else ""
    sides = ", ".join(f"{side['source']} {side['value']}" for side in line["sides"])
    return f"{attribute_label(str(line['field']))}{about}: {sides}"


def attribute_label(field: str) -> str:
    """What an attribute is called in the middle of a sentence, whichever slot it is in."""
    return _label(field).removesuffix(" 1")


def catalogue_table() -> str:
    """All rules as a Markdown table for the documentation."""
    lines = [
        "| Rule | Queue | Priority | What is wrong | Closes when | Source |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.id} | {each.queue_type} | {each.priority} | {each.title} "
        f"| {each.exit_condition} | {each.source} |"
        for each in RULES
    ]
    return "\n".join(lines) + "\n"
