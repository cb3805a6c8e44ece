"""What the analyst role sees of the queue, under the tables' own names.

Revision: 0004, after: 0003
A schema of views that stand in for the tables: the analyst's connections look there first, so
that inbox, inspector and metrics run the same queries. Notes, comments, reasons and remarks are
blank in them. Nothing that exists is touched or locked.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

VIEWS = """
CREATE SCHEMA analyst;
CREATE VIEW analyst.work_items AS
    SELECT id, provider_id, queue_type, status, priority, created_at, assigned_to,
           lease_expires_at, resolved_at, resolved_by, ''::text AS notes, rule_id, fingerprint,
           generation, evidence, evidence_hash, cured_at, version
    FROM public.work_items;
CREATE VIEW analyst.work_actions AS
    SELECT id, work_item_id, seq, user_id, via, action_type,
           payload - '{text,note,reason,verified_how}'::text[] AS payload,
           request_id, created_at, prev_hash, hash
    FROM public.work_actions;
CREATE VIEW analyst.provider_overrides AS
    SELECT id, provider_id, field, value, replaced_value, current_source_value,
           source_changed_at, work_item_id, user_id, ''::text AS verified_how, created_at,
           withdrawn_at, withdrawn_by
    FROM public.provider_overrides;
CREATE VIEW analyst."user" AS
    SELECT id, username, display_name, role, kind, created_at, disabled_at FROM public."user";
CREATE VIEW analyst.work_item_providers AS SELECT * FROM public.work_item_providers;
CREATE VIEW analyst.provider_sources AS SELECT * FROM public.provider_sources;
CREATE VIEW analyst.intake_runs AS SELECT * FROM public.intake_runs;
"""


def upgrade() -> None:
    op.execute(VIEWS)


def downgrade() -> None:
    op.execute("DROP SCHEMA analyst CASCADE")
