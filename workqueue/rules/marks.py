"""Columns that are looked up in a list, beside those that records come with.

Each has one meaning, a function of a few values of a record. For many records it is asked once per
distinct value; for a few, record by record. A mark is worked out when a text speaks of it, and only
for the records that are asked: what merely goes into evidence costs nothing on the other records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.fields import SLOTS
from workqueue.rules import exclusions, postal
from workqueue.rules.credentials import USUAL, professions
from workqueue.rules.references import LEIE, TAXONOMY, References, npi_key, spelt

Row = Mapping[str, str | None]

Meaning = Callable[[References, Row], Any]

# The one character that no text in the database has.
_BETWEEN: Final = "\0"
_LOOKALIKES: Final = str.maketrans("OQIL", "0011")


@dataclass(frozen=True)
class Mark:
    """A looked-up column: `meaning` of the values of `sources`, trimmed, None where blank.

    Without a value in the first of `sources` it is NULL. With `needs` it is NULL until that list
    is loaded. Of the first of `sources` only `length` characters matter. `possible` narrows many
    records down to those that can have a value at all; `prepare` is called before many are asked.
    """

    name: str
    sources: tuple[str, ...]
    meaning: Meaning
    kind: str = "VARCHAR"
    needs: str | None = None
    length: int | None = None
    possible: Callable[[References, pa.Table], pa.Array] | None = None
    prepare: Callable[[], None] | None = None


def _of_code(meaning: Callable[[References, str], Any]) -> Meaning:
    return lambda references, row: meaning(references, str(next(iter(row.values()))).upper())


def _listed(references: References, code: str) -> bool:
    return references.entry(TAXONOMY, code) is not None


def _told(name: str) -> Meaning:
    def meaning(references: References, code: str) -> Any:
        return (references.entry(TAXONOMY, code) or {}).get(name)

    return _of_code(meaning)


def _zip(row: Row) -> str:
    return (row["practice_zip"] or "")[:5]


def _state_of_zip(_references: References, row: Row) -> str | None:
    found = postal.place(_zip(row))
    return found.state if found else None


def _city_of_zip(_references: References, row: Row) -> str | None:
    found = postal.place(_zip(row))
    return found.city if found else None


def _city_in_state(_references: References, row: Row) -> bool | None:
    city, state = row["practice_city"], row["practice_state"]
    return postal.is_city(city, state) if city and state else None


def _zip_in_city(_references: References, row: Row) -> bool | None:
    return postal.is_in(_zip(row), row["practice_city"] or "")


def _zip_of_city(_references: References, row: Row) -> str | None:
    city, state, code = row["practice_city"], row["practice_state"], row["practice_zip"]
    if not city or not state:
        return None
    # A zero that a spreadsheet took, or a letter for a digit: the city says whether it was that.
    tidied = re.sub("[^0-9]", "", (code or "").upper().translate(_LOOKALIKES))
    for digits in (tidied[:5], tidied.zfill(5)[:5]):
        found = postal.place(digits)
        if found and found.state == state.upper() and postal.is_in(digits, city):
            return digits
    return postal.only_code(city, state)


def _exclusion(part: str) -> Meaning:
    return lambda references, row: getattr(exclusions.match(references, row), part, None)


def _maybe_excluded(references: References, table: pa.Table) -> pa.Array:
    listed = pa.array(references.lists[LEIE], pa.string())
    npis = pc.binary_join_element_wise(npi_key(""), table["npi"], "")
    last, first = (
        _by_distinct(table[name], spelt, pa.string()) for name in ("last_name", "first_name")
    )
    names = pc.binary_join_element_wise(pc.binary_join_element_wise("name ", last, ""), first, "|")
    found = pc.or_(pc.is_in(npis, value_set=listed), pc.is_in(names, value_set=listed))
    return found.combine_chunks()


_IN_SLOT: Final = (
    Mark("license_required", (), _of_code(References.license_required), "BOOLEAN"),
    Mark("license_family", (), _of_code(References.family)),
    Mark("usual_credential", (), _of_code(lambda of, code: USUAL.get(of.family(code)))),
    Mark("taxonomy_listed", (), _of_code(_listed), "BOOLEAN", TAXONOMY),
    Mark("taxonomy_individual", (), _told("individual"), "BOOLEAN", TAXONOMY),
    Mark("taxonomy_retired", (), _told("retired"), needs=TAXONOMY),
    Mark("taxonomy_successor", (), _told("successor"), needs=TAXONOMY),
)
_PERSON: Final = (
    *("last_name", "first_name", "middle_name", "npi", "practice_state", "mailing_state"),
)


def _postal(name: str, sources: tuple[str, ...], meaning: Meaning, kind: str = "VARCHAR") -> Mark:
    return Mark(name, sources, meaning, kind, length=5, prepare=postal.load)


_OF_RECORD: Final = (
    Mark(
        "credential_professions",
        ("credential",),
        lambda _, row: professions(row["credential"] or ""),
    ),
    _postal("zip_state", ("practice_zip",), _state_of_zip),
    _postal("zip_city", ("practice_zip",), _city_of_zip),
    _postal("zip_in_city", ("practice_zip", "practice_city"), _zip_in_city, "BOOLEAN"),
    Mark("city_in_state", ("practice_city", "practice_state"), _city_in_state, "BOOLEAN"),
    Mark("zip_of_city", ("practice_city", "practice_state", "practice_zip"), _zip_of_city),
    Mark("exclusion", _PERSON, _exclusion("said"), needs=LEIE, possible=_maybe_excluded),
    Mark("exclusion_by", _PERSON, _exclusion("by"), needs=LEIE, possible=_maybe_excluded),
)

MARKS: Final = MappingProxyType(
    {
        mark.name: mark
        for mark in (
            *_OF_RECORD,
            *(
                replace(mark, name=f"{mark.name}_{n}", sources=(f"taxonomy_code_{n}",))
                for n in range(1, SLOTS + 1)
                for mark in _IN_SLOT
            ),
        )
    }
)

_NAME: Final = re.compile(r"[a-z][a-z_0-9]*")
_KINDS: Final = MappingProxyType({"VARCHAR": pa.string(), "BOOLEAN": pa.bool_()})


@lru_cache(512)
def marks_in(text: str) -> tuple[Mark, ...]:
    """The marks that a SQL text speaks of."""
    return tuple(MARKS[name] for name in sorted(set(_NAME.findall(text))) if name in MARKS)


def sources_of(names: Iterable[str]) -> frozenset[str]:
    """The fields that marks of these names are looked up by."""
    return frozenset(one for name in names if name in MARKS for one in MARKS[name].sources)


def known(columns: Iterable[str], references: References) -> list[str]:
    """The names of the marks that can have a value where records have these columns."""
    present = set(columns)
    return [
        mark.name
        for mark in MARKS.values()
        if mark.sources[0] in present and (mark.needs is None or references.has(mark.needs))
    ]


def of_row(mark: Mark, row: Mapping[str, Any], references: References) -> Any:
    """The value of a mark for one record."""
    values = {name: (row.get(name) or "").strip() or None for name in mark.sources}
    if values[mark.sources[0]] is None:
        return None
    return mark.meaning(references, values)


def of_table(mark: Mark, table: pa.Table, references: References) -> pa.ChunkedArray:
    """The values of a mark for every record of a table."""
    if mark.prepare is not None:
        mark.prepare()
    nothing = pa.nulls(table.num_rows, pa.string())
    columns = pa.table(
        {name: table[name] if name in table.column_names else nothing for name in mark.sources}
    )
    kind = _KINDS[mark.kind]
    if mark.possible is not None:
        chosen = mark.possible(references, columns)
        found = [of_row(mark, row, references) for row in columns.filter(chosen).to_pylist()]
        blank = pa.nulls(table.num_rows, kind)
        return pa.chunked_array([pc.replace_with_mask(blank, chosen, pa.array(found, kind))])
    parts = list(columns.columns)
    if mark.length is not None:
        parts[0] = pc.utf8_slice_codeunits(parts[0], 0, mark.length)

    def meaning(key: str) -> Any:
        values = dict(zip(mark.sources, key.split(_BETWEEN), strict=True))
        return of_row(mark, values, references)

    how = pc.JoinOptions(null_handling="replace", null_replacement="")
    joined = (
        parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, _BETWEEN, options=how)
    )
    return _by_distinct(joined, meaning, kind)


def _by_distinct(
    column: pa.ChunkedArray, meaning: Callable[[str], Any], kind: pa.DataType
) -> pa.ChunkedArray:
    """`meaning` of each text, asked once per distinct text of a chunk; NULL stays NULL."""
    chunks = []
    for chunk in column.chunks:
        encoded = chunk.dictionary_encode()
        meanings = [meaning(text) for text in encoded.dictionary.to_pylist()]
        chunks.append(pa.array(meanings, kind).take(encoded.indices))
    return pa.chunked_array(chunks, kind)
