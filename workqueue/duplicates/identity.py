"""Which work item a group of records belongs to: the one that it has members in common with.

A group has no key of its own. Members come and go, so it is the item with two or more of its
members that stays its item: one that is open before one that a person has closed, and that before
one that the machine has. What a person has decided about a group holds for every part of it, as
long as nobody joins and no compared value changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workqueue.duplicates.findings import Group, basis

PREFIX: Final = "DUPLICATE:"
_COMMON_AT_LEAST: Final = 2


@dataclass(frozen=True)
class Known:
    """An item about a group: `digests` are those of its members when it was last seen.

    `newest` is false where its fingerprint has a later generation; `decided` is true where a
    person has closed it, and `rejected` where they said that it is no duplicate.
    """

    item_id: int
    fingerprint: str
    digests: Mapping[int, str]
    newest: bool
    live: bool
    decided: bool
    rejected: bool


@dataclass(frozen=True)
class Placed:
    """A group with its fingerprint, and the basis by which it is the same finding or another."""

    group: Group
    fingerprint: str
    basis: str


def place(groups: Sequence[Group], known: Sequence[Known]) -> list[Placed]:
    """The groups that ask for an item, each with its fingerprint; decided ones are left out.

    A group that its own item's decision covers is given that item's basis, so that it stays shut.
    """
    by_member: dict[int, list[Known]] = defaultdict(list)
    for item in known:
        for record in item.digests:
            by_member[record].append(item)
    taken = {item.fingerprint for item in known}
    assigned = _assigned(groups, by_member)
    placed = []
    for at, group in enumerate(groups):
        own = assigned.get(at)
        fingerprint = own.fingerprint if own else _new(group, taken)
        decision = _decision(group, by_member)
        if decision is None or (own and own.live and not decision.rejected):
            placed.append(Placed(group, fingerprint, basis(group.digests)))
        elif own and decision.fingerprint == fingerprint:
            placed.append(Placed(group, fingerprint, basis(decision.digests)))
    return placed


def _assigned(
    groups: Sequence[Group], by_member: Mapping[int, Iterable[Known]]
) -> dict[int, Known]:
    """The item of each group that has one, by place of the group; an item has one group."""
    wishes = []
    for at, group in enumerate(groups):
        common: dict[int, int] = defaultdict(int)
        items = {}
        for record in group.digests:
            for item in by_member.get(record, ()):
                if item.newest:
                    common[item.item_id] += 1
                    items[item.item_id] = item
        for item_id, count in common.items():
            if count >= _COMMON_AT_LEAST:
                item = items[item_id]
                rank = 0 if item.live else 1 if item.decided else 2
                wishes.append((rank, -count, item_id, group.ids[0], at, item))
    assigned: dict[int, Known] = {}
    given = set()
    for *_, item_id, _, at, item in sorted(wishes, key=lambda wish: wish[:4]):
        if at not in assigned and item_id not in given:
            assigned[at] = item
            given.add(item_id)
    return assigned


def _decision(group: Group, by_member: Mapping[int, Iterable[Known]]) -> Known | None:
    """The person's decision that covers the whole group as it is; a rejection before others."""
    first = group.ids[0]
    covering = [
        item
        for item in by_member.get(first, ())
        if item.decided
        and (item.newest or item.rejected)
        and all(item.digests.get(record) == digest for record, digest in group.digests.items())
    ]
    return min(
        covering, key=lambda item: (not item.rejected, not item.newest, item.item_id), default=None
    )


def _new(group: Group, taken: set[str]) -> str:
    name = fingerprint = f"{PREFIX}{group.ids[0]}"
    number = 1
    while fingerprint in taken:
        number += 1
        fingerprint = f"{name}.{number}"
    taken.add(fingerprint)
    return fingerprint
