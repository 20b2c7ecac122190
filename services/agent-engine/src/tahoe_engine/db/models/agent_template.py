from sqlalchemy.orm import Mapped

from tahoe_engine.db.models.columns import json_array, json_object, one_of, short_text, text_array
from tahoe_engine.db.models.named import VersionedEntity, version_rules
from tahoe_engine.models.catalog import AgentTemplateType


class AgentTemplateORM(VersionedEntity):
    """One version of a specialist's blueprint; a change makes a new row."""

    __tablename__ = "agent_templates"
    __table_args__ = (*version_rules(__tablename__), one_of("type", AgentTemplateType))

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
