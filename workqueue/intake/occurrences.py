"""Number the rows that share a key within one file: identity is (source, key, occurrence)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class Occurrences:
    """Counts keys, given as 64-bit hashes, in 8 bytes each.

    Kept as sorted runs that are merged when they are of similar size, so that each key is moved
    a few times only.
    """

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.uint64]] = []

    def number(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
        """1 for each key that was not seen before, 2 for the second time, in order."""
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        times = np.arange(len(keys)) - np.searchsorted(ordered, ordered, "left") + 1
        for run in self._runs:
            times += np.searchsorted(run, ordered, "right") - np.searchsorted(run, ordered, "left")
        numbers = np.empty(len(keys), np.int32)
        numbers[order] = times
        self._add(ordered)
        return numbers

    def _add(self, run: npt.NDArray[np.uint64]) -> None:
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate((self._runs[-1], last)), kind="stable")
