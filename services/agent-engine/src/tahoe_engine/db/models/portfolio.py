from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.models.columns import is_active_flag, json_object, short_text


class PortfolioORM(TeamEntity):
    """A group of scorecards with settings in common; changed in place."""

    __tablename__ = "portfolios"
    __table_args__ = (UniqueConstraint("team_id", "name"), UniqueConstraint("team_id", "id"))

    name: Mapped[str]
    description: Mapped[str] = short_text()
    configuration: Mapped[dict[str, object]] = json_object()
    is_active: Mapped[bool] = is_active_flag()
