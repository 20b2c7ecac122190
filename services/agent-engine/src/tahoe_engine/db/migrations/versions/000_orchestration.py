"""Orchestration: what is scored, by what, and what came out.

Revision: 000_orchestration, after nothing
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from tahoe_core.db.rls import MAY_CHANGE, admit_application, create_guard, drop_guard, protect_table

revision: str = "000_orchestration"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# In the order in which they can be made; dropped the other way round.
TABLES = (
    "agent_templates",
    "tools",
    "model_providers",
    "portfolios",
    "scorecards",
    "scorecard_agents",
    "interactions",
    "analyses",
)


def upgrade() -> None:
    for statement in create_guard():
        op.execute(statement)
    create_agent_templates()
    create_tools()
    create_model_providers()
    create_portfolios()
    create_scorecards()
    create_scorecard_agents()
    create_interactions()
    create_analyses()
    for table in TABLES:
        for statement in protect_table(table):
            op.execute(statement)
    options = op.get_context().opts
    for statement in admit_application(options["schema"], options["app_role"], dict.fromkeys(TABLES, MAY_CHANGE)):
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for statement in drop_guard():
        op.execute(statement)


def create_agent_templates() -> None:
    op.create_table(
        "agent_templates",
        *identity(),
        sa.Column("name", sa.Text(), nullable=False),
        text_or_empty("description"),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        json_object("model_config"),
        text_array("capabilities"),
        text_array("tools"),
        json_object("trigger_rules"),
        text_or_empty("system_prompt"),
        text_or_empty("user_prompt"),
        json_array("checks"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *state_and_times(),
        sa.CheckConstraint("type IN ('specialist', 'coordinator', 'aggregator')", name="ck_agent_templates_type"),
        sa.CheckConstraint("version >= 1", name="ck_agent_templates_version"),
        sa.PrimaryKeyConstraint("id", name="pk_agent_templates"),
        sa.UniqueConstraint("team_id", "id", name="uq_agent_templates_team_id_id"),
        sa.UniqueConstraint("team_id", "name", "version", name="uq_agent_templates_team_id_name_version"),
    )
    create_index_of_the_active("agent_templates")


def create_tools() -> None:
    op.create_table(
        "tools",
        *identity(),
        sa.Column("name", sa.Text(), nullable=False),
        text_or_empty("description"),
        sa.Column("type", sa.Text(), nullable=False),
        json_object("configuration"),
        *state_and_times(),
        sa.CheckConstraint("type IN ('function', 'api', 'database')", name="ck_tools_type"),
        sa.PrimaryKeyConstraint("id", name="pk_tools"),
        sa.UniqueConstraint("team_id", "name", name="uq_tools_team_id_name"),
    )


def create_model_providers() -> None:
    op.create_table(
        "model_providers",
        *identity(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=True),
        sa.Column("api_key_env_var", sa.Text(), nullable=True),
        text_array("models"),
        *state_and_times(),
        sa.PrimaryKeyConstraint("id", name="pk_model_providers"),
        sa.UniqueConstraint("team_id", "name", name="uq_model_providers_team_id_name"),
    )


def create_portfolios() -> None:
    op.create_table(
        "portfolios",
        *identity(),
        sa.Column("name", sa.Text(), nullable=False),
        text_or_empty("description"),
        json_object("configuration"),
        *state_and_times(),
        sa.PrimaryKeyConstraint("id", name="pk_portfolios"),
        sa.UniqueConstraint("team_id", "id", name="uq_portfolios_team_id_id"),
        sa.UniqueConstraint("team_id", "name", name="uq_portfolios_team_id_name"),
    )


def create_scorecards() -> None:
    op.create_table(
        "scorecards",
        *identity(),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        text_or_empty("description"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        json_array("categories"),
        json_array("requirements"),
        json_object("thresholds"),
        json_object("aggregation_rules"),
        *state_and_times(),
        within_team("scorecards", "portfolio_id", "portfolios"),
        sa.CheckConstraint("version >= 1", name="ck_scorecards_version"),
        sa.PrimaryKeyConstraint("id", name="pk_scorecards"),
        sa.UniqueConstraint("team_id", "id", name="uq_scorecards_team_id_id"),
        sa.UniqueConstraint("team_id", "name", "version", name="uq_scorecards_team_id_name_version"),
    )
    create_index("scorecards", "team_id", "portfolio_id")
    create_index_of_the_active("scorecards")


def create_scorecard_agents() -> None:
    op.create_table(
        "scorecard_agents",
        *identity(),
        sa.Column("scorecard_id", sa.Uuid(), nullable=False),
        sa.Column("agent_template_id", sa.Uuid(), nullable=False),
        sa.Column("weight", sa.Double(), server_default=sa.text("1"), nullable=False),
        sa.Column("is_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        json_object("configuration"),
        sa.Column("execution_order", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *times(),
        within_team("scorecard_agents", "scorecard_id", "scorecards"),
        within_team("scorecard_agents", "agent_template_id", "agent_templates"),
        sa.CheckConstraint("weight > 0", name="ck_scorecard_agents_weight"),
        sa.CheckConstraint("execution_order >= 0", name="ck_scorecard_agents_execution_order"),
        sa.PrimaryKeyConstraint("id", name="pk_scorecard_agents"),
        sa.UniqueConstraint(
            "team_id",
            "scorecard_id",
            "agent_template_id",
            name="uq_scorecard_agents_team_id_scorecard_id_agent_template_id",
        ),
    )
    create_index("scorecard_agents", "team_id", "agent_template_id")


def create_interactions() -> None:
    op.create_table(
        "interactions",
        *identity(),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column(
            "source_key", sa.Text(), sa.Computed("coalesce(external_id, content_hash)", persisted=True), nullable=False
        ),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        json_array("participants"),
        json_array("turns"),
        json_object("metadata"),
        sa.Column("content_hash", sa.Text(), nullable=False),
        *times(),
        sa.CheckConstraint("type IN ('call', 'chat', 'email', 'trajectory')", name="ck_interactions_type"),
        sa.CheckConstraint("char_length(external_id) <= 500", name="ck_interactions_external_id"),
        sa.CheckConstraint("version >= 1", name="ck_interactions_version"),
        sa.PrimaryKeyConstraint("id", name="pk_interactions"),
        sa.UniqueConstraint("team_id", "id", name="uq_interactions_team_id_id"),
        sa.UniqueConstraint(
            "team_id", "source_key", "content_hash", name="uq_interactions_team_id_source_key_content_hash"
        ),
        sa.UniqueConstraint("team_id", "source_key", "version", name="uq_interactions_team_id_source_key_version"),
    )
    create_index("interactions", "team_id", "created_at", "id")
    create_index("interactions", "team_id", "type", "created_at", "id")


def create_analyses() -> None:
    op.create_table(
        "analyses",
        *identity(),
        sa.Column("interaction_id", sa.Uuid(), nullable=False),
        sa.Column("portfolio_id", sa.Uuid(), nullable=False),
        sa.Column("scorecard_id", sa.Uuid(), nullable=False),
        sa.Column("scorecard_name", sa.Text(), nullable=False),
        sa.Column("scorecard_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("overall_score", sa.Double(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        json_array("results"),
        json_object("agent_outputs"),
        json_array("violations"),
        json_array("recommendations"),
        json_object("metadata"),
        sa.Column("execution_ms", sa.Double(), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=True),
        sa.Column("completed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        *times(),
        within_team("analyses", "interaction_id", "interactions"),
        within_team("analyses", "portfolio_id", "portfolios"),
        within_team("analyses", "scorecard_id", "scorecards"),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'complete', 'needs_review', 'failed')", name="ck_analyses_status"
        ),
        sa.CheckConstraint("verdict IN ('pass', 'review', 'high_risk')", name="ck_analyses_verdict"),
        sa.CheckConstraint("overall_score BETWEEN 0 AND 100", name="ck_analyses_overall_score"),
        sa.CheckConstraint("coverage BETWEEN 0 AND 1", name="ck_analyses_coverage"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="ck_analyses_confidence"),
        sa.PrimaryKeyConstraint("id", name="pk_analyses"),
    )
    create_index("analyses", "team_id", "created_at", "id")
    for filtered in ("interaction_id", "scorecard_name", "verdict", "status"):
        create_index("analyses", "team_id", filtered, "created_at", "id")


def identity() -> Sequence[sa.Column[object]]:
    return (
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
    )


def times() -> Sequence[sa.Column[object]]:
    return tuple(
        sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False)
        for name in ("created_at", "updated_at")
    )


def state_and_times() -> Sequence[sa.Column[object]]:
    return (sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False), *times())


def text_or_empty(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)


def text_array(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False)


def json_object(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)


def json_array(name: str) -> sa.Column[object]:
    return sa.Column(name, JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False)


def within_team(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["team_id", column], [f"{target}.team_id", f"{target}.id"], name=f"fk_{table}_team_id_{column}"
    )


def create_index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def create_index_of_the_active(table: str) -> None:
    op.create_index(
        f"uq_{table}_active", table, ["team_id", "name"], unique=True, postgresql_where=sa.text("is_active")
    )
