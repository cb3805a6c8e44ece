"""What detection needs to look at changes only, and to ask NPPES about the NPIs of others.

Revision: 0006, after: 0004
A run of detection keeps what the next one begins from. A trigger keeps the former row of a record
whose group keys change: its condition is looked at for each updated row, the function runs for
those few only. NPIs that NPPES deactivated without telling who they were have a table. One index
is built, on the practice phone: about a second for a million records, during which nobody writes
them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None

KEYS = (
    "npi",
    "practice_phone",
    *(
        f"{name}_{slot}"
        for slot in range(1, 16)
        for name in ("license_number", "license_state", "taxonomy_code")
    ),
)
CODE = sa.Text(collation="C")

FUNCTION = """
CREATE FUNCTION individual_providers_former() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO provider_former_keys (provider_id, former)
    VALUES (OLD.id, jsonb_strip_nulls(to_jsonb(OLD)));
    RETURN NULL;
END
$$
"""
TRIGGER = f"""
CREATE TRIGGER individual_providers_former AFTER UPDATE ON individual_providers
    FOR EACH ROW WHEN (({", ".join(f"OLD.{name}" for name in KEYS)})
        IS DISTINCT FROM ({", ".join(f"NEW.{name}" for name in KEYS)}))
    EXECUTE FUNCTION individual_providers_former()
"""


def upgrade() -> None:
    op.create_table(
        "provider_former_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("provider_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "xid",
            sa.BigInteger(),
            server_default=sa.text("pg_current_xact_id()::text::bigint"),
            nullable=False,
            comment="The transaction that changed the record: has a run seen it?",
        ),
        sa.Column(
            "former",
            JSONB(),
            nullable=False,
            comment="The record until then, blanks left out",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_provider_former_keys"),
        comment="Former rows of records whose group keys changed; written by a trigger",
    )
    op.create_index("ix_provider_former_keys_xid", "provider_former_keys", ["xid"])
    op.create_table(
        "nppes_deactivations",
        sa.Column("npi", CODE, nullable=False),
        sa.Column("deactivation_date", sa.Date(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="The load that told it"),
        sa.PrimaryKeyConstraint("npi", name="pk_nppes_deactivations"),
        comment="NPIs that NPPES deactivated, of which it has told no record",
    )
    op.add_column(
        "detection_runs",
        sa.Column(
            "basis",
            JSONB(),
            nullable=True,
            comment="What a later run begins from: snapshot, rules, lists; NULL: from nothing",
        ),
    )
    op.create_index(
        "ix_individual_providers_practice_phone",
        "individual_providers",
        ["practice_phone"],
        postgresql_where=sa.text("practice_phone IS NOT NULL"),
    )
    op.execute(FUNCTION)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER individual_providers_former ON individual_providers")
    op.execute("DROP FUNCTION individual_providers_former()")
    op.drop_index("ix_individual_providers_practice_phone", "individual_providers")
    op.drop_column("detection_runs", "basis")
    op.drop_table("nppes_deactivations")
    op.drop_table("provider_former_keys")
