"""Turns: who answers a conversation now, and what every answer took.

Revision: 002_turns, after 001_phase1_foundation
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tahoe_core.db.rls import MAY_CHANGE, admit_application, protect_table

revision: str = "002_turns"
down_revision: str | None = "001_phase1_foundation"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

STATUSES = "'running', 'waiting', 'complete', 'failed', 'cancelled', 'unfinished'"


def upgrade() -> None:
    op.create_table(
        "turn",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'running'"), nullable=False),
        sa.Column("leased_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("pending", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("retrieval_ms", sa.Double(), nullable=True),
        sa.Column("memory_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Numeric(20, 10), nullable=True),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column(
            "updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint(f"status IN ({STATUSES})", name="ck_turn_status"),
        sa.CheckConstraint("(status = 'running') = (leased_until IS NOT NULL)", name="ck_turn_lease"),
        within_team("turn", "conversation_id", "conversation"),
        within_team("turn", "agent_id", "agent"),
        sa.PrimaryKeyConstraint("id", name="pk_turn"),
        sa.UniqueConstraint("team_id", "id", name="uq_turn_team_id_id"),
    )
    op.create_index(
        "ix_turn_team_id_conversation_id_created_at_id", "turn", ["team_id", "conversation_id", "created_at", "id"]
    )
    op.create_index(
        "uq_turn_running",
        "turn",
        ["team_id", "conversation_id"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )
    op.execute("CREATE TRIGGER set_updated_at BEFORE UPDATE ON turn FOR EACH ROW EXECUTE FUNCTION set_updated_at()")
    op.add_column("message", sa.Column("turn_id", sa.Uuid(), nullable=True))
    op.add_column("message", sa.Column("is_error", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_foreign_key("fk_message_team_id_turn_id", "message", "turn", ["team_id", "turn_id"], ["team_id", "id"])
    op.create_index("ix_message_team_id_turn_id", "message", ["team_id", "turn_id"])
    op.add_column(
        "conversation", sa.Column("extracted_until", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    for statement in protect_table("turn"):
        op.execute(statement)
    options = op.get_context().opts
    for statement in admit_application(options["schema"], options["app_role"], {"turn": MAY_CHANGE}):
        op.execute(statement)


def downgrade() -> None:
    op.drop_column("conversation", "extracted_until")
    op.drop_index("ix_message_team_id_turn_id", "message")
    op.drop_constraint("fk_message_team_id_turn_id", "message")
    op.drop_column("message", "is_error")
    op.drop_column("message", "turn_id")
    op.drop_table("turn")


def within_team(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["team_id", column], [f"{target}.team_id", f"{target}.id"], name=f"fk_{table}_team_id_{column}"
    )
