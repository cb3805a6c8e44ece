"""Own rules, and what became of each rule in a run.

Revision: 0008, after: 0006
An own rule is kept in full, so that the desk can ask it and tell its words without its file. Each
run keeps a line per rule. Nothing that exists is rewritten.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "rules",
        sa.Column(
            "origin",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="Own rules: the file or entry point; blank for those of WorkQueue",
        ),
    )
    op.add_column(
        "rules",
        sa.Column(
            "definition",
            JSONB(),
            comment="Own rules: everything that the file says, for re-checks and words",
        ),
    )
    op.create_table(
        "detection_run_rules",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "rule_id",
            sa.Text(collation="C"),
            nullable=False,
            comment="Id of the rule, or the name of a file that could not be read",
        ),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "found",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="Findings of this run, those with an item included",
        ),
        sa.Column(
            "new", sa.BigInteger(), server_default="0", nullable=False, comment="Items created"
        ),
        sa.Column(
            "closed", sa.BigInteger(), server_default="0", nullable=False, comment="Items closed"
        ),
        sa.Column(
            "seconds",
            sa.Double(),
            server_default="0",
            nullable=False,
            comment="Time of the rule; the one pass over the records is shared out equally",
        ),
        sa.Column(
            "error",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="Why it FAILED or is OFF, in words",
        ),
        sa.CheckConstraint("status IN ('DONE', 'FAILED', 'OFF')", name="status"),
        sa.CheckConstraint("(status = 'DONE') = (error = '')", name="error"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["detection_runs.id"], name="fk_detection_run_rules_run_id_detection_runs"
        ),
        sa.PrimaryKeyConstraint("run_id", "rule_id", name="pk_detection_run_rules"),
        comment="What became of each rule in each run of detection",
    )
    op.create_index("ix_detection_run_rules_rule_id", "detection_run_rules", ["rule_id", "run_id"])


def downgrade() -> None:
    op.drop_table("detection_run_rules")
    op.drop_column("rules", "definition")
    op.drop_column("rules", "origin")
