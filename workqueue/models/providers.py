"""Provider records: the effective values, where they came from, and the corrections on top.

`individual_providers` holds the effective value of every field. What was received is that row
with two things put back: under each live override the source's own value
(`provider_overrides.current_source_value`), and the raw text where it was normalised
(`provider_sources.as_received`, NULL where nothing differs). So no row is kept twice: on generated
NPPES rows a provider takes 274 bytes in its table and 414 in indexes, its provenance 102 and 83
(`python -m tests.benchmarks.load_speed` measures it).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, mapped_column

from workqueue.fields import FIELDS, SLOTS, Form
from workqueue.models.base import Base, BigId, Code, CreatedAt


class Source(Base):
    """Where records come from: NPPES, one's own directory, a licence board."""

    __tablename__ = "sources"
    __table_args__ = ({"comment": "Where provider records come from"},)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=True)
    name: Mapped[Code] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]


class ColumnSet(Base):
    """A set of field names; a record points to the set of fields it is known by."""

    __tablename__ = "column_sets"
    __table_args__ = (
        {"comment": "Sets of field names: a field outside its record's set is unknown"},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    fields: Mapped[list[str]] = mapped_column(
        ARRAY(Text), unique=True, comment="Sorted names from workqueue.fields"
    )


class IndividualProvider(Base):
    """One provider as one source tells it, with people's corrections applied.

    Beside the columns below the table has one column for each of `workqueue.fields.FIELDS`.
    """

    __tablename__ = "individual_providers"
    __table_args__ = ({"comment": "Effective values: as received, with overrides on top"},)

    id: Mapped[BigId]
    # No foreign keys on these two, nor in ProviderSource: each is checked row by row (and locks the
    # row that it names), and together they made a load more than twice as long. Only intake writes
    # these columns, in one transaction, and no role may delete a provider, source, set or run.
    source_id: Mapped[int] = mapped_column(SmallInteger)
    column_set_id: Mapped[int] = mapped_column(
        Integer, comment="The fields that any file has told of this record"
    )


_table = Base.metadata.tables["individual_providers"]
for _field in FIELDS:
    # All fields through one catalogue, so that a new one cannot be forgotten here.
    setattr(
        IndividualProvider,
        _field.name,
        Column(
            _field.name,
            Date() if _field.form is Form.DATE else Text(collation="C"),
            nullable=True,
            comment=_field.label,
        ),
    )

# Written as PostgreSQL prints it, so that `alembic check` sees no difference.
NAME_SEARCH = (
    "upper((COALESCE(last_name, ''::text) || ' '::text) || COALESCE(first_name, ''::text))"
)

Index("ix_individual_providers_npi", _table.c.npi)
# Of rules about one phone under many NPIs.
Index(
    "ix_individual_providers_practice_phone",
    _table.c.practice_phone,
    postgresql_where=_table.c.practice_phone.is_not(None),
)
# Few distinct values, so small and cheap to write; without it a rare state is a walk through all.
Index("ix_individual_providers_practice_state", _table.c.practice_state)
Index(
    "ix_individual_providers_name_search",
    literal_column(NAME_SEARCH).label("name_search"),
    postgresql_using="gin",
    postgresql_ops={"name_search": "gin_trgm_ops"},
    _table=_table,
)
for _number in range(1, SLOTS + 1):
    _license = _table.c[f"license_number_{_number}"]
    Index(
        f"ix_individual_providers_license_{_number}",
        _license,
        _table.c[f"license_state_{_number}"],
        postgresql_where=_license.is_not(None),
    )


class ProviderSource(Base):
    """Where a provider row came from: file, line, and what it said where that differs."""

    __tablename__ = "provider_sources"
    __table_args__ = (
        UniqueConstraint("source_id", "source_key", "occurrence"),
        CheckConstraint("occurrence >= 1", name="occurrence"),
        {"comment": "Provenance of each provider row; never edited by people"},
    )

    provider_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    run_id: Mapped[int] = mapped_column(BigInteger)
    line: Mapped[int] = mapped_column(BigInteger, comment="Physical line in the file; header is 1")
    source_id: Mapped[int] = mapped_column(SmallInteger)
    column_set_id: Mapped[int] = mapped_column(Integer, comment="The fields that this file had")
    occurrence: Mapped[int] = mapped_column(
        Integer, comment="1 for the first row with this key in the file, 2 for the second"
    )
    source_key: Mapped[Code] = mapped_column(comment="NPI or the source's own key")
    row_hash: Mapped[UUID] = mapped_column(
        PG_UUID, comment="MD5 of the normalised row and its fields: has it changed?"
    )
    as_received: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Raw text by field where normalising changed it; NULL: nothing differs"
    )


class ProviderSourceHistory(Base):
    """What a source said before a later file changed it: a reverse delta for each change."""

    __tablename__ = "provider_source_history"
    __table_args__ = (
        Index("ix_provider_source_history_provider_id", "provider_id"),
        {"comment": "What a source said before a later file changed it"},
    )

    id: Mapped[BigId]
    provider_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("individual_providers.id"))
    run_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("intake_runs.id"), comment="The load that brought the new values"
    )
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    former: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="Former received values of the changed fields, and former run and line"
    )


class ProviderOverride(Base):
    """A person's correction of one field; the newest live one is the effective value."""

    __tablename__ = "provider_overrides"
    __table_args__ = (
        Index(
            "uq_provider_overrides_live",
            "provider_id",
            "field",
            unique=True,
            postgresql_where=text("withdrawn_at IS NULL"),
        ),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
        {"comment": "Corrections on top of what the sources say"},
    )

    id: Mapped[BigId]
    provider_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("individual_providers.id"))
    field: Mapped[Code]
    value: Mapped[str | None] = mapped_column(comment="Corrected value as text; NULL: blank")
    replaced_value: Mapped[str | None] = mapped_column(
        comment="The source's value when the correction was made"
    )
    current_source_value: Mapped[str | None] = mapped_column(
        comment="What the source says now; a load keeps it up to date"
    )
    source_changed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    work_item_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("work_items.id"))
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    verified_how: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_by: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("user.id"),
        comment="Who replaced or took back the correction",
    )
