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
from workqueue.rules.marks import known, marks_in, of_row, of_table
from workqueue.rules.references import References
from workqueue.rules.sql import OWN, Scope, names_in

FEW: Final = 64

_COLUMNS = (*OWN, *(field.name for field in FIELDS))
_PARTS = ("taxonomy_code", "license_number", "license_state", "taxonomy_primary")
_SLOTTED = tuple(frozenset(f"{part}_{number}" for part in _PARTS) for number in range(1, SLOTS + 1))


class Batch(Protocol):
    """Records that can be asked in SQL."""

    @property
    def scope(self) -> Scope:
        """What the texts for these records depend on."""

    @property
    def limits(self) -> Limits:
        """What one question may use."""

    def ask(self, text: str, ids: pa.ChunkedArray | None = None) -> pa.Table:
        """The answer to `text` of all records, or of those with these ids; in any order."""


@dataclass(frozen=True)
class Many:
    """An Arrow table, registered for the time of one question."""

    scope: Scope
    table: pa.Table
    references: References
    limits: Limits

    def asked(self, text: str, ids: pa.ChunkedArray | None = None) -> pa.Table:
        """What `text` is asked of: the columns that it speaks of, looked-up ones included."""
        marks = [mark for mark in marks_in(text) if mark.name in self.scope.filled]
        fields = names_in((text,)) & self.scope.filled
        fields |= {name for mark in marks for name in mark.sources}
        table = self.table.select(["id", *sorted(fields & set(self.table.column_names))])
        if ids is not None:
            table = table.filter(pc.is_in(table["id"], value_set=ids.combine_chunks()))
        for mark in marks:
            table = table.append_column(mark.name, of_table(mark, table, self.references))
        return table

    def ask(self, text: str, ids: pa.ChunkedArray | None = None) -> pa.Table:
        """See Batch."""
        return engine(self.limits).ask(text, self.asked(text, ids))


@dataclass(frozen=True)
class Few:
    """Rows without their NULLs, dates as text."""

    scope: Scope
    rows: list[dict[str, Any]]
    references: References
    limits: Limits

    def ask(self, text: str, ids: pa.ChunkedArray | None = None) -> pa.Table:
        """See Batch."""
        rows = self.rows
        if ids is not None:
            wanted = set(ids.to_pylist())
            rows = [row for row in rows if row["id"] in wanted]
        for mark in marks_in(text):
            for row in rows:
                if mark.name not in row and mark.name in self.scope.filled:
                    row[mark.name] = of_row(mark, row, self.references)
        return engine(self.limits).ask_again(text, json.dumps(rows))


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
    used = pc.unique(records["column_set_id"]).to_pylist()
    filled = [*table.column_names, *known(present, references)]
    return Many(_scope(filled, used, column_sets, as_of), table, references, limits)


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
        used_slots = (number for number, names in enumerate(_SLOTTED, 1) if names & row.keys())
        depth = max(depth, *used_slots, 1)
        rows.append(row)
    # All fields, and slots as far as any record fills them: few different texts, each kept.
    filled = [name for name in _COLUMNS if not any(name in names for names in _SLOTTED[depth:])]
    filled += known(filled, references)
    used = list({row["column_set_id"] for row in rows})
    scope = _scope(filled, used, column_sets, as_of, few=True)
    return Few(scope, rows, references, replace(limits, threads=1))
