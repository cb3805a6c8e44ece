"""Loads, detection runs and reference lists: what came in, when, and how it went."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from workqueue.models.base import Base, BigId, Code, CreatedAt


class IntakeRun(Base):
    """One load of one file; counts and offset move with each committed block."""

    __tablename__ = "intake_runs"
    __table_args__ = (
        CheckConstraint("status IN ('RUNNING', 'DONE', 'FAILED')", name="status"),
        CheckConstraint("(status = 'RUNNING') = (finished_at IS NULL)", name="finished"),
        CheckConstraint(
            "read = loaded + updated + unchanged + rejected + skipped", name="accounted"
        ),
        {"comment": "Loads of provider files with their counts and how far they came"},
    )

    id: Mapped[BigId]
    source_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("sources.id"))
    column_set_id: Mapped[int | None] = mapped_column(ForeignKey("column_sets.id"))
    kind: Mapped[Code] = mapped_column(comment="providers or deactivation")
    file_name: Mapped[str]
    file_size: Mapped[int] = mapped_column(BigInteger, comment="Bytes of the data, unpacked")
    file_digest: Mapped[Code] = mapped_column(comment="Recognises the same file for resuming")
    status: Mapped[Code] = mapped_column(server_default="RUNNING")
    next_offset: Mapped[int] = mapped_column(
        BigInteger, server_default="0", comment="Unpacked bytes accounted for and committed"
    )
    next_line: Mapped[int] = mapped_column(BigInteger, server_default="1")
    read: Mapped[int] = mapped_column(BigInteger, server_default="0")
    loaded: Mapped[int] = mapped_column(BigInteger, server_default="0")
    updated: Mapped[int] = mapped_column(BigInteger, server_default="0")
    unchanged: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rejected: Mapped[int] = mapped_column(BigInteger, server_default="0")
    skipped: Mapped[int] = mapped_column(BigInteger, server_default="0")
    normalised: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default="{}", comment="How many values of each kind were normalised"
    )
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    via: Mapped[Code]
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str] = mapped_column(server_default="")


class IntakeReject(Base):
    """A line that could not be loaded, with the reason and its raw text."""

    __tablename__ = "intake_rejects"
    __table_args__ = (
        Index("ix_intake_rejects_run_id", "run_id", "line"),
        {"comment": "Lines that could not be loaded: line, reason, raw text"},
    )

    id: Mapped[BigId]
    run_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("intake_runs.id"))
    line: Mapped[int] = mapped_column(BigInteger, comment="Physical line in the file; header is 1")
    reason: Mapped[str]
    raw: Mapped[str] = mapped_column(comment="Undecodable bytes and NUL as backslash escapes")


class DetectionRun(Base):
    """One run of detection with its counts."""

    __tablename__ = "detection_runs"
    __table_args__ = (
        CheckConstraint("status IN ('RUNNING', 'DONE', 'FAILED')", name="status"),
        CheckConstraint("(status = 'RUNNING') = (finished_at IS NULL)", name="finished"),
        {"comment": "Runs of detection with their counts"},
    )

    id: Mapped[BigId]
    as_of: Mapped[date] = mapped_column(comment="The day that rules about the clock used, UTC")
    status: Mapped[Code] = mapped_column(server_default="RUNNING")
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    via: Mapped[Code]
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str] = mapped_column(server_default="")
    basis: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True),
        comment="What a later run begins from: snapshot, rules, lists; NULL: from nothing",
    )


class DetectionRunRule(Base):
    """What became of one rule in one run."""

    __tablename__ = "detection_run_rules"
    __table_args__ = (
        CheckConstraint("status IN ('DONE', 'FAILED', 'OFF')", name="status"),
        CheckConstraint("(status = 'DONE') = (error = '')", name="error"),
        Index("ix_detection_run_rules_rule_id", "rule_id", "run_id"),
        {"comment": "What became of each rule in each run of detection"},
    )

    run_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("detection_runs.id"), primary_key=True
    )
    rule_id: Mapped[Code] = mapped_column(
        primary_key=True, comment="Id of the rule, or the name of a file that could not be read"
    )
    status: Mapped[Code]
    found: Mapped[int] = mapped_column(
        BigInteger,
        server_default="0",
        comment="Findings of this run, those with an item included",
    )
    new: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Items created")
    closed: Mapped[int] = mapped_column(BigInteger, server_default="0", comment="Items closed")
    seconds: Mapped[float] = mapped_column(
        Double,
        server_default="0",
        comment="Time of the rule; the one pass over the records is shared out equally",
    )
    error: Mapped[str] = mapped_column(
        server_default="", comment="Why it FAILED or is OFF, in words"
    )


class ReferenceList(Base):
    """An operator's list, such as which specialties need a licence; the newest one counts."""

    __tablename__ = "reference_lists"
    __table_args__ = (
        Index(
            "uq_reference_lists_current",
            "name",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        {"comment": "Lists that rules refer to, loaded by the operator"},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    name: Mapped[Code]
    file_name: Mapped[str]
    row_count: Mapped[int] = mapped_column(Integer)
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    loaded_at: Mapped[CreatedAt]
    superseded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ReferenceEntry(Base):
    """One line of a reference list."""

    __tablename__ = "reference_entries"
    __table_args__ = ({"comment": "The lines of the reference lists"},)

    list_id: Mapped[int] = mapped_column(ForeignKey("reference_lists.id"), primary_key=True)
    key: Mapped[Code] = mapped_column(primary_key=True)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
