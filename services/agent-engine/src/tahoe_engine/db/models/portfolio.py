from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from tahoe_engine.db.models.columns import json_object, short_text
from tahoe_engine.db.models.named import NamedEntity


class PortfolioORM(NamedEntity):
    """A group of scorecards with settings in common; changed in place."""

    __tablename__ = "portfolios"
    __table_args__ = (UniqueConstraint("team_id", "name"), UniqueConstraint("team_id", "id"))

    description: Mapped[str] = short_text()
    configuration: Mapped[dict[str, object]] = json_object()
