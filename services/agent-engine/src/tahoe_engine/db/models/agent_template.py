from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.models.columns import is_active_flag, json_array, json_object, one_of, short_text, text_array
from tahoe_engine.models.catalog import AgentTemplateType


class AgentTemplateORM(TeamEntity):
    """One version of a specialist's blueprint; a change makes a new row."""

    __tablename__ = "agent_templates"
    __table_args__ = (
        UniqueConstraint("team_id", "name", "version"),
        UniqueConstraint("team_id", "id"),
        Index("uq_agent_templates_active", "team_id", "name", unique=True, postgresql_where=text("is_active")),
        one_of("type", AgentTemplateType),
        CheckConstraint("version >= 1", name="version"),
    )

    name: Mapped[str]
    description: Mapped[str] = short_text()
    type: Mapped[str]
    model: Mapped[str | None]
    model_config: Mapped[dict[str, object]] = json_object()
    capabilities: Mapped[list[str]] = text_array()
    tools: Mapped[list[str]] = text_array()
    trigger_rules: Mapped[dict[str, object]] = json_object()
    system_prompt: Mapped[str] = short_text()
    user_prompt: Mapped[str] = short_text()
    checks: Mapped[list[object]] = json_array()
    version: Mapped[int] = mapped_column(server_default=text("1"))
    is_active: Mapped[bool] = is_active_flag()
