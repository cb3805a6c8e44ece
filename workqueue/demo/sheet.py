"""The rows being written, open to planting, with a note of every defect planted in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workqueue.demo import columns
from workqueue.demo.addresses import Columns

TRUTH = pa.schema(
    [
        ("line", pa.int64()),
        ("npi", pa.string()),
        ("rule_id", pa.string()),
        ("group_key", pa.string()),
    ]
)
NEAR = pa.schema(
    [("line", pa.int64()), ("npi", pa.string()), ("kind", pa.string()), ("pair", pa.string())]
)


class Sheet:
    """Some consecutive rows of the file; ``first_line`` is the file line of row 0."""

    def __init__(self, values: Columns, first_line: int) -> None:
        self.columns = dict(values)
        self.first_line = first_line
        self.size = len(values[columns.NPI])
        self._found: dict[tuple[int, str], str] = {}
        self._elsewhere: list[tuple[int, str, str, str]] = []
        self._near: list[tuple[int, str, str]] = []

    def read(self, name: str, row: int) -> str:
        """One value, as text."""
        return str(self.columns[name][row].as_py())

    def records(self, rows: Sequence[int]) -> list[dict[str, str]]:
        """The rows as records that can be changed and written back."""
        if not len(rows):
            return []
        taken = {name: values.take(pa.array(rows)) for name, values in self.columns.items()}
        records: list[dict[str, str]] = pa.table(taken).to_pylist()
        return records

    def write(self, rows: Sequence[int], records: Sequence[Mapping[str, str]]) -> None:
        """Write the records over the rows, in the same order."""
        for name in list(self.columns):
            self.put(name, rows, [record[name] for record in records])

    def put(self, name: str, rows: Sequence[int], values: Sequence[str] | pa.Array) -> None:
        """Write the values into the rows, in the same order."""
        if not len(rows):
            return
        order = np.argsort(np.asarray(rows), kind="stable")
        mask = np.zeros(self.size, dtype=np.bool_)
        mask[np.asarray(rows)] = True
        in_file_order = pa.array(values, pa.string()).take(pa.array(order))
        now = self.columns.get(name, pa.array([""] * self.size, pa.string()))
        self.columns[name] = pc.replace_with_mask(now, pa.array(mask), in_file_order)

    def blank(self, rows: Sequence[int], *names: str) -> None:
        """Empty the columns in the rows."""
        for name in names:
            self.put(name, rows, [""] * len(rows))

    def found(self, row: int, rule: str, group_key: str = "") -> None:
        """Note that the row breaks the rule (once, however often it is said)."""
        self._found[row, rule] = group_key

    def found_earlier(self, line: int, npi: str, rule: str, group_key: str) -> None:
        """Note that a line already written breaks a rule, because of a row here."""
        self._elsewhere.append((line, npi, rule, group_key))

    def seems(self, row: int, kind: str, pair: str = "") -> None:
        """Note that the row only seems to be wrong, in which way, and beside which NPI."""
        self._near.append((row, kind, pair))

    def truth(self) -> pa.Table:
        """All that was noted as wrong, with the NPIs as they now stand in the file."""
        npi = self.columns[columns.NPI].to_pylist() if self._found else []
        noted = [
            (self.first_line + row, npi[row], rule, key) for (row, rule), key in self._found.items()
        ]
        return _table(noted + self._elsewhere, TRUTH)

    def near_misses(self) -> pa.Table:
        """All that was noted as only seeming to be wrong."""
        npi = self.columns[columns.NPI].to_pylist() if self._near else []
        return _table(
            [(self.first_line + row, npi[row], kind, pair) for row, kind, pair in self._near], NEAR
        )


def _table(noted: list[tuple[int, str, str, str]], schema: pa.Schema) -> pa.Table:
    by_column = [list(values) for values in zip(*noted, strict=True)] or [[], [], [], []]
    return pa.table([pa.array(c, f.type) for c, f in zip(by_column, schema, strict=True)], schema)
