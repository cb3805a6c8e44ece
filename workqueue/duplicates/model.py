"""The parameters by which records are compared, kept apart from the records.

A model is frozen when it is made: the same records give the same weights with it, whatever other
records come and go. So it also holds how often the frequent values were seen, and which keys too
many records had in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import duckdb
import pyarrow as pa

from workqueue.duplicates.compared import COUNTED, CROWD, KEYS

FREQUENT: Final = 5
"""A value seen less often than this is not listed, and counts as seen `_SELDOM` times."""
_SELDOM: Final = 2
# A rare surname among a hundred records is no rarer than among many: few records are taken for a
# part of so many.
_POPULATION: Final = 20_000
_LISTED_AT_MOST: Final = 100_000


@dataclass(frozen=True)
class Model:
    """Splink's settings with their parameters, frequencies, and crowded keys.

    `records` is how many records it was made of; `learnt` tells whether the parameters were
    estimated from them. `frequencies` is value by number of records, by name of COUNTED; `crowded`
    are (key, value) pairs.
    """

    settings: Mapping[str, Any]
    records: int
    learnt: bool
    frequencies: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    crowded: frozenset[tuple[str, str]] = frozenset()

    @property
    def population(self) -> int:
        """The number of records that frequencies are a part of."""
        return max(self.records, _POPULATION)

    def with_crowded(self, more: frozenset[tuple[str, str]]) -> Model:
        """The same model with more crowded keys."""
        return replace(self, crowded=self.crowded | more)


def frequencies(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """How often the frequent values of table `made` occur, by name of COUNTED."""
    return {
        name: dict(
            connection.execute(
                f"SELECT {name}, count(*) AS seen FROM made WHERE {name} IS NOT NULL "
                f"GROUP BY {name} HAVING seen >= {FREQUENT} "
                f"ORDER BY seen DESC, {name} LIMIT {_LISTED_AT_MOST}"
            ).fetchall()
        )
        for name in COUNTED
    }


def crowded(
    connection: duckdb.DuckDBPyConnection, known: frozenset[tuple[str, str]]
) -> frozenset[tuple[str, str]]:
    """The keys of table `made` that more than CROWD records share, without those `known`."""
    found: set[tuple[str, str]] = set()
    for name, expression in KEYS.items():
        # By hash first: grouping a million texts takes three times the memory.
        hashes = connection.execute(
            f"SELECT hash({expression}) AS key FROM made WHERE ({expression}) IS NOT NULL "
            f"GROUP BY key HAVING count(*) > {CROWD}"
        ).fetchall()
        if hashes:
            listed = ", ".join(str(key) for (key,) in hashes)
            found.update(
                (name, text)
                for (text,) in connection.execute(
                    f"SELECT DISTINCT {expression} FROM made WHERE hash({expression}) IN ({listed})"
                ).fetchall()
            )
    return frozenset(found) - known


def compare_by(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Make the table `compared` of table `made`, which is dropped: with keys and frequencies."""
    scale = model.population / max(model.records, 1)
    for name in COUNTED:
        seen = model.frequencies.get(name, {})
        scaled = pa.array([round(count * scale) for count in seen.values()], pa.int64())
        told = pa.table({"value": pa.array(list(seen), pa.string()), "seen": scaled})
        connection.register(f"seen_{name}", told)
    crowds = sorted(model.crowded)
    connection.register(
        "crowded",
        pa.table(
            {
                "key": pa.array([key for key, _ in crowds], pa.string()),
                "value": pa.array([value for _, value in crowds], pa.string()),
            }
        ),
    )
    keys = [
        f"CASE WHEN hash({text}) NOT IN (SELECT hash(value) FROM crowded WHERE key = '{name}') "
        f"AND ({text}) IS NOT NULL THEN hash({text}) END AS {name}"
        for name, text in KEYS.items()
    ]
    counts = [
        f"coalesce(seen_{name}.seen, {_SELDOM}) AS {name}_count"
        for name in ("last_name", "first_name", "code")
    ]
    counts.append(
        f"greatest(coalesce(seen_phone.seen, {_SELDOM}), coalesce(seen_address.seen, {_SELDOM})) "
        "AS place_count"
    )
    joins = " ".join(
        f"LEFT JOIN seen_{name} ON seen_{name}.value = made.{name}" for name in COUNTED
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE compared AS SELECT made.* EXCLUDE (names, formal, code), "
        f"{', '.join(keys + counts)} FROM made {joins}"
    )
    connection.execute("DROP TABLE made")
    for name in (*(f"seen_{name}" for name in COUNTED), "crowded"):
        connection.unregister(name)
