"""What is exported: the columns of items and of corrections as SQL.

Expressions speak of the columns of a subquery, `told`, that the rows come from in their order:
so PostgreSQL joins and sorts plain values, and makes the wide text of the cells at the very end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workqueue.export.cells import guarded


@dataclass(frozen=True)
class Column:
    """One exported column as an SQL expression.

    `free`: a person or a file may have chosen the text, so it is guarded; `begins` is a cheaper
    expression that begins with the same character, where there is one. A `boolean` is told as
    true or false.
    """

    name: str
    sql: str
    free: bool = False
    nullable: bool = False
    boolean: bool = False
    begins: str = ""

    @property
    def cell(self) -> str:
        """The expression for CSV; no value is empty text, since COPY never quotes NULL."""
        sql = guarded(self.sql, self.begins or self.sql) if self.free else self.sql
        sql = f"coalesce({sql}, '')" if self.nullable else sql
        sql = f"({sql})::text" if self.boolean else sql
        return f"{sql} AS {self.name}"

    @property
    def value(self) -> str:
        """The expression for JSON."""
        return f"{self.sql} AS {self.name}"


def _moment(sql: str) -> str:
    # ISO 8601, of a text that ends in +00: `copy_rows` sets time zone and style of dates. To_char
    # takes three times as long.
    return f"overlay(left({sql}::text, -3) PLACING 'T' FROM 11) || 'Z'"


# The same words as workqueue.fields.full_name.
_LAST = "coalesce(nullif(last_name, ''), '—')"
_PROVIDER = (
    f"{_LAST} || ', ' || coalesce(nullif(first_name, ''), '—')"
    " || coalesce(' ' || nullif(left(middle_name, 1), ''), '')"
    " || coalesce(', ' || nullif(credential, ''), '')"
)

ITEMS: Final = (
    Column("id", "id"),
    Column("npi", "npi", free=True, nullable=True),
    Column("provider", f"({_PROVIDER})", free=True, begins=_LAST),
    Column("state", "practice_state", free=True, nullable=True),
    Column("rule_id", "rule_id"),
    Column("title", "title", free=True),
    Column("exit_condition", "exit_condition", free=True),
    Column("queue_type", "queue_type"),
    Column("status", "status"),
    Column("priority", "priority"),
    Column("created_at", _moment("created_at")),
    Column("assigned_to", "holder", free=True, nullable=True),
    Column("resolved_at", _moment("resolved_at"), nullable=True),
    Column("resolved_by", "closer", free=True, nullable=True),
    Column("notes", "nullif(notes, '')", free=True, nullable=True, begins="notes"),
    Column("evidence", "evidence"),
    Column("version", "version"),
    # A verb raises the version with every action it writes, so the version counts them.
    Column("actions", "version"),
    Column("last_action_hash", "encode(hash, 'hex')", nullable=True),
)

CORRECTIONS: Final = (
    Column("npi", "npi", free=True, nullable=True),
    Column("field", "field"),
    Column("old", "replaced_value", free=True, nullable=True),
    Column("new", "value", free=True, nullable=True),
    Column("who", "author", free=True),
    Column("when", _moment("created_at")),
    Column("how_verified", "nullif(verified_how, '')", free=True, nullable=True),
    Column("source", "source", free=True),
    Column("source_key", "source_key", free=True),
    Column("occurrence", "occurrence"),
    Column("item_id", "work_item_id"),
    Column("source_value_now", "current_source_value", free=True, nullable=True),
    Column("live", "withdrawn_at IS NULL", boolean=True),
    Column("withdrawn_at", _moment("withdrawn_at"), nullable=True),
    Column("withdrawn_by", "withdrawer", free=True, nullable=True),
)
