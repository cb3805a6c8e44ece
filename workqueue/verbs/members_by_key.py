"""The members of groups, found by the keys that they share: by index, whatever the rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from workqueue.fields import SLOTS
from workqueue.rules import RULES, GroupKey, GroupKeys, rule

LOOKUPS: Final = tuple(
    dict.fromkeys(
        tuple(column for column, _ in each.group.found_by)
        for each in RULES
        if each.group is not None
    )
)
"""The columns that members are found by, once for all rules that use the same ones."""


def lookup_sql(columns: tuple[str, ...], values: str, more: str = "") -> str:
    """SELECT (id, value_0, value_1 …) of the records with these values, in each slot.

    `values` is an expression with a place {0} for the number of the column; `more` conditions.
    """
    slots = range(1, SLOTS + 1) if "{n}" in columns[0] else (0,)
    selects = []
    for number in slots:
        named = [column.replace("{n}", str(number)) for column in columns]
        told = ", ".join(f"{name} AS value_{at}" for at, name in enumerate(named))
        wanted = " AND ".join(f"{name} = ANY({values.format(at)})" for at, name in enumerate(named))
        selects.append(f"SELECT id, {told} FROM individual_providers WHERE {wanted}{more}")
    return " UNION ".join(selects)


_SHARING: Final = text(
    " UNION ALL ".join(
        f"SELECT {place} AS place, id, value_0, "
        f"{'value_1' if len(columns) > 1 else 'NULL'} AS value_1 "
        f"FROM ({lookup_sql(columns, f':values_{place}_{{0}}')}) found_{place}"
        for place, columns in enumerate(LOOKUPS)
    )
)


@dataclass(frozen=True)
class Sharing:
    """Who shares the keys: ids of the members of `full`, the groups that are large enough.

    `crowds` are the keys that more records share than were asked for; their members are left out.
    """

    ids: frozenset[int]
    full: GroupKeys
    crowds: GroupKeys


def sharing(session: Session, keys: GroupKeys, *, crowd: int) -> Sharing:
    """The records that share `keys`, unless more than `crowd` do."""
    by_lookup: dict[tuple[tuple[str, ...], tuple[str, ...]], list[GroupKey]] = {}
    for key in keys:
        by_lookup.setdefault(key.lookup(), []).append(key)
    values: dict[str, list[str]] = {}
    for place, columns in enumerate(LOOKUPS):
        wanted = [sought for asked, sought in by_lookup if asked == columns]
        for at in range(len(columns)):
            values[f"values_{place}_{at}"] = sorted({one[at] for one in wanted})
    members: dict[tuple[tuple[str, ...], tuple[str, ...]], set[int]] = {}
    for row in session.execute(_SHARING, values):
        columns = LOOKUPS[row.place]
        sought = (row.value_0, row.value_1)[: len(columns)]
        members.setdefault((columns, sought), set()).add(row.id)
    full, crowds, ids = set(), set(), set()
    for lookup, found in members.items():
        for key in by_lookup.get(lookup, ()):
            group = rule(key.rule_id).group
            if len(found) > crowd:
                crowds.add(key)
            elif group is not None and len(found) >= group.smallest:
                full.add(key)
                ids |= found
    return Sharing(frozenset(ids), frozenset(full), frozenset(crowds))
