"""Work items, who they are about, and the actions that make up their history."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column, relationship

from workqueue.lifecycle import Status
from workqueue.models.base import Base, BigId, Code, CreatedAt

_STATUSES = ", ".join(f"'{status}'" for status in Status)


class QueueType(Base):
    """A kind of work; a new one is an INSERT."""

    __tablename__ = "queue_types"
    __table_args__ = ({"comment": "Kinds of work; a new one is an INSERT"},)

    code: Mapped[Code] = mapped_column(primary_key=True)
    label: Mapped[str]
    description: Mapped[str] = mapped_column(server_default="")


class Rule(Base):
    """A detection rule as the last detection run knew it; retired ids stay listed."""

    __tablename__ = "rules"
    __table_args__ = (
        CheckConstraint("priority BETWEEN 1 AND 5", name="priority"),
        {"comment": "Detection rules; written by detection, retired ids stay"},
    )

    id: Mapped[Code] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    queue_type: Mapped[Code] = mapped_column(ForeignKey("queue_types.code"))
    priority: Mapped[int] = mapped_column(SmallInteger)
    attribute: Mapped[Code] = mapped_column(comment="The field that the rule is about")
    grouped: Mapped[bool] = mapped_column(
        Boolean, comment="Is one item about a group of records rather than one record?"
    )
    title: Mapped[str] = mapped_column(comment="What is wrong, in a few words")
    exit_condition: Mapped[str] = mapped_column(comment="When the item closes, in words")
    source: Mapped[str] = mapped_column(comment="Where the rule is from")
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    origin: Mapped[str] = mapped_column(
        server_default="",
        comment="Own rules: the file or entry point; blank for those of WorkQueue",
    )
    definition: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True),
        comment="Own rules: everything that the file says, for re-checks and words",
    )


class WorkItem(Base):
    """One task about one provider record, or about a group of them with a lead record."""

    __tablename__ = "work_items"
    __table_args__ = (
        UniqueConstraint("fingerprint", "generation"),
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        CheckConstraint("priority BETWEEN 1 AND 5", name="priority"),
        CheckConstraint("(status = 'IN_PROGRESS') = (lease_expires_at IS NOT NULL)", name="lease"),
        CheckConstraint("status <> 'IN_PROGRESS' OR assigned_to IS NOT NULL", name="holder"),
        CheckConstraint(
            "(status IN ('RESOLVED', 'REJECTED')) = (resolved_at IS NOT NULL)", name="resolved"
        ),
        CheckConstraint("(resolved_at IS NULL) = (resolved_by IS NULL)", name="resolved_by"),
        CheckConstraint("char_length(notes) <= 10000", name="notes"),
        CheckConstraint("version >= 1 AND generation >= 1", name="version"),
        Index(
            "ix_work_items_open",
            "priority",
            "created_at",
            "id",
            postgresql_where=text("status = 'OPEN'"),
        ),
        # Filters of the inbox in its order. Partial, so that a claim, which takes an item out of
        # OPEN, writes none of them; an item enters those of its state once.
        Index(
            "ix_work_items_open_rule",
            "rule_id",
            "priority",
            "created_at",
            "id",
            postgresql_where=text("status = 'OPEN'"),
        ),
        Index(
            "ix_work_items_open_type",
            "queue_type",
            "priority",
            "created_at",
            "id",
            postgresql_where=text("status = 'OPEN'"),
        ),
        Index(
            "ix_work_items_closed",
            "status",
            "priority",
            "created_at",
            "id",
            postgresql_where=text("status IN ('RESOLVED', 'REJECTED')"),
        ),
        Index(
            "ix_work_items_closed_rule",
            "status",
            "rule_id",
            "priority",
            "created_at",
            "id",
            postgresql_where=text("status IN ('RESOLVED', 'REJECTED')"),
        ),
        Index(
            "ix_work_items_open_age",
            "created_at",
            "id",
            postgresql_where=text("status = 'OPEN'"),
        ),
        Index(
            "ix_work_items_closed_age",
            "status",
            "created_at",
            "id",
            postgresql_where=text("status IN ('RESOLVED', 'REJECTED')"),
        ),
        Index(
            "ix_work_items_held",
            "lease_expires_at",
            postgresql_where=text("status = 'IN_PROGRESS'"),
        ),
        Index("ix_work_items_provider_id", "provider_id"),
        Index(
            "ix_work_items_assigned_to",
            "assigned_to",
            "priority",
            "created_at",
            "id",
            postgresql_where=text("assigned_to IS NOT NULL"),
        ),
        # Apart from the one above, which also holds everything that a user has ever closed.
        Index(
            "ix_work_items_reserved",
            "assigned_to",
            "priority",
            "created_at",
            "id",
            postgresql_where=text("status = 'OPEN' AND assigned_to IS NOT NULL"),
        ),
        {"comment": "One task about one provider record or one group of records"},
    )

    id: Mapped[BigId]
    provider_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("individual_providers.id"), comment="The lead record"
    )
    queue_type: Mapped[Code] = mapped_column(ForeignKey("queue_types.code"))
    status: Mapped[Code] = mapped_column(server_default=Status.OPEN.value)
    priority: Mapped[int] = mapped_column(
        SmallInteger, server_default="3", comment="1 high to 5 low"
    )
    created_at: Mapped[CreatedAt]
    assigned_to: Mapped[int | None] = mapped_column(
        BigInteger,
        ForeignKey("user.id"),
        comment="OPEN: reserved for; IN_PROGRESS: held by; closed: who held it last",
    )
    lease_expires_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="End of the holder's claim, on database time"
    )
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resolved_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    notes: Mapped[str] = mapped_column(
        server_default="", comment="The reason or remark given when the item was closed"
    )
    rule_id: Mapped[Code] = mapped_column(ForeignKey("rules.id"))
    fingerprint: Mapped[Code] = mapped_column(
        comment="Rule and record, or rule and group key; never a value or a member list"
    )
    generation: Mapped[int] = mapped_column(
        SmallInteger,
        server_default="1",
        comment="2 and up: the problem came back after a person's decision",
    )
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    evidence_hash: Mapped[UUID] = mapped_column(
        PG_UUID, comment="MD5 of the evidence: has it changed since?"
    )
    cured_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="When the problem was last seen gone; NULL: it stands"
    )
    version: Mapped[int] = mapped_column(
        Integer, server_default="1", comment="The seq of the newest action"
    )

    actions: WriteOnlyMapped[WorkAction] = relationship(order_by="WorkAction.seq")


class WorkItemProvider(Base):
    """Membership of a record in a group item; a member that left keeps its row."""

    __tablename__ = "work_item_providers"
    __table_args__ = (
        Index("ix_work_item_providers_provider_id", "provider_id"),
        {"comment": "All members of a group item; left_at: no longer one"},
    )

    work_item_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("work_items.id"), primary_key=True
    )
    provider_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("individual_providers.id"), primary_key=True
    )
    joined_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    left_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class WorkAction(Base):
    """One recorded operation on a work item; append-only, chained by hash per item.

    `created_at`, `prev_hash` and `hash` are set by the database's trigger whatever is given.
    """

    __tablename__ = "work_actions"
    __table_args__ = (
        UniqueConstraint("work_item_id", "seq"),
        CheckConstraint("seq >= 1", name="seq"),
        CheckConstraint("octet_length(hash) = 32", name="hash"),
        CheckConstraint("octet_length(payload::text) <= 262144", name="payload"),
        Index(
            "uq_work_actions_request_id",
            "request_id",
            unique=True,
            postgresql_where=text("request_id IS NOT NULL"),
        ),
        {"comment": "The audit trail: append-only, one hash chain per work item"},
    )

    id: Mapped[BigId]
    work_item_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("work_items.id"))
    seq: Mapped[int] = mapped_column(Integer, comment="1, 2, 3 … within the item")
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    via: Mapped[Code] = mapped_column(comment="How the actor came in: web, cli:osuser, system")
    action_type: Mapped[Code]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    request_id: Mapped[UUID | None] = mapped_column(
        PG_UUID, comment="Given by the caller; makes a retry write once"
    )
    created_at: Mapped[CreatedAt]
    prev_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
