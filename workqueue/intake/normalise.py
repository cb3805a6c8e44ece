"""Bring the text of a block into normal form, and say of each row what becomes of it.

Normal form: blanks at both ends cut, blank and `<UNAVAIL>` as NULL, dates as dates, codes, states
and licence numbers in capitals, US phone and ZIP numbers as digits, and the digits back where a
spreadsheet or pandas saved a number (`1.0`, `322044736.0`, `1.679576722E9`). Where this changes
more than blanks and the way a date is written, the raw text is kept beside the row.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from workqueue.fields import BY_NAME, ENTITY_TYPE_HEADER, Form
from workqueue.intake import forms
from workqueue.intake.header import DEACTIVATION, ENTITY, KEY, NPPES, Layout
from workqueue.intake.records import Block, Reject

# Columns beside the fields in what `Normaliser` returns.
ID_COLUMNS: Final = ("_line", "_key", "_number", "_hash", "_received")

MAX_KEY: Final = 200


@dataclass(frozen=True)
class Rows:
    """A block in normal form.

    `kept` and `deactivated` have ID_COLUMNS and one column per field: `_number` is a 64-bit hash
    of the key, `_received` a JSON object of raw texts or NULL. `skipped` counts organisations,
    `normalised` the values changed, by kind.
    """

    kept: pa.Table
    deactivated: pa.Table
    rejects: list[Reject]
    skipped: int
    normalised: Counter[str]


class Normaliser:
    """Normalises block after block of one layout. Not for use by two threads at once."""

    def __init__(self, layout: Layout, source: str) -> None:
        self._layout = layout
        self._source = source
        self._fields = [BY_NAME[name] for name in layout.fields]
        names = ",".join(layout.fields).encode()
        self._known_by = hashlib.md5(names, usedforsecurity=False).hexdigest()
        self._duck = duckdb.connect(config={"threads": 1, "memory_limit": "512MB"})
        self._duck.execute("SET enable_external_access = false")

    def rows(self, block: Block) -> Rows:
        """The block's rows, sorted into kept, deactivated, rejected and skipped."""
        raw = block.table.append_column("_line", pa.array(block.lines))
        positions = np.arange(raw.num_rows)
        if ENTITY in raw.column_names:
            # Organisations need no more work than being counted.
            people = pc.fill_null(pc.not_equal(raw[ENTITY], "2"), True)
            positions = np.flatnonzero(people.to_numpy())
            raw = raw.filter(people)
        organisations = block.table.num_rows - raw.num_rows
        self._duck.register("raw", raw)
        table = self._duck.sql(self._query(raw)).to_arrow_table()
        if not table["_line"].equals(raw["_line"]):
            # One thread keeps the order, but nothing promises it, and what follows relies on it.
            table = table.sort_by("_line")
        said = table["_is"]
        rejects = [
            Reject(int(block.lines[positions[row]]), reason, block.raw(int(positions[row])))
            for row in _where(said, "reject")
            for reason in [table["_reason"][row].as_py()]
        ]
        received, counts = self._received(raw, table)
        self._duck.unregister("raw")
        table = table.append_column("_received", received)
        columns = [*ID_COLUMNS, *self._layout.fields]
        return Rows(
            table.filter(pc.equal(said, "keep")).select(columns),
            table.filter(pc.equal(said, "deactivate")).select(columns),
            rejects,
            organisations + len(_where(said, "skip")),
            counts,
        )

    def _query(self, raw: pa.Table) -> str:
        # Most of the fifteen slots are empty in most blocks: what is all blank costs nothing.
        empty = {name for name in raw.column_names if raw[name].null_count == raw.num_rows}
        trimmed = ", ".join(
            f"nullif(nullif({forms.trim(name, raw[name])}, ''), '<UNAVAIL>') AS \"{name}\""
            for name in raw.column_names
            if name not in empty and name != "_line"
        )
        normal = ", ".join(
            f'{forms.normal_form(field, raw.column_names, empty)} AS "{field.name}"'
            for field in self._fields
        )
        entity = "NULL::VARCHAR" if ENTITY not in raw.column_names or ENTITY in empty else ENTITY
        # NPPES knows its records by their NPI, whatever keys an extract of it has beside that.
        keyed = KEY in raw.column_names and KEY not in empty and self._source != NPPES
        key = KEY if keyed else "NULL::VARCHAR"
        values = ", ".join(
            "''" if name in empty else f"coalesce(\"{name}\"::VARCHAR, '')"
            for name in self._layout.fields
        )
        own = "NULL" if "npi" not in self._layout.fields else "npi"
        return f"""
            WITH trimmed AS MATERIALIZED (
                SELECT _line{", " if trimmed else ""}{trimmed} FROM raw
            ), normal AS MATERIALIZED (
                SELECT _line, regexp_replace({entity}, '^([12])\\.0+$', '\\1') AS _is_entity,
                       {key} AS _own, {normal}
                FROM trimmed
            ), hashed AS (
                SELECT *, md5(concat_ws(chr(31), '{self._known_by}', {values})) AS _hash FROM normal
            ), keyed AS (
                SELECT *, coalesce(_own, {own}, 'content:' || _hash) AS _key FROM hashed
            )
            SELECT * EXCLUDE (_own, _is_entity), md5_number_lower(_key) AS _number,
                   {self._reason(raw)} AS _reason,
                   CASE WHEN {self._skips()} THEN 'skip'
                        WHEN _reason IS NOT NULL THEN 'reject'
                        WHEN {self._deactivates()} THEN 'deactivate'
                        ELSE 'keep' END AS _is
            FROM keyed"""

    def _skips(self) -> str:
        return "_is_entity = '2'" if ENTITY in self._layout.columns else "false"

    def _deactivates(self) -> str:
        if self._layout.kind == DEACTIVATION:
            return "true"
        return "_is_entity IS NULL" if ENTITY in self._layout.columns else "false"

    def _reason(self, raw: pa.Table) -> str:
        """SQL: why a row is rejected, NULL where it is not."""
        cases = []
        if self._source == NPPES:
            cases.append("WHEN npi IS NULL THEN 'no NPI'")
        dated = "deactivation_date" in self._layout.fields
        if ENTITY in self._layout.columns:
            cases.append(f"WHEN _is_entity <> '1' THEN '{ENTITY_TYPE_HEADER} is neither 1 nor 2'")
            if not dated:
                cases.append(f"WHEN _is_entity IS NULL THEN '{ENTITY_TYPE_HEADER} is blank'")
        if dated:
            cases.append(
                f"WHEN {self._deactivates()} AND deactivation_date IS NULL THEN '{self._undated()}'"
            )
        for field in self._fields:
            # Most columns are ruled out by their longest value, in bytes.
            top = pc.max(pc.binary_length(raw[field.name])).as_py() or 0
            if field.form is not Form.DATE and top > field.max_length:
                cases.append(
                    f'WHEN length("{field.name}") > {field.max_length} THEN \'{field.label} '
                    f"({field.name}) is longer than {field.max_length} characters'"
                )
        if KEY in self._layout.columns:
            cases.append(
                f"WHEN length(_own) > {MAX_KEY} THEN 'the source key is longer than {MAX_KEY} "
                "characters'"
            )
        return f"CASE {' '.join(cases)} END" if cases else "NULL::VARCHAR"

    def _undated(self) -> str:
        said = "the deactivation date is blank or cannot be read"
        return said if self._layout.kind == DEACTIVATION else f"no {ENTITY_TYPE_HEADER}, and {said}"

    def _received(self, raw: pa.Table, table: pa.Table) -> tuple[pa.Array, Counter[str]]:
        """Raw texts that normalising changed, as JSON by row, and how many of each kind."""
        changed = [f for f in self._fields if forms.differs(raw[f.name], table[f.name], f.form)]
        if not changed:
            return pa.nulls(raw.num_rows, pa.string()), Counter()
        self._duck.register("normal", table.select([f.name for f in changed] + ["_is"]))
        picked = ", ".join(f'r."{f.name}" AS "r_{f.name}"' for f in changed)
        # Only what becomes a row counts.
        kept = "_is IN ('keep', 'deactivate')"
        kinds = [
            (kind, f"count(*) FILTER (WHERE {kept} AND {forms.changed(f)} AND {test})")
            for f in changed
            for kind, test in forms.kinds_of_change(f)
        ]
        entries = ", ".join(
            f"struct_pack(k := '{f.name}',"
            f' v := CASE WHEN {forms.changed(f)} THEN "r_{f.name}" END)'
            for f in changed
        )
        both = f"SELECT n.*, {picked} FROM normal n POSITIONAL JOIN raw r"
        json = self._duck.sql(
            f"WITH b AS ({both}), e AS (SELECT list_filter([{entries}], lambda x: x.v IS NOT NULL)"
            " AS kept FROM b) SELECT CASE WHEN len(kept) > 0"
            " THEN to_json(map_from_entries(kept))::VARCHAR END AS j FROM e"
        ).to_arrow_table()["j"]
        totals = self._duck.sql(
            f"WITH b AS ({both}) SELECT {', '.join(sql for _, sql in kinds)} FROM b"
        ).fetchall()[0]
        self._duck.unregister("normal")
        counts: Counter[str] = Counter()
        for (kind, _), total in zip(kinds, totals, strict=True):
            counts[kind] += total
        return json, +counts


def _where(column: pa.ChunkedArray, value: str) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = np.flatnonzero(pc.equal(column, value).to_numpy())
    return found
