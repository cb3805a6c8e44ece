"""From pairs to groups: records that hang together are one question for a person, not many.

Groups are the connected components of the pairs. A chain of middling pairs could tie hundreds of
people together; where a group has more than `MEMBERS_AT_MOST` members, its weakest pairs are left
out, one after the other in steps of weight, until its pieces are small enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

MEMBERS_AT_MOST: Final = 12
_STEP: Final = 2.0


class Edge(NamedTuple):
    """A pair of records (ids, `a` < `b`), its weight in bits, and its row in the scored table."""

    a: int
    b: int
    weight: float
    row: int


def clusters(edges: Iterable[Edge]) -> list[tuple[Edge, ...]]:
    """The groups, each as its edges in order; by their smallest ids."""
    small = []
    waiting = [(group, 0.0) for group in _components(edges)]
    while waiting:
        group, floor = waiting.pop()
        if len(_members(group)) <= MEMBERS_AT_MOST:
            small.append(group)
            continue
        floor = max(floor, min(edge.weight for edge in group)) + _STEP
        kept = [edge for edge in group if edge.weight >= floor]
        # Pairs that are all alike, such as a record entered a hundred times, stay together.
        if not kept:
            small.append(group)
        else:
            waiting += [(piece, floor) for piece in _components(kept)]
    return sorted(small, key=lambda group: group[0][:2])


def _members(group: Iterable[Edge]) -> set[int]:
    return {record for edge in group for record in (edge.a, edge.b)}


def _components(edges: Iterable[Edge]) -> list[tuple[Edge, ...]]:
    """Connected components by union-find, with path halving."""
    parent: dict[int, int] = {}

    def root(record: int) -> int:
        parent.setdefault(record, record)
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    ordered = sorted(edges)
    for edge in ordered:
        one, other = root(edge.a), root(edge.b)
        parent[max(one, other)] = min(one, other)
    groups: dict[int, list[Edge]] = {}
    for edge in ordered:
        groups.setdefault(root(edge.a), []).append(edge)
    return [tuple(group) for group in groups.values()]
