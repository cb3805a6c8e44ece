"""The parameters by which duplicates are found.

Revision: 0005, after: 0004
One new table; nothing that exists is touched or locked. Going back forgets the parameters: they
are estimated again when needed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duplicate_models",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "edition",
            sa.Text(collation="C"),
            nullable=False,
            comment="Of the comparison that the parameters are for; another one needs its own",
        ),
        sa.Column(
            "records",
            sa.BigInteger(),
            nullable=False,
            comment="How many records it was estimated from",
        ),
        sa.Column(
            "learnt",
            sa.Boolean(),
            nullable=False,
            comment="false: too few records, so the shipped parameters",
        ),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Splink's model",
        ),
        sa.Column(
            "frequencies",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="How many records share each frequent value, by attribute",
        ),
        sa.Column(
            "crowded",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Keys that too many records share to look for pairs by, with their values",
        ),
        sa.CheckConstraint("records >= 0", name="ck_duplicate_models_records"),
        sa.PrimaryKeyConstraint("id", name="pk_duplicate_models"),
        comment="Parameters by which duplicates are found; the newest one counts",
    )


def downgrade() -> None:
    op.drop_table("duplicate_models")
