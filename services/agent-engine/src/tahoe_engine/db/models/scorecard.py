from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.models.columns import is_active_flag, json_array, json_object, short_text, within_team
from tahoe_engine.db.models.portfolio import PortfolioORM
from tahoe_engine.db.models.scorecard_agent import ScorecardAgentORM


class ScorecardORM(TeamEntity):
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
        within_team("portfolio_id", "portfolios"),
        UniqueConstraint("team_id", "name", "version"),
        UniqueConstraint("team_id", "id"),
        Index("uq_scorecards_active", "team_id", "name", unique=True, postgresql_where=text("is_active")),
        Index(None, "team_id", "portfolio_id"),
        CheckConstraint("version >= 1", name="version"),
    )

    portfolio_id: Mapped[UUID]
    name: Mapped[str]
    description: Mapped[str] = short_text()
    version: Mapped[int] = mapped_column(server_default=text("1"))
    definition: Mapped[dict[str, object]] = mapped_column(JSON)
    categories: Mapped[list[object]] = json_array()
    requirements: Mapped[list[object]] = json_array()
    thresholds: Mapped[dict[str, object]] = json_object()
    aggregation_rules: Mapped[dict[str, object]] = json_object()
    is_active: Mapped[bool] = is_active_flag()

    portfolio: Mapped[PortfolioORM] = relationship(lazy="raise", viewonly=True)
    agents: Mapped[list[ScorecardAgentORM]] = relationship(
        lazy="raise", viewonly=True, order_by=(ScorecardAgentORM.execution_order, ScorecardAgentORM.position)
    )
