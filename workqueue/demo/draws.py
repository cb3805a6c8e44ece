"""Random numbers that depend on seed, field and row number only, and text columns made of them.

No state runs from row to row: row 7 of seed 1 is the same person in a file of ten rows and of ten
million, in the NPPES file and in an own-source extract. The mixing is splitmix64 (Steele, Lea,
Flood 2014), written out here so that a new numpy release cannot change a published file.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Rows = NDArray[np.uint64]

_MASK = (1 << 64) - 1


def _mix(values: Rows) -> Rows:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class Weighted:
    """Values with relative frequencies, ready to be drawn from.

    Without weights the order is taken as rank: frequency falls as 1 / (rank + 12), which is about
    how American names fall.
    """

    def __init__(self, values: Sequence[str], weights: Sequence[float] | None = None) -> None:
        ranks = np.arange(len(values))
        chances = 1.0 / (ranks + 12.0) if weights is None else np.asarray(weights, dtype=float)
        self.values: pa.Array = pa.array(values, pa.string())
        self.cumulative = np.cumsum(chances) / chances.sum()


class Draws:
    """Draws for the given row numbers; the same field name always gives the same numbers."""

    def __init__(self, seed: int, rows: Rows) -> None:
        self._seed = seed & _MASK
        self._rows = rows

    def share(self, field: str) -> NDArray[np.float64]:
        """Uniform numbers in [0, 1), one a row."""
        key = (self._seed * 0x9E3779B97F4A7C15 + (zlib.crc32(field.encode()) << 20)) & _MASK
        start = int(_mix(np.array([key], dtype=np.uint64))[0])
        mixed = _mix(_mix(self._rows * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)))
        return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def below(self, field: str, limit: int | Ints) -> Ints:
        """Whole numbers from 0 up to, not including, the limit (one for all, or one a row)."""
        return np.asarray(self.share(field) * limit, dtype=np.int64)

    def index(self, field: str, table: Weighted) -> Ints:
        """Positions in the table, as often as its weights say."""
        return np.asarray(
            np.searchsorted(table.cumulative[:-1], self.share(field), side="right"), dtype=np.int64
        )

    def text(self, field: str, table: Weighted) -> pa.Array:
        """Values of the table, as often as its weights say."""
        return table.values.take(pa.array(self.index(field, table)))


def digits(numbers: Ints, width: int = 0) -> pa.Array:
    """Numbers as text, filled with zeros on the left to the width."""
    text = pc.cast(pa.array(numbers), pa.string())
    return pc.utf8_lpad(text, width, "0") if width else text


def joined(*parts: pa.Array | str) -> pa.Array:
    """Columns and constant strings put together row by row, with nothing between them."""
    return pc.binary_join_element_wise(*parts, "")


def where(chosen: Bools, yes: pa.Array | str, no: pa.Array | str = "") -> pa.Array:
    """One column out of two: ``yes`` where chosen, ``no`` elsewhere."""
    return pc.if_else(pa.array(chosen), yes, no)


def lookup(values: Sequence[str], positions: Ints) -> pa.Array:
    """The values at the positions, one a row."""
    return pa.array(values, pa.string()).take(pa.array(positions))
