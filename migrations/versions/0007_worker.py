"""Runs of detection that are asked for and watched, and the worker's jobs.

Revision: 0007, after: 0004
A run may wait (REQUESTED, one at a time) and says how far it is. The worker's own tables come from
procrastinate's schema, in a schema `jobs` of their own, so that `alembic check` and the analyst see
nothing of them. It is a copy of the pinned version's file, not the file of whatever version is
installed: a database at this revision is then the same one everywhere, and a newer version comes
with a revision of ours that brings what is different. A test compares the copy with the installed
one, so that the pin cannot move without that. detection_runs is locked for a moment.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COPY = Path(__file__).resolve().parents[1] / "jobs" / "procrastinate_3_10.sql"

# The first revision's checks have their prefix twice.
TWICE = "ck_detection_runs_ck_detection_runs_"

# A request is a row of detection_runs; this only wakes the worker, and does nothing where a job
# waits already. Callers need not know the worker's library.
WAKE = """
CREATE FUNCTION jobs.wake_detection() RETURNS void
LANGUAGE sql SET search_path = jobs, pg_temp AS $$
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock)
    VALUES ('detection', 'detect', 'detect', 'detect')
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
$$;
"""


def upgrade() -> None:
    op.add_column(
        "detection_runs",
        sa.Column(
            "requested_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When somebody asked for it; NULL: it began at once, or by the clock",
        ),
    )
    op.add_column(
        "detection_runs",
        sa.Column(
            "step",
            sa.Text(collation="C"),
            server_default="",
            nullable=False,
            comment="What it is doing, while it runs",
        ),
    )
    for name in ("done", "total"):
        op.add_column(
            "detection_runs", sa.Column(name, sa.Integer(), server_default="0", nullable=False)
        )
    op.add_column(
        "detection_runs",
        sa.Column(
            "told_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it last said how far it is",
        ),
    )
    _states(
        "'REQUESTED', 'RUNNING', 'DONE', 'FAILED'",
        "status IN ('REQUESTED', 'RUNNING')",
        was=TWICE,
    )
    op.create_index(
        "uq_detection_runs_requested",
        "detection_runs",
        ["status"],
        unique=True,
        postgresql_where=sa.text("status = 'REQUESTED'"),
    )
    op.execute("CREATE SCHEMA jobs")
    op.execute("SET LOCAL search_path = jobs")
    # The driver reads a lone percent sign as a parameter.
    op.get_bind().exec_driver_sql(COPY.read_text(encoding="utf-8").replace("%", "%%"))
    op.execute("RESET search_path")
    op.execute(WAKE)


def downgrade() -> None:
    op.execute("DROP SCHEMA jobs CASCADE")
    op.drop_index("uq_detection_runs_requested", "detection_runs")
    op.execute(
        "UPDATE detection_runs SET status = 'FAILED', finished_at = now(), "
        "error = 'It had not begun when the schema went back.' WHERE status = 'REQUESTED'"
    )
    _states("'RUNNING', 'DONE', 'FAILED'", "status = 'RUNNING'", new=TWICE)
    for name in ("told_at", "total", "done", "step", "requested_at"):
        op.drop_column("detection_runs", name)


def _states(
    names: str, unfinished: str, *, was: str = "ck_detection_runs_", new: str = "ck_detection_runs_"
) -> None:
    for name, condition in (
        ("status", f"status IN ({names})"),
        ("finished", f"({unfinished}) = (finished_at IS NULL)"),
    ):
        op.drop_constraint(op.f(was + name), "detection_runs")
        op.create_check_constraint(op.f(new + name), "detection_runs", condition)
