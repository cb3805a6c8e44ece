"""Who acts, and the security events worth keeping."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from workqueue.lifecycle import Role
from workqueue.models.base import Base, BigId, Code, CreatedAt

_ROLES = ", ".join(f"'{role}'" for role in Role)


class User(Base):
    """A person, a local operating-system account, or the machine itself."""

    __tablename__ = "user"
    __table_args__ = (
        CheckConstraint(f"role IN ({_ROLES})", name="role"),
        CheckConstraint("kind IN ('person', 'local', 'system')", name="kind"),
        CheckConstraint("(kind = 'system') = (role = 'system')", name="system_role"),
        CheckConstraint(
            "char_length(username) BETWEEN 1 AND 100 AND username = btrim(username)",
            name="username",
        ),
        CheckConstraint("char_length(display_name) <= 200", name="display_name"),
        {"comment": "Who acts: people, local accounts (cli:osuser, jupyter:osuser), the system"},
    )

    id: Mapped[BigId]
    username: Mapped[Code] = mapped_column(unique=True)
    display_name: Mapped[str] = mapped_column(server_default="")
    role: Mapped[Code]
    kind: Mapped[Code] = mapped_column(server_default="person")
    created_at: Mapped[CreatedAt]
    disabled_at: Mapped[datetime | None] = mapped_column(
        DateTime(timezone=True), comment="When the account was disabled; NULL: active"
    )


class SecurityEvent(Base):
    """Something an auditor asks about that is not a change of a work item."""

    __tablename__ = "security_events"
    __table_args__ = (
        Index("ix_security_events_created_at", "created_at"),
        {"comment": "Exports, denials, changes of users: who, when, what"},
    )

    id: Mapped[BigId]
    created_at: Mapped[CreatedAt]
    user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    via: Mapped[Code] = mapped_column(comment="How the actor came in, such as cli:osuser")
    event: Mapped[Code]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
