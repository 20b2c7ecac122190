"""What turns took, and model calls that no message shows: failed ones, and those that read for memories.

Revision: 004_model_calls, after 003_memory_cells
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tahoe_core.db.rls import admit_application, protect_table

revision: str = "004_model_calls"
down_revision: str | None = "003_memory_cells"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("turn", sa.Column("usage", JSONB(), nullable=True))
    now = sa.text("clock_timestamp()")
    op.create_table(
        "model_call",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("cached_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("cost_usd", sa.Numeric(20, 10), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint("purpose IN ('answer', 'extraction')", name="ck_model_call_purpose"),
        sa.CheckConstraint(
            "input_tokens >= 0 AND cached_tokens >= 0 AND output_tokens >= 0", name="ck_model_call_tokens"
        ),
        sa.ForeignKeyConstraint(
            ["team_id", "conversation_id"],
            ["conversation.team_id", "conversation.id"],
            name="fk_model_call_team_id_conversation_id",
        ),
        sa.ForeignKeyConstraint(
            ["team_id", "agent_id"], ["agent.team_id", "agent.id"], name="fk_model_call_team_id_agent_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_model_call"),
    )
    op.create_index(
        "ix_model_call_team_id_conversation_id_created_at_id",
        "model_call",
        ["team_id", "conversation_id", "created_at", "id"],
    )
    for statement in protect_table("model_call"):
        op.execute(statement)
    options = op.get_context().opts
    for statement in admit_application(options["schema"], options["app_role"], {"model_call": "SELECT, INSERT"}):
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("model_call")
    op.drop_column("turn", "usage")
