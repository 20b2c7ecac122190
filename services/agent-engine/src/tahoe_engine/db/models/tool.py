from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.models.columns import is_active_flag, json_object, one_of, short_text
from tahoe_engine.models.catalog import ToolType


class ToolORM(TeamEntity):
    """Something that an agent can use; changed in place."""

    __tablename__ = "tools"
    __table_args__ = (UniqueConstraint("team_id", "name"), one_of("type", ToolType))

    name: Mapped[str]
    description: Mapped[str] = short_text()
    type: Mapped[str]
    configuration: Mapped[dict[str, object]] = json_object()
    is_active: Mapped[bool] = is_active_flag()
