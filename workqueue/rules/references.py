"""The lists that rules refer to, and what they say of the records at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

import pyarrow as pa

from workqueue.rules.families import family


@dataclass(frozen=True)
class References:
    """Which taxonomy codes need a licence: the operator's list, else `families`.

    `licenses` maps a code to whether it needs a licence. A code that the operator's list does not
    have needs none: what is not known raises nothing.
    """

    licenses: Mapping[str, bool] | None = None

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, bool]]) -> Self:
        """From (taxonomy code, licence required) pairs, as a loaded list holds them."""
        return cls(MappingProxyType({code.strip().upper(): flag for code, flag in pairs}))

    def has(self, name: str) -> bool:
        """True where the operator has loaded the list of that name."""
        return name == "licence-required" and self.licenses is not None

    def license_required(self, code: str) -> bool:
        """True where a provider of taxonomy `code` needs a licence."""
        if self.licenses is None:
            return family(code).license_required
        return self.licenses.get(code.strip().upper(), False)

    def family(self, code: str) -> str:
        """The name of the family that taxonomy `code` is of."""
        return family(code).name

    def mark(self, taxonomies: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
        """Per record: is a licence required (bool), and the family's name; NULL without a code."""
        return (
            _looked_up(taxonomies, self.license_required, pa.bool_()),
            _looked_up(taxonomies, self.family, pa.string()),
        )


def _looked_up(
    codes: pa.ChunkedArray, meaning: Callable[[str], Any], kind: pa.DataType
) -> pa.ChunkedArray:
    """`meaning` of each code, asked once per distinct code of a chunk."""
    chunks = []
    for chunk in codes.chunks:
        encoded = chunk.dictionary_encode()
        distinct = encoded.dictionary.to_pylist()
        meanings = pa.array([meaning(code) if code.strip() else None for code in distinct], kind)
        chunks.append(meanings.take(encoded.indices))
    return pa.chunked_array(chunks, kind)
