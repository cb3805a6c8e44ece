"""Logins of the desk: passwords, login sessions, one-time links, the throttle.

Revision: 0002, after: 0001
Four new tables; nothing that exists is touched or locked. Secrets are kept as hashes only, and
apart from the users, so that no view or grant on users can show them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CODE = sa.Text(collation="C")
_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def _user_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=f"fk_{table}_user_id_user")


def upgrade() -> None:
    op.create_table(
        "user_passwords",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", _CODE, nullable=False, comment="argon2id, in its encoded form"),
        sa.Column("changed_at", _MOMENT, server_default=_NOW, nullable=False),
        _user_key("user_passwords"),
        sa.PrimaryKeyConstraint("user_id", name="pk_user_passwords"),
        comment="Passwords, as argon2id hashes; apart from the users",
    )
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the cookie"),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("last_seen_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column(
            "idle_at", _MOMENT, nullable=False, comment="When it ends unless it is used before"
        ),
        sa.Column("expires_at", _MOMENT, nullable=False, comment="When it ends whatever is done"),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("address", _CODE, server_default="", nullable=False),
        sa.Column(
            "agent",
            _CODE,
            server_default="",
            nullable=False,
            comment="The browser, as it names itself",
        ),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="ck_login_sessions_token_hash"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (end_reason IS NULL)", name="ck_login_sessions_ended"
        ),
        sa.CheckConstraint(
            "char_length(address) <= 100 AND char_length(agent) <= 200",
            name="ck_login_sessions_from",
        ),
        _user_key("login_sessions"),
        sa.PrimaryKeyConstraint("id", name="pk_login_sessions"),
        comment="Logins of the desk",
    )
    op.create_index("uq_login_sessions_token_hash", "login_sessions", ["token_hash"], unique=True)
    op.create_index(
        "ix_login_sessions_user_id",
        "login_sessions",
        ["user_id"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "login_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "token_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the link's token"
        ),
        sa.Column(
            "purpose",
            _CODE,
            nullable=False,
            comment="password: the user sets one; sign-in: the link is enough",
        ),
        sa.Column("created_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.CheckConstraint("octet_length(token_hash) = 32", name="ck_login_links_token_hash"),
        sa.CheckConstraint("purpose IN ('password', 'sign-in')", name="ck_login_links_purpose"),
        _user_key("login_links"),
        sa.PrimaryKeyConstraint("id", name="pk_login_links"),
        comment="One-time links",
    )
    op.create_index("uq_login_links_token_hash", "login_links", ["token_hash"], unique=True)
    op.create_index(
        "ix_login_links_user_id",
        "login_links",
        ["user_id"],
        postgresql_where=sa.text("used_at IS NULL"),
    )
    op.create_table(
        "login_throttle",
        sa.Column("kind", _CODE, nullable=False),
        sa.Column("key", _CODE, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("tried_at", _MOMENT, nullable=False),
        sa.CheckConstraint("kind IN ('account', 'address', 'pair')", name="ck_login_throttle_kind"),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_login_throttle"),
        comment="Wrong passwords of late, which make the next try wait",
    )


def downgrade() -> None:
    for table in ("login_throttle", "login_links", "login_sessions", "user_passwords"):
        op.drop_table(table)
