"""What a group of records that look like one person says to a person who has to decide."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from workqueue.duplicates.attributes import ATTRIBUTES, Attribute
from workqueue.duplicates.clusters import Edge
from workqueue.duplicates.model import Model
from workqueue.rules.grouping import MEMBERS_SHOWN

PAIRS_SHOWN: Final = 15
# What makes a member another than the one that a person decided about. Written to JSON by us, so
# that no new version of DuckDB or Splink makes old decisions void.
_COMPARED: Final = (
    *("last_name", "first_name", "middle", "other_last_name", "suffix", "credential", "sex"),
    *("state", "zip5", "phone", "address", "enumerated", "codes", "licenses"),
)


@dataclass(frozen=True)
class Group:
    """Records that look like one person: their edges, and a digest of each one's values by id."""

    edges: tuple[Edge, ...]
    digests: Mapping[int, str]

    @property
    def ids(self) -> tuple[int, ...]:
        """The members, ascending."""
        return tuple(sorted(self.digests))

    @property
    def weight(self) -> float:
        """The weight of the strongest pair, in bits."""
        return max(edge.weight for edge in self.edges)


def basis(digests: Mapping[int, str]) -> str:
    """What decides whether a finding is the same: who the members are and how they compare."""
    return ",".join(f"{record}:{digest}" for record, digest in sorted(digests.items()))


class Writer:
    """Writes the evidence of groups, from the scored pairs and the records."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        records: pa.Table,
        pairs: pa.Table,
        model: Model,
        ids: Sequence[int],
    ) -> None:
        self._scores = {
            name: pairs[name].to_pylist()
            for name in pairs.column_names
            if name.startswith(("gamma_", "mw_"))
        }
        self._model = model
        wanted = pa.array(ids, pa.int64())
        connection.register("wanted", pa.table({"id": wanted}))
        columns = ", ".join(("id", *_COMPARED))
        compared = connection.sql(
            f"SELECT {columns} FROM compared WHERE id IN (SELECT id FROM wanted)"
        ).to_arrow_table()
        connection.unregister("wanted")
        self._values = {row.pop("id"): row for row in compared.to_pylist()}
        named = records.select(["id", "npi", "last_name", "first_name"])
        named = named.filter(pc.is_in(named["id"], value_set=wanted))
        self._named = {row["id"]: row for row in named.to_pylist()}

    def group(self, edges: tuple[Edge, ...]) -> Group:
        """The group of these edges."""
        ids = sorted({record for edge in edges for record in (edge.a, edge.b)})
        return Group(edges, {record: _digest(self._values[record]) for record in ids})

    def evidence(self, group: Group) -> str:
        """Members, pairs with the weight of each attribute, and what was compared; as JSON."""
        strongest = sorted(group.edges, key=lambda edge: (-edge.weight, edge.a, edge.b))
        told = {
            "count": len(group.ids),
            "weight": f"{group.weight:.1f}",
            "probability": probability(group.weight),
            "members": [self._member(record) for record in group.ids[:MEMBERS_SHOWN]],
            "pairs": [self._pair(edge) for edge in strongest[:PAIRS_SHOWN]],
            "compared": {str(record): digest for record, digest in group.digests.items()},
            "model": {"records": self._model.records, "learnt": self._model.learnt},
        }
        return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _member(self, record: int) -> dict[str, Any]:
        row = self._named[record]
        names = [part.strip() for part in (row["last_name"], row["first_name"]) if part]
        return {"id": record, "name": ", ".join(names) or None, "npi": row["npi"]}

    def _pair(self, edge: Edge) -> dict[str, Any]:
        scored = {name: column[edge.row] for name, column in self._scores.items()}
        parts = [
            self._part(attribute, edge, scored)
            for attribute in ATTRIBUTES
            if scored[f"gamma_{attribute.name}"] >= 0
        ]
        known = sum(part["weight"] for part in parts)
        return {
            "a": edge.a,
            "b": edge.b,
            "weight": _rounded(edge.weight),
            "probability": probability(edge.weight),
            # So that the parts add up to the whole, to the decimal that is shown.
            "start": _rounded(_rounded(edge.weight) - known),
            "parts": parts,
        }

    def _part(self, attribute: Attribute, edge: Edge, scored: Mapping[str, Any]) -> dict[str, Any]:
        name = attribute.name
        weight = scored[f"mw_{name}"] + scored.get(f"mw_tf_adj_{name}", 0.0)
        level = attribute.levels[len(attribute.levels) - 1 - scored[f"gamma_{name}"]]
        return {
            "attribute": attribute.label,
            "says": level.says,
            "weight": _rounded(weight),
            "a": _shown(self._values[edge.a], attribute.shows),
            "b": _shown(self._values[edge.b], attribute.shows),
        }


def probability(weight: float) -> str:
    """A weight in bits as the chance that it is one person, in words that never say certain."""
    share = 100.0 / (1.0 + 2.0**-weight)
    return "over 99.99 %" if share > 99.99 else f"{share:.4g} %"


def _rounded(weight: float) -> float:
    # Adding zero turns -0.0 into 0.0.
    return round(weight, 1) + 0.0


def _digest(values: Mapping[str, Any]) -> str:
    told = json.dumps([_plain(values[name]) for name in _COMPARED], ensure_ascii=False)
    return hashlib.md5(told.encode(), usedforsecurity=False).hexdigest()[:12]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _shown(values: Mapping[str, Any], names: Iterable[str]) -> str:
    texts = []
    for name in names:
        value = values[name]
        if isinstance(value, list):
            texts += value
        elif value is not None:
            texts.append(str(_plain(value)))
    return ", ".join(texts)
