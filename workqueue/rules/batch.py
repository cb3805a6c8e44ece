"""Records made ready for the rules: many as an Arrow table, a few as JSON.

DuckDB needs some 30 ms to plan an evaluation. That is nothing beside a million records and far too
much after one edit, so a few records go as the parameter of statements that are planned once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.fields import FIELDS, SLOTS
from workqueue.rules.engine import Limits, engine
from workqueue.rules.references import References
from workqueue.rules.sql import OWN, Scope, names_in

FEW: Final = 64

_COLUMNS = (*OWN, *(field.name for field in FIELDS))
_SLOTTED = tuple(
    (f"taxonomy_code_{number}", f"license_number_{number}") for number in range(1, SLOTS + 1)
)


class Batch(Protocol):
    """Records that can be asked in SQL."""

    @property
    def scope(self) -> Scope:
        """What the texts for these records depend on."""

    def ask(self, text: str, ids: pa.ChunkedArray | None = None) -> pa.Table:
        """The answer to `text` of all records, or of those with these ids; in any order."""


@dataclass(frozen=True)
class Many:
    """An Arrow table, registered for the time of one question."""

    scope: Scope
    table: pa.Table
    limits: Limits

    def ask(self, text: str, ids: pa.ChunkedArray | None = None) -> pa.Table:
        """See Batch."""
        asked = self.table.select(["id", *sorted(names_in((text,)) & self.scope.filled)])
        if ids is not None:
            asked = asked.filter(pc.is_in(asked["id"], value_set=ids.combine_chunks()))
        return engine(self.limits).ask(text, asked)


@dataclass(frozen=True)
class Few:
    """Rows without their NULLs, dates as text."""

    scope: Scope
    rows: list[dict[str, Any]]
    limits: Limits

    def ask(self, text: str, ids: pa.ChunkedArray | None = None) -> pa.Table:
        """See Batch."""
        rows = self.rows
        if ids is not None:
            wanted = set(ids.to_pylist())
            rows = [row for row in rows if row["id"] in wanted]
        return engine(replace(self.limits, threads=1)).ask_again(text, json.dumps(rows))


def prepared(
    records: pa.Table,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
    limits: Limits,
) -> Batch:
    """`records` with their taxonomies looked up, and the scope of their texts."""
    if records.num_rows <= FEW:
        return _few(records, column_sets, as_of, references, limits)
    present = [
        name
        for name in _COLUMNS
        if name in records.column_names and records[name].null_count < records.num_rows
    ]
    table = records.select(["id", *present])
    for number in range(1, SLOTS + 1):
        name = f"taxonomy_code_{number}"
        if name in present:
            required, family = references.mark(table[name])
            table = table.append_column(f"license_required_{number}", required)
            table = table.append_column(f"license_family_{number}", family)
    used = pc.unique(records["column_set_id"]).to_pylist()
    return Many(_scope(table.column_names, used, column_sets, as_of), table, limits)


def _scope(
    filled: list[str],
    used: list[int],
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    few: bool = False,
) -> Scope:
    known = tuple((key, column_sets.get(key, frozenset())) for key in sorted(used))
    return Scope(frozenset(filled), known, as_of, few)


def _few(
    records: pa.Table,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
    limits: Limits,
) -> Few:
    rows: list[dict[str, Any]] = []
    depth = 1
    for received in records.to_pylist():
        row = {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in received.items()
            if value is not None
        }
        for number, (taxonomy, license_number) in enumerate(_SLOTTED, 1):
            code = row.get(taxonomy, "").strip()
            if code:
                row[f"license_required_{number}"] = references.license_required(code)
                row[f"license_family_{number}"] = references.family(code)
            if code or license_number in row:
                depth = max(depth, number)
        rows.append(row)
    # All fields, and slots as far as any record fills them: few different texts, each kept.
    left_out = {
        f"{name}_{number}"
        for number in range(depth + 1, SLOTS + 1)
        for name in ("taxonomy_code", "license_number", "license_state")
    }
    marks = [
        f"license_{mark}_{number}"
        for number in range(1, depth + 1)
        for mark in ("required", "family")
    ]
    filled = [*(name for name in _COLUMNS if name not in left_out), *marks]
    used = list({row["column_set_id"] for row in rows})
    return Few(_scope(filled, used, column_sets, as_of, few=True), rows, limits)
