"""How people sign in: passwords, login sessions, one-time links, and the throttle of wrong tries.

Secrets are kept as hashes only: a password by argon2id, a cookie or link by SHA-256, which is
enough for 256 random bits.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    and_,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from workqueue.models.base import Base, BigId, Code, CreatedAt, Moment


class UserPassword(Base):
    """The password of a user who has set one."""

    __tablename__ = "user_passwords"
    __table_args__ = ({"comment": "Passwords, as argon2id hashes; apart from the users"},)

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"), primary_key=True)
    hash: Mapped[Code] = mapped_column(comment="argon2id, in its encoded form")
    changed_at: Mapped[CreatedAt]


class LoginSession(Base):
    """Somebody signed in with a browser; live until it ends, expires or lies idle."""

    __tablename__ = "login_sessions"
    __table_args__ = (
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
        CheckConstraint("char_length(address) <= 100 AND char_length(agent) <= 200", name="from"),
        Index("uq_login_sessions_token_hash", "token_hash", unique=True),
        Index("ix_login_sessions_user_id", "user_id", postgresql_where=text("ended_at IS NULL")),
        {"comment": "Logins of the desk"},
    )

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, comment="SHA-256 of the cookie")
    created_at: Mapped[CreatedAt]
    last_seen_at: Mapped[CreatedAt]
    idle_at: Mapped[Moment] = mapped_column(comment="When it ends unless it is used before")
    expires_at: Mapped[Moment] = mapped_column(comment="When it ends whatever is done")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    end_reason: Mapped[str | None]
    address: Mapped[Code] = mapped_column(server_default="")
    agent: Mapped[Code] = mapped_column(
        server_default="", comment="The browser, as it names itself"
    )

    @classmethod
    def is_live(cls) -> ColumnElement[bool]:
        """The condition that a login session counts at this moment of the database."""
        now = func.clock_timestamp()
        return and_(cls.ended_at.is_(None), cls.expires_at > now, cls.idle_at > now)


class LoginLink(Base):
    """A link that lets one user in once."""

    __tablename__ = "login_links"
    __table_args__ = (
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
        CheckConstraint("purpose IN ('password', 'sign-in')", name="purpose"),
        Index("uq_login_links_token_hash", "token_hash", unique=True),
        Index("ix_login_links_user_id", "user_id", postgresql_where=text("used_at IS NULL")),
        {"comment": "One-time links"},
    )

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, comment="SHA-256 of the link's token")
    purpose: Mapped[Code] = mapped_column(
        comment="password: the user sets one; sign-in: the link is enough"
    )
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment]
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class LoginThrottle(Base):
    """How many wrong tries there were of late: by account, by address, and by both together."""

    __tablename__ = "login_throttle"
    __table_args__ = (
        CheckConstraint("kind IN ('account', 'address', 'pair')", name="kind"),
        {"comment": "Wrong passwords of late, which make the next try wait"},
    )

    kind: Mapped[Code] = mapped_column(primary_key=True)
    key: Mapped[Code] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    tried_at: Mapped[Moment]
