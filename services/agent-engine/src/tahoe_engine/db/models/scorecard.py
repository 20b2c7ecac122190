from uuid import UUID

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tahoe_engine.db.models.columns import json_array, json_object, short_text, within_team
from tahoe_engine.db.models.named import VersionedEntity, version_rules
from tahoe_engine.db.models.portfolio import PortfolioORM


class ScorecardORM(VersionedEntity):
    """One version of a scorecard; a change makes a new row.

    Attributes:
        definition: As its author wrote it, left-out values left out; `json` and not `jsonb`, which would sort the keys.
        categories: Name, title and weight, in the author's order.
        requirements: In full; each of their checks is named by specialist and id, and stands in the agent template.
        thresholds: In full, the defaults of the day included, so that a later Tahoe judges by them, too.
        aggregation_rules: In full, likewise.
    """

    __tablename__ = "scorecards"
    __table_args__ = (
        *version_rules(__tablename__),
        within_team("portfolio_id", "portfolios"),
        Index(None, "team_id", "portfolio_id"),
    )

    portfolio_id: Mapped[UUID]
    description: Mapped[str] = short_text()
    definition: Mapped[dict[str, object]] = mapped_column(JSON)
    categories: Mapped[list[object]] = json_array()
    requirements: Mapped[list[object]] = json_array()
    thresholds: Mapped[dict[str, object]] = json_object()
    aggregation_rules: Mapped[dict[str, object]] = json_object()

    portfolio: Mapped[PortfolioORM] = relationship(lazy="raise", viewonly=True)
