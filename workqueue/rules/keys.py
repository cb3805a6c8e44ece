"""The keys of groups: which groups records could form, and how to find the other members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.rules import grouping
from workqueue.rules.batch import prepared
from workqueue.rules.catalogue import RULES, rule
from workqueue.rules.engine import Limits
from workqueue.rules.references import References
from workqueue.rules.rule import Rule


class GroupKey(NamedTuple):
    """A group that records could form: of which rule, and its key in the order of the rule's."""

    rule_id: str
    values: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the finding that the group is, should it be one."""
        return fingerprint_of(self.rule_id, *self.values)

    def lookup(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The stored columns that its members are found by, and the values to look for."""
        columns, places = _found_by(self.rule_id)
        return columns, tuple([self.values[place] for place in places])


GroupKeys = frozenset[GroupKey]


def group_keys(
    records: pa.Table,
    *,
    column_sets: Mapping[int, frozenset[str]],
    rules: Sequence[Rule] = RULES,
    limits: Limits | None = None,
) -> GroupKeys:
    """The groups that `records` could belong to, deactivated ones as well.

    Junk that no group is made of (NONE, 000000) is left out. Arguments as for `evaluate`.
    """
    tables = key_tables(records, column_sets=column_sets, rules=rules, limits=limits)
    return frozenset(
        GroupKey(rule_id, values)
        for rule_id, table in tables.items()
        for values in zip(*(column.to_pylist() for column in table.columns[1:]), strict=True)
    )


def key_tables(
    records: pa.Table,
    *,
    column_sets: Mapping[int, frozenset[str]],
    rules: Sequence[Rule] = RULES,
    limits: Limits | None = None,
) -> dict[str, pa.Table]:
    """The same for many records: by rule, a table of fingerprints and the parts of the keys."""
    batch = prepared(records, column_sets, date(2000, 1, 1), References(), limits or Limits())
    groups = {each.id: each.group for each in rules if each.group is not None}
    text, places = grouping.keys(tuple(groups.values()), batch.scope)
    found: dict[str, pa.Table] = {}
    if not text:
        return found
    answer = batch.ask(text)
    for (rule_id, group), place in zip(groups.items(), places, strict=True):
        if place is not None:
            names = [f"key_{name}" for name, _ in group.keys]
            keys = answer.filter(pc.equal(answer["place"], place))
            parts = keys.columns[1 : len(names) + 1]
            prints = pc.binary_join_element_wise(fingerprint_of(rule_id), *parts, ":")
            found[rule_id] = pa.table([prints, *parts], ["fingerprint", *names])
    return found


@cache
def _found_by(rule_id: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The columns that members are found by, and the places of their values in the key."""
    group = rule(rule_id).group
    if group is None:
        raise LookupError(f"{rule_id} is no rule about groups")
    names = [name for name, _ in group.keys]
    return (
        tuple(column for column, _ in group.found_by),
        tuple(names.index(key) for _, key in group.found_by),
    )


def key_of(rule_id: str, evidence: Mapping[str, Any]) -> GroupKey | None:
    """The key of the group that `evidence` of a finding is about; None where it is of none."""
    try:
        group = rule(rule_id).group
    except KeyError:
        return None
    key = evidence.get("key", {})
    if group is None or key.keys() != {name for name, _ in group.keys}:
        return None
    return GroupKey(rule_id, tuple(key[name] for name, _ in group.keys))


def fingerprint_of(rule_id: str, *key: str) -> str:
    """The fingerprint of the group of that key, or its beginning."""
    # Of a rule that also speaks of single records, whose fingerprints end in a record's id.
    apart = (rule_id, "group") if rule(rule_id).checks else (rule_id,)
    return ":".join((*apart, *key))
