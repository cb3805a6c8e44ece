"""What detection goes by to look at changes only, and what NPPES says of NPIs without a record."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from workqueue.models.base import Base, BigId, Code


class ProviderFormerKeys(Base):
    """The former row of a record whose group keys changed; a trigger writes it, whoever did it."""

    __tablename__ = "provider_former_keys"
    __table_args__ = (
        Index("ix_provider_former_keys_xid", "xid"),
        {"comment": "Former rows of records whose group keys changed; written by a trigger"},
    )

    id: Mapped[BigId]
    provider_id: Mapped[int] = mapped_column(BigInteger)
    xid: Mapped[int] = mapped_column(
        BigInteger,
        server_default=text("pg_current_xact_id()::text::bigint"),
        comment="The transaction that changed the record: has a run seen it?",
    )
    former: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="The record until then, blanks left out"
    )


class NppesDeactivation(Base):
    """An NPI that NPPES deactivated without having told whose it was."""

    __tablename__ = "nppes_deactivations"
    __table_args__ = ({"comment": "NPIs that NPPES deactivated, of which it has told no record"},)

    npi: Mapped[Code] = mapped_column(primary_key=True)
    deactivation_date: Mapped[date] = mapped_column(Date)
    run_id: Mapped[int] = mapped_column(BigInteger, comment="The load that told it")
