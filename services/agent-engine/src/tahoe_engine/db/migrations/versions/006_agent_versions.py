"""Versions of agents: what each was, which one answered in a turn, and of which template an agent was made.

Revision: 006_agent_versions, after 005_unread
"""

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tahoe_core.db.rls import admit_application, protect_table

revision: str = "006_agent_versions"
down_revision: str | None = "005_unread"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    now = sa.text("clock_timestamp()")
    op.create_table(
        "agent_version",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("dna", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=now, nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=now, nullable=False),
        sa.CheckConstraint("version >= 1", name="ck_agent_version_version"),
        sa.ForeignKeyConstraint(
            ["team_id", "agent_id"], ["agent.team_id", "agent.id"], name="fk_agent_version_team_id_agent_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agent_version"),
        sa.UniqueConstraint("team_id", "agent_id", "version", name="uq_agent_version_team_id_agent_id_version"),
    )
    script = Path(__file__).with_name("006_functions.sql").read_text(encoding="utf-8")
    for statement in script.split("\n--;\n"):
        op.execute(sa.text(statement.replace(":", "\\:")))  # a colon in text() would begin a parameter
    op.add_column("turn", sa.Column("agent_version", sa.Integer(), nullable=True))
    op.create_foreign_key(
        "fk_turn_team_id_agent_id_agent_version",
        "turn",
        "agent_version",
        ["team_id", "agent_id", "agent_version"],
        ["team_id", "agent_id", "version"],
    )
    op.add_column("agent", sa.Column("template_name", sa.Text(), nullable=True))
    op.add_column("agent", sa.Column("template_version", sa.Integer(), nullable=True))
    op.create_foreign_key(
        "fk_agent_team_id_template_name_template_version",
        "agent",
        "agent_templates",
        ["team_id", "template_name", "template_version"],
        ["team_id", "name", "version"],
    )
    for statement in protect_table("agent_version"):
        op.execute(statement)
    options = op.get_context().opts
    for statement in admit_application(options["schema"], options["app_role"], {"agent_version": "SELECT, INSERT"}):
        op.execute(statement)


def downgrade() -> None:
    op.drop_constraint("fk_agent_team_id_template_name_template_version", "agent")
    op.drop_column("agent", "template_version")
    op.drop_column("agent", "template_name")
    op.drop_constraint("fk_turn_team_id_agent_id_agent_version", "turn")
    op.drop_column("turn", "agent_version")
    op.execute("DROP TRIGGER keep_agent_version ON agent")
    op.execute("DROP FUNCTION keep_agent_version()")
    op.drop_table("agent_version")
