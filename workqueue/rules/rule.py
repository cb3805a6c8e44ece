"""What a rule is: one SQL expression in DuckDB's dialect, and what a person needs to know of it.

Expressions speak of the fields of `workqueue.fields`, trimmed and with blank text as NULL, of
`source` and `contradicted`, and of the names in `workqueue.rules.columns`. They keep to a listed
vocabulary (`columns.VOCABULARY`), so that sqlglot can turn the same text into Spark SQL. An
expression over slots is written once with `{n}` for the number of the slot, and with `{m}` for that
of some slot before it. Days that depend on the clock are written `{tomorrow}`, `{five_years_ago}`
and `{ten_years_ago}`, and `{taxonomy_codes}` lists the taxonomy codes of all slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VALIDATION_FLAG: Final = "VALIDATION_FLAG"
MISSING_DATA: Final = "MISSING_DATA"
DUPLICATE_CHECK: Final = "DUPLICATE_CHECK"


@dataclass(frozen=True)
class Check:
    """One way in which a record breaks a rule.

    `expression` is true where it does; NULL counts as false. Unless all of `fields` are known of a
    record the check says nothing about it. With `slots` it is asked of each of the fifteen slots,
    and a slot whose first field is blank in every record is left out. `shows` are the fields that
    go into the evidence.
    """

    expression: str
    fields: tuple[str, ...]
    shows: tuple[str, ...]
    slots: bool = False


@dataclass(frozen=True)
class Comparison:
    """One attribute in which sources may contradict each other.

    `value` is the attribute made comparable, NULL where there is nothing to compare; `shows` is
    the field that people see, also by name in the evidence. Values are compared only where `about`
    is the same, such as the state of a licence. With `slots` a record has a value in each slot.
    """

    shows: str
    value: str
    about: str = "''"
    slots: bool = False


@dataclass(frozen=True)
class Group:
    """Records that have a key in common which they should not have in common.

    `keys` are (name, expression) pairs. A group is a finding where the values of `differ` ("id",
    "npi" or "source") are not all the same, where there are `at_least` so many different values of
    each of these expressions, and where, given `compare`, two sources contradict each other: they
    have values of one attribute, and none in common. `where` leaves out what cannot be a key;
    `fields` and `slots` are as in a Check.

    `found_by` says how to find the members in the database: (stored column, name of a key) pairs,
    for columns that an index leads to, whose stored value is the key's.
    """

    keys: tuple[tuple[str, str], ...]
    where: str
    differ: str
    fields: tuple[str, ...]
    found_by: tuple[tuple[str, str], ...]
    slots: bool = False
    at_least: tuple[tuple[str, int], ...] = ()
    compare: tuple[Comparison, ...] = ()

    @property
    def smallest(self) -> int:
        """How many records a group needs to be a finding."""
        return max([2, *(count for _, count in self.at_least)])

    def expressions(self) -> tuple[str, ...]:
        """Every SQL expression of the group, as written."""
        return (
            self.where,
            *(text for _, text in self.keys),
            *(text for text, _ in self.at_least),
            *(text for one in self.compare for text in (one.value, one.about)),
        )


@dataclass(frozen=True)
class Rule:
    """A rule of the catalogue. `id` is never renamed; a changed meaning raises `version`.

    `priority` is 1 (high) to 5 (low); `priority_expression` gives it per record where it differs.
    `says` tells what is wrong with one record, with the evidence's values in braces; `reason` is a
    SQL expression for `{reason}` in it. `checks` are asked of each record, `group` of records that
    share a key; a rule that a validation script answers has neither. Of a rule that has both,
    `says_of_group` tells what is wrong with a group. `suggests` are (field, SQL expression) pairs:
    a value that would cure the record, NULL where none is sure enough; with `{n}` of the slot that
    is at fault. With `needs` the rule is off until the reference list of that name is loaded.
    """

    id: str
    version: int
    queue_type: str
    priority: int
    attribute: str
    title: str
    says: str
    exit_condition: str
    source: str
    checks: tuple[Check, ...] = ()
    group: Group | None = None
    priority_expression: str | None = None
    reason: str | None = None
    says_of_group: str | None = None
    suggests: tuple[tuple[str, str], ...] = ()
    needs: str | None = None

    @property
    def grouped(self) -> bool:
        """True where every finding is about a group of records rather than about one record."""
        return self.group is not None and not self.checks

    @property
    def slots(self) -> bool:
        """True where the rule is asked of each taxonomy slot."""
        return any(check.slots for check in self.checks)

    def expressions(self) -> tuple[str, ...]:
        """Every SQL expression of the rule, as written."""
        texts = [check.expression for check in self.checks]
        if self.group is not None:
            texts += self.group.expressions()
        texts += [text for text in (self.priority_expression, self.reason) if text is not None]
        texts += [text for _, text in self.suggests]
        return tuple(texts)


def missing(field: str) -> tuple[Check, ...]:
    """The one check of a rule about a field that must not be blank."""
    return (Check(f"{field} IS NULL", (field,), (field,)),)
