"""The rows being written, open to planting, with a note of every defect planted in them."""

from __future__ import annotations

from collections.abc import Sequence

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


class Sheet:
    """Some consecutive rows of the file; ``first_line`` is the file line of row 0."""

    def __init__(self, values: Columns, first_line: int) -> None:
        self.columns = dict(values)
        self.first_line = first_line
        self.size = len(values[columns.NPI])
        self._found: dict[tuple[int, str], str] = {}
        self._elsewhere: list[tuple[int, str, str, str]] = []

    def read(self, name: str, row: int) -> str:
        """One value, as text."""
        return str(self.columns[name][row].as_py())

    def put(self, name: str, rows: Sequence[int], values: Sequence[str] | pa.Array) -> None:
        """Write the values into the rows, in the same order."""
        if not len(rows):
            return
        order = np.argsort(np.asarray(rows), kind="stable")
        mask = np.zeros(self.size, dtype=np.bool_)
        mask[np.asarray(rows)] = True
        in_file_order = pa.array(values, pa.string()).take(pa.array(order))
        self.columns[name] = pc.replace_with_mask(self.columns[name], pa.array(mask), in_file_order)

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

    def truth(self) -> pa.Table:
        """All that was noted, with the NPIs as they now stand in the file."""
        npi = self.columns[columns.NPI].to_pylist() if self._found else []
        noted = [
            (self.first_line + row, npi[row], rule, key) for (row, rule), key in self._found.items()
        ]
        noted += self._elsewhere
        by_column = [list(values) for values in zip(*noted, strict=True)] or [[], [], [], []]
        return pa.table([pa.array(c, f.type) for c, f in zip(by_column, TRUTH, strict=True)], TRUTH)
