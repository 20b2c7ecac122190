from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from tahoe_engine.db.models.columns import json_object, one_of, short_text
from tahoe_engine.db.models.named import NamedEntity
from tahoe_engine.models.catalog import ToolType


class ToolORM(NamedEntity):
    """Something that an agent can use; changed in place."""

    __tablename__ = "tools"
    __table_args__ = (UniqueConstraint("team_id", "name"), one_of("type", ToolType))

    description: Mapped[str] = short_text()
    type: Mapped[str]
    configuration: Mapped[dict[str, object]] = json_object()
