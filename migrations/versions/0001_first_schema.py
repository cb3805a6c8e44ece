"""The first schema: providers and their sources, work items, the audit trail.

Revision: 0001, after: nothing
Creates every table, the trigger that chains work_actions by hash and keeps them append-only, the
views of the analyst role, and the rows that must exist: the system user and the queue types.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "column_sets",
    "queue_types",
    "sources",
    "user",
    "detection_runs",
    "individual_providers",
    "intake_runs",
    "reference_lists",
    "rules",
    "security_events",
    "intake_rejects",
    "provider_source_history",
    "provider_sources",
    "reference_entries",
    "work_items",
    "provider_overrides",
    "work_actions",
    "work_item_providers",
)
VIEWS = ("work_items_analyst", "work_actions_analyst", "users_analyst")

# The canonical form: a JSON array, so that no value can pass for a separator, with the time as
# UTC epoch microseconds (jsonb of a timestamptz would change with the session's time zone).
FUNCTIONS = """
CREATE FUNCTION work_action_hash(
    prev bytea, item bigint, seq integer, user_id bigint, via text, action_type text,
    payload jsonb, request_id uuid, created_at timestamptz
) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(
        coalesce(prev, ''::bytea) || convert_to(
            jsonb_build_array(
                item, seq, user_id, via, action_type, payload, request_id,
                (extract(epoch FROM created_at) * 1000000)::bigint
            )::text, 'UTF8'))
$$;

CREATE FUNCTION work_actions_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor text := current_setting('app.actor', true);
BEGIN
    IF actor IS NULL OR actor = '' OR NEW.via = '' THEN
        RAISE EXCEPTION 'an action needs an acting user' USING ERRCODE = 'WQ001';
    END IF;
    IF actor <> NEW.user_id::text THEN
        RAISE EXCEPTION 'the action names user %, but user % is acting', NEW.user_id, actor
            USING ERRCODE = 'WQ001';
    END IF;
    NEW.created_at := clock_timestamp();
    NEW.prev_hash := NULL;
    IF NEW.seq > 1 THEN
        SELECT hash INTO NEW.prev_hash FROM work_actions
            WHERE work_item_id = NEW.work_item_id AND seq = NEW.seq - 1;
        IF NEW.prev_hash IS NULL THEN
            RAISE EXCEPTION 'action % of item % has no predecessor', NEW.seq, NEW.work_item_id
                USING ERRCODE = 'WQ002';
        END IF;
    END IF;
    NEW.hash := work_action_hash(
        NEW.prev_hash, NEW.work_item_id, NEW.seq, NEW.user_id, NEW.via, NEW.action_type,
        NEW.payload, NEW.request_id, NEW.created_at);
    RETURN NEW;
END
$$;

CREATE FUNCTION work_actions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'work_actions is append-only: % refused', TG_OP USING ERRCODE = 'WQ003';
END
$$;
"""

TRIGGERS = """
CREATE TRIGGER work_actions_chain BEFORE INSERT ON work_actions
    FOR EACH ROW EXECUTE FUNCTION work_actions_chain();
CREATE TRIGGER work_actions_no_change BEFORE UPDATE OR DELETE ON work_actions
    FOR EACH ROW EXECUTE FUNCTION work_actions_append_only();
CREATE TRIGGER work_actions_no_truncate BEFORE TRUNCATE ON work_actions
    FOR EACH STATEMENT EXECUTE FUNCTION work_actions_append_only();
"""

# What the analyst role sees: no notes, no free text of people, no tokens.
ANALYST_VIEWS = """
CREATE VIEW work_items_analyst AS
    SELECT id, provider_id, queue_type, status, priority, created_at, assigned_to,
           lease_expires_at, resolved_at, resolved_by, rule_id, generation, cured_at, version
    FROM work_items;
CREATE VIEW work_actions_analyst AS
    SELECT id, work_item_id, seq, user_id, action_type, created_at FROM work_actions;
CREATE VIEW users_analyst AS
    SELECT id, username, role, kind, created_at, disabled_at FROM "user";
"""

ROWS = """
INSERT INTO "user" (username, display_name, role, kind)
    VALUES ('system', 'WorkQueue', 'system', 'system');
INSERT INTO queue_types (code, label, description) VALUES
    ('DUPLICATE_CHECK', 'Duplicate', 'Records that may be one person or share an identifier'),
    ('MISSING_DATA', 'Missing data', 'An attribute that a usable record needs is absent'),
    ('VALIDATION_FLAG', 'Validation flag', 'An attribute has a value that cannot be right');
"""


def _slot_columns() -> list[sa.Column[str]]:
    said = {
        "taxonomy_code": "Taxonomy",
        "license_number": "Licence number",
        "license_state": "Licence state",
        "taxonomy_primary": "Primary",
    }
    return [
        sa.Column(
            f"{name}_{number}",
            sa.Text(collation="C"),
            nullable=True,
            comment=f"{label} {number}",
        )
        for number in range(1, 16)
        for name, label in said.items()
    ]


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "column_sets",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column(
            "fields",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="Sorted names from workqueue.fields",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_column_sets"),
        sa.UniqueConstraint("fields", name="uq_column_sets_fields"),
        comment="Sets of field names: a field outside its record's set is unknown",
    )
    op.create_table(
        "queue_types",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_queue_types"),
        comment="Kinds of work; a new one is an INSERT",
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.SmallInteger(), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sa.UniqueConstraint("name", name="uq_sources_name"),
        comment="Where provider records come from",
    )
    op.create_table(
        "user",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("username", sa.Text(collation="C"), nullable=False),
        sa.Column("display_name", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), server_default="person", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "disabled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the account was disabled; NULL: active",
        ),
        sa.CheckConstraint("(kind = 'system') = (role = 'system')", name="ck_user_system_role"),
        sa.CheckConstraint("kind IN ('person', 'local', 'system')", name="ck_user_kind"),
        sa.CheckConstraint(
            "role IN ('reviewer', 'lead', 'manager', 'analyst', 'admin', 'system')",
            name="ck_user_role",
        ),
        sa.CheckConstraint("char_length(display_name) <= 200", name="ck_user_display_name"),
        sa.CheckConstraint(
            "char_length(username) BETWEEN 1 AND 100 AND username = btrim(username)",
            name="ck_user_username",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("username", name="uq_user_username"),
        comment="Who acts: people, local accounts (cli:osuser, jupyter:osuser), the system",
    )
    op.create_table(
        "detection_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "as_of",
            sa.Date(),
            nullable=False,
            comment="The day that rules about the clock used, UTC",
        ),
        sa.Column("status", sa.Text(collation="C"), server_default="RUNNING", nullable=False),
        sa.Column("counts", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("via", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "(status = 'RUNNING') = (finished_at IS NULL)", name="ck_detection_runs_finished"
        ),
        sa.CheckConstraint(
            "status IN ('RUNNING', 'DONE', 'FAILED')", name="ck_detection_runs_status"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_detection_runs_user_id_user"),
        sa.PrimaryKeyConstraint("id", name="pk_detection_runs"),
        comment="Runs of detection with their counts",
    )
    op.create_table(
        "individual_providers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column(
            "column_set_id",
            sa.Integer(),
            nullable=False,
            comment="The fields that any file has told of this record",
        ),
        sa.Column("npi", sa.Text(collation="C"), nullable=True, comment="NPI"),
        sa.Column(
            "replacement_npi", sa.Text(collation="C"), nullable=True, comment="Replacement NPI"
        ),
        sa.Column("last_name", sa.Text(collation="C"), nullable=True, comment="Last name"),
        sa.Column("first_name", sa.Text(collation="C"), nullable=True, comment="First name"),
        sa.Column("middle_name", sa.Text(collation="C"), nullable=True, comment="Middle name"),
        sa.Column("name_prefix", sa.Text(collation="C"), nullable=True, comment="Prefix"),
        sa.Column("name_suffix", sa.Text(collation="C"), nullable=True, comment="Suffix"),
        sa.Column("credential", sa.Text(collation="C"), nullable=True, comment="Credential"),
        sa.Column(
            "other_last_name", sa.Text(collation="C"), nullable=True, comment="Other last name"
        ),
        sa.Column(
            "other_first_name", sa.Text(collation="C"), nullable=True, comment="Other first name"
        ),
        sa.Column(
            "other_middle_name", sa.Text(collation="C"), nullable=True, comment="Other middle name"
        ),
        sa.Column(
            "other_name_prefix", sa.Text(collation="C"), nullable=True, comment="Other prefix"
        ),
        sa.Column(
            "other_name_suffix", sa.Text(collation="C"), nullable=True, comment="Other suffix"
        ),
        sa.Column(
            "other_credential", sa.Text(collation="C"), nullable=True, comment="Other credential"
        ),
        sa.Column(
            "other_last_name_type", sa.Text(collation="C"), nullable=True, comment="Other name type"
        ),
        sa.Column("sex", sa.Text(collation="C"), nullable=True, comment="Sex"),
        sa.Column("practice_address_1", sa.Text(collation="C"), nullable=True, comment="Address"),
        sa.Column(
            "practice_address_2",
            sa.Text(collation="C"),
            nullable=True,
            comment="Address, second line",
        ),
        sa.Column("practice_city", sa.Text(collation="C"), nullable=True, comment="City"),
        sa.Column("practice_state", sa.Text(collation="C"), nullable=True, comment="State"),
        sa.Column("practice_zip", sa.Text(collation="C"), nullable=True, comment="ZIP"),
        sa.Column("practice_country", sa.Text(collation="C"), nullable=True, comment="Country"),
        sa.Column("practice_phone", sa.Text(collation="C"), nullable=True, comment="Phone"),
        sa.Column("practice_fax", sa.Text(collation="C"), nullable=True, comment="Fax"),
        sa.Column("mailing_address_1", sa.Text(collation="C"), nullable=True, comment="Address"),
        sa.Column(
            "mailing_address_2",
            sa.Text(collation="C"),
            nullable=True,
            comment="Address, second line",
        ),
        sa.Column("mailing_city", sa.Text(collation="C"), nullable=True, comment="City"),
        sa.Column("mailing_state", sa.Text(collation="C"), nullable=True, comment="State"),
        sa.Column("mailing_zip", sa.Text(collation="C"), nullable=True, comment="ZIP"),
        sa.Column("mailing_country", sa.Text(collation="C"), nullable=True, comment="Country"),
        sa.Column("mailing_phone", sa.Text(collation="C"), nullable=True, comment="Phone"),
        sa.Column("mailing_fax", sa.Text(collation="C"), nullable=True, comment="Fax"),
        sa.Column("enumeration_date", sa.Date(), nullable=True, comment="Enumerated"),
        sa.Column("last_update_date", sa.Date(), nullable=True, comment="Last update"),
        sa.Column("certification_date", sa.Date(), nullable=True, comment="Certification"),
        sa.Column(
            "deactivation_reason",
            sa.Text(collation="C"),
            nullable=True,
            comment="Deactivation reason",
        ),
        sa.Column("deactivation_date", sa.Date(), nullable=True, comment="Deactivated"),
        sa.Column("reactivation_date", sa.Date(), nullable=True, comment="Reactivated"),
        sa.Column(
            "sole_proprietor", sa.Text(collation="C"), nullable=True, comment="Sole proprietor"
        ),
        *_slot_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_individual_providers"),
        comment="Effective values: as received, with overrides on top",
    )
    for number in range(1, 16):
        op.create_index(
            f"ix_individual_providers_license_{number}",
            "individual_providers",
            [f"license_number_{number}", f"license_state_{number}"],
            postgresql_where=sa.text(f"license_number_{number} IS NOT NULL"),
        )
    op.create_index(
        "ix_individual_providers_name_search",
        "individual_providers",
        [
            sa.literal_column(
                "(upper(coalesce(last_name, '') || ' ' || coalesce(first_name, '')))"
            ).label("name_search")
        ],
        postgresql_using="gin",
        postgresql_ops={"name_search": "gin_trgm_ops"},
    )
    op.create_index("ix_individual_providers_npi", "individual_providers", ["npi"])
    op.create_index(
        "ix_individual_providers_practice_state", "individual_providers", ["practice_state"]
    )
    op.create_table(
        "intake_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column("column_set_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind", sa.Text(collation="C"), nullable=False, comment="providers or deactivation"
        ),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column(
            "file_size", sa.BigInteger(), nullable=False, comment="Bytes of the data, unpacked"
        ),
        sa.Column(
            "file_digest",
            sa.Text(collation="C"),
            nullable=False,
            comment="Recognises the same file for resuming",
        ),
        sa.Column("status", sa.Text(collation="C"), server_default="RUNNING", nullable=False),
        sa.Column(
            "next_offset",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="Unpacked bytes accounted for and committed",
        ),
        sa.Column("next_line", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("loaded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("skipped", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "normalised",
            postgresql.JSONB(),
            server_default="{}",
            nullable=False,
            comment="How many values of each kind were normalised",
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("via", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "(status = 'RUNNING') = (finished_at IS NULL)", name="ck_intake_runs_finished"
        ),
        sa.CheckConstraint("status IN ('RUNNING', 'DONE', 'FAILED')", name="ck_intake_runs_status"),
        sa.CheckConstraint(
            "read = loaded + updated + unchanged + rejected + skipped",
            name="ck_intake_runs_accounted",
        ),
        sa.ForeignKeyConstraint(
            ["column_set_id"], ["column_sets.id"], name="fk_intake_runs_column_set_id_column_sets"
        ),
        sa.ForeignKeyConstraint(
            ["source_id"], ["sources.id"], name="fk_intake_runs_source_id_sources"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_intake_runs_user_id_user"),
        sa.PrimaryKeyConstraint("id", name="pk_intake_runs"),
        comment="Loads of provider files with their counts and how far they came",
    )
    op.create_table(
        "reference_lists",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_reference_lists_user_id_user"),
        sa.PrimaryKeyConstraint("id", name="pk_reference_lists"),
        comment="Lists that rules refer to, loaded by the operator",
    )
    op.create_index(
        "uq_reference_lists_current",
        "reference_lists",
        ["name"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "rules",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("queue_type", sa.Text(collation="C"), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column(
            "attribute",
            sa.Text(collation="C"),
            nullable=False,
            comment="The field that the rule is about",
        ),
        sa.Column(
            "grouped",
            sa.Boolean(),
            nullable=False,
            comment="Is one item about a group of records rather than one record?",
        ),
        sa.Column("title", sa.Text(), nullable=False, comment="What is wrong, in a few words"),
        sa.Column(
            "exit_condition", sa.Text(), nullable=False, comment="When the item closes, in words"
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="Where the rule is from"),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("priority BETWEEN 1 AND 5", name="ck_rules_priority"),
        sa.ForeignKeyConstraint(
            ["queue_type"], ["queue_types.code"], name="fk_rules_queue_type_queue_types"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rules"),
        comment="Detection rules; written by detection, retired ids stay",
    )
    op.create_table(
        "security_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "via",
            sa.Text(collation="C"),
            nullable=False,
            comment="How the actor came in, such as cli:osuser",
        ),
        sa.Column("event", sa.Text(collation="C"), nullable=False),
        sa.Column("detail", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_security_events_user_id_user"),
        sa.PrimaryKeyConstraint("id", name="pk_security_events"),
        comment="Exports, denials, changes of users: who, when, what",
    )
    op.create_index("ix_security_events_created_at", "security_events", ["created_at"])
    op.create_table(
        "intake_rejects",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "line",
            sa.BigInteger(),
            nullable=False,
            comment="Physical line in the file; header is 1",
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "raw",
            sa.Text(),
            nullable=False,
            comment="Undecodable bytes and NUL as backslash escapes",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["intake_runs.id"], name="fk_intake_rejects_run_id_intake_runs"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_intake_rejects"),
        comment="Lines that could not be loaded: line, reason, raw text",
    )
    op.create_index("ix_intake_rejects_run_id", "intake_rejects", ["run_id", "line"])
    op.create_table(
        "provider_source_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "run_id",
            sa.BigInteger(),
            nullable=False,
            comment="The load that brought the new values",
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "former",
            postgresql.JSONB(),
            nullable=False,
            comment="Former received values of the changed fields, and former run and line",
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["individual_providers.id"],
            name="fk_provider_source_history_provider_id_individual_providers",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["intake_runs.id"], name="fk_provider_source_history_run_id_intake_runs"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_provider_source_history"),
        comment="What a source said before a later file changed it",
    )
    op.create_index(
        "ix_provider_source_history_provider_id", "provider_source_history", ["provider_id"]
    )
    op.create_table(
        "provider_sources",
        sa.Column("provider_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "line",
            sa.BigInteger(),
            nullable=False,
            comment="Physical line in the file; header is 1",
        ),
        sa.Column("source_id", sa.SmallInteger(), nullable=False),
        sa.Column(
            "column_set_id", sa.Integer(), nullable=False, comment="The fields that this file had"
        ),
        sa.Column(
            "occurrence",
            sa.Integer(),
            nullable=False,
            comment="1 for the first row with this key in the file, 2 for the second",
        ),
        sa.Column(
            "source_key",
            sa.Text(collation="C"),
            nullable=False,
            comment="NPI or the source's own key",
        ),
        sa.Column(
            "row_hash",
            sa.UUID(),
            nullable=False,
            comment="MD5 of the normalised row and its fields: has it changed?",
        ),
        sa.Column(
            "as_received",
            postgresql.JSONB(),
            nullable=True,
            comment="Raw text by field where normalising changed it; NULL: nothing differs",
        ),
        sa.CheckConstraint("occurrence >= 1", name="ck_provider_sources_occurrence"),
        sa.PrimaryKeyConstraint("provider_id", name="pk_provider_sources"),
        sa.UniqueConstraint(
            "source_id",
            "source_key",
            "occurrence",
            name="uq_provider_sources_source_id_source_key_occurrence",
        ),
        comment="Provenance of each provider row; never edited by people",
    )
    op.create_table(
        "reference_entries",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("detail", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["reference_lists.id"], name="fk_reference_entries_list_id_reference_lists"
        ),
        sa.PrimaryKeyConstraint("list_id", "key", name="pk_reference_entries"),
        comment="The lines of the reference lists",
    )
    op.create_table(
        "work_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False, comment="The lead record"),
        sa.Column("queue_type", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(collation="C"), server_default="OPEN", nullable=False),
        sa.Column(
            "priority",
            sa.SmallInteger(),
            server_default="3",
            nullable=False,
            comment="1 high to 5 low",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "assigned_to",
            sa.BigInteger(),
            nullable=True,
            comment="OPEN: reserved for; IN_PROGRESS: held by; closed: who held it last",
        ),
        sa.Column(
            "lease_expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="End of the holder's claim, on database time",
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "notes",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="The reason or remark given when the item was closed",
        ),
        sa.Column("rule_id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "fingerprint",
            sa.Text(collation="C"),
            nullable=False,
            comment="Rule and record, or rule and group key; never a value or a member list",
        ),
        sa.Column(
            "generation",
            sa.SmallInteger(),
            server_default="1",
            nullable=False,
            comment="2 and up: the problem came back after a person's decision",
        ),
        sa.Column("evidence", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column(
            "evidence_hash",
            sa.UUID(),
            nullable=False,
            comment="MD5 of the evidence: has it changed since?",
        ),
        sa.Column(
            "cured_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the problem was last seen gone; NULL: it stands",
        ),
        sa.Column(
            "version",
            sa.Integer(),
            server_default="1",
            nullable=False,
            comment="The seq of the newest action",
        ),
        sa.CheckConstraint(
            "(status = 'IN_PROGRESS') = (lease_expires_at IS NOT NULL)", name="ck_work_items_lease"
        ),
        sa.CheckConstraint(
            "(status IN ('RESOLVED', 'REJECTED')) = (resolved_at IS NOT NULL)",
            name="ck_work_items_resolved",
        ),
        sa.CheckConstraint(
            "status <> 'IN_PROGRESS' OR assigned_to IS NOT NULL", name="ck_work_items_holder"
        ),
        sa.CheckConstraint(
            "status IN ('OPEN', 'IN_PROGRESS', 'RESOLVED', 'REJECTED')", name="ck_work_items_status"
        ),
        sa.CheckConstraint(
            "(resolved_at IS NULL) = (resolved_by IS NULL)", name="ck_work_items_resolved_by"
        ),
        sa.CheckConstraint("char_length(notes) <= 10000", name="ck_work_items_notes"),
        sa.CheckConstraint("priority BETWEEN 1 AND 5", name="ck_work_items_priority"),
        sa.CheckConstraint("version >= 1 AND generation >= 1", name="ck_work_items_version"),
        sa.ForeignKeyConstraint(
            ["assigned_to"], ["user.id"], name="fk_work_items_assigned_to_user"
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["individual_providers.id"],
            name="fk_work_items_provider_id_individual_providers",
        ),
        sa.ForeignKeyConstraint(
            ["queue_type"], ["queue_types.code"], name="fk_work_items_queue_type_queue_types"
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by"], ["user.id"], name="fk_work_items_resolved_by_user"
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name="fk_work_items_rule_id_rules"),
        sa.PrimaryKeyConstraint("id", name="pk_work_items"),
        sa.UniqueConstraint(
            "fingerprint", "generation", name="uq_work_items_fingerprint_generation"
        ),
        comment="One task about one provider record or one group of records",
    )
    op.create_index(
        "ix_work_items_assigned_to",
        "work_items",
        ["assigned_to", "priority", "created_at", "id"],
        postgresql_where=sa.text("assigned_to IS NOT NULL"),
    )
    for name, columns in (
        ("ix_work_items_open_rule", ["rule_id"]),
        ("ix_work_items_open_type", ["queue_type"]),
    ):
        op.create_index(
            name,
            "work_items",
            [*columns, "priority", "created_at", "id"],
            postgresql_where=sa.text("status = 'OPEN'"),
        )
    for name, columns in (
        ("ix_work_items_closed", ["status"]),
        ("ix_work_items_closed_rule", ["status", "rule_id"]),
    ):
        op.create_index(
            name,
            "work_items",
            [*columns, "priority", "created_at", "id"],
            postgresql_where=sa.text("status IN ('RESOLVED', 'REJECTED')"),
        )
    op.create_index(
        "ix_work_items_held",
        "work_items",
        ["lease_expires_at"],
        postgresql_where=sa.text("status = 'IN_PROGRESS'"),
    )
    op.create_index(
        "ix_work_items_open",
        "work_items",
        ["priority", "created_at", "id"],
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.create_index("ix_work_items_provider_id", "work_items", ["provider_id"])
    op.create_index(
        "ix_work_items_reserved",
        "work_items",
        ["assigned_to", "priority", "created_at", "id"],
        postgresql_where=sa.text("status = 'OPEN' AND assigned_to IS NOT NULL"),
    )
    op.create_table(
        "provider_overrides",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "value", sa.Text(), nullable=True, comment="Corrected value as text; NULL: blank"
        ),
        sa.Column(
            "replaced_value",
            sa.Text(),
            nullable=True,
            comment="The source's value when the correction was made",
        ),
        sa.Column(
            "current_source_value",
            sa.Text(),
            nullable=True,
            comment="What the source says now; a load keeps it up to date",
        ),
        sa.Column("source_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("work_item_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("verified_how", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "withdrawn_by",
            sa.BigInteger(),
            nullable=True,
            comment="Who replaced or took back the correction",
        ),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)",
            name="ck_provider_overrides_withdrawn",
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["individual_providers.id"],
            name="fk_provider_overrides_provider_id_individual_providers",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_provider_overrides_user_id_user"
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"], ["user.id"], name="fk_provider_overrides_withdrawn_by_user"
        ),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_items.id"],
            name="fk_provider_overrides_work_item_id_work_items",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_provider_overrides"),
        comment="Corrections on top of what the sources say",
    )
    op.create_index(
        "uq_provider_overrides_live",
        "provider_overrides",
        ["provider_id", "field"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "work_actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("work_item_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False, comment="1, 2, 3 … within the item"),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "via",
            sa.Text(collation="C"),
            nullable=False,
            comment="How the actor came in: web, cli:osuser, system",
        ),
        sa.Column("action_type", sa.Text(collation="C"), nullable=False),
        sa.Column("payload", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column(
            "request_id",
            sa.UUID(),
            nullable=True,
            comment="Given by the caller; makes a retry write once",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(hash) = 32", name="ck_work_actions_hash"),
        sa.CheckConstraint("octet_length(payload::text) <= 262144", name="ck_work_actions_payload"),
        sa.CheckConstraint("seq >= 1", name="ck_work_actions_seq"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_work_actions_user_id_user"),
        sa.ForeignKeyConstraint(
            ["work_item_id"], ["work_items.id"], name="fk_work_actions_work_item_id_work_items"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_work_actions"),
        sa.UniqueConstraint("work_item_id", "seq", name="uq_work_actions_work_item_id_seq"),
        comment="The audit trail: append-only, one hash chain per work item",
    )
    op.create_index(
        "uq_work_actions_request_id",
        "work_actions",
        ["request_id"],
        unique=True,
        postgresql_where=sa.text("request_id IS NOT NULL"),
    )
    op.create_table(
        "work_item_providers",
        sa.Column("work_item_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["individual_providers.id"],
            name="fk_work_item_providers_provider_id_individual_providers",
        ),
        sa.ForeignKeyConstraint(
            ["work_item_id"],
            ["work_items.id"],
            name="fk_work_item_providers_work_item_id_work_items",
        ),
        sa.PrimaryKeyConstraint("work_item_id", "provider_id", name="pk_work_item_providers"),
        comment="All members of a group item; left_at: no longer one",
    )
    op.create_index("ix_work_item_providers_provider_id", "work_item_providers", ["provider_id"])
    op.execute(FUNCTIONS)
    op.execute(TRIGGERS)
    op.execute(ANALYST_VIEWS)
    op.execute(ROWS)


def downgrade() -> None:
    for view in VIEWS:
        op.execute(f"DROP VIEW {view}")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION work_actions_append_only, work_actions_chain, work_action_hash")
