"""The lists that rules refer to, and what they say of the records at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

from workqueue.rules.families import family

LICENCE_REQUIRED: Final = "licence-required"
TAXONOMY: Final = "taxonomy"
LEIE: Final = "leie"
LISTS: Final = (LICENCE_REQUIRED, TAXONOMY, LEIE)

Detail = Mapping[str, Any]
_NOTHING: Final[Mapping[str, Mapping[str, Detail]]] = MappingProxyType({})


@dataclass(frozen=True)
class References:
    """The operator's lists: details by key, by name of the list.

    A list that was not loaded is not in `lists`. For a few records it is enough that a list has
    those of its entries that `keys_of` names. Without `licence-required` the table of `families`
    says what needs a licence; a code that the list does not have needs none: what is not known
    raises nothing.
    """

    lists: Mapping[str, Mapping[str, Detail]] = field(default_factory=lambda: _NOTHING)

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[str, bool]]) -> Self:
        """With one list: (taxonomy code, licence required) pairs."""
        codes = {code.strip().upper(): {"required": flag} for code, flag in pairs}
        return cls(MappingProxyType({LICENCE_REQUIRED: codes}))

    def has(self, name: str) -> bool:
        """True where the list `name` was loaded."""
        return name in self.lists

    def entry(self, name: str, key: str) -> Detail | None:
        """What the list `name` says of `key`; None where it is not on it."""
        return self.lists.get(name, {}).get(key)

    def license_required(self, code: str) -> bool:
        """True where a provider of taxonomy `code` needs a licence."""
        if not self.has(LICENCE_REQUIRED):
            return family(code).license_required
        said = self.entry(LICENCE_REQUIRED, code.strip().upper())
        return bool(said and said.get("required"))

    def family(self, code: str) -> str:
        """The name of the family that taxonomy `code` is of."""
        return family(code).name


def npi_key(npi: str) -> str:
    """The key of an exclusion by NPI."""
    return f"npi {npi}"


def name_key(last: str, first: str) -> str:
    """The key of exclusions by name, whatever the case and the marks in it."""
    return f"name {spelt(last)}|{spelt(first)}"


def spelt(name: str) -> str:
    """The letters of a name, as a key has them."""
    return "".join(character for character in name.upper() if character.isalnum())


def keys_of(row: Mapping[str, Any]) -> Iterator[str]:
    """The keys by which the lists may have something to say of a record, given by field."""
    for name, value in row.items():
        if name.startswith("taxonomy_code_") and value:
            yield value.strip().upper()
    if row.get("npi"):
        yield npi_key(row["npi"].strip())
    if row.get("last_name") and row.get("first_name"):
        yield name_key(row["last_name"], row["first_name"])
