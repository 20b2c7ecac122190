from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.agent_template import AgentTemplateORM
from tahoe_engine.db.models.columns import json_object, within_team


class ScorecardAgentORM(TeamEntity, Base):
    """One specialist's part in one version of a scorecard.

    Attributes:
        configuration: What it does otherwise here than its template says.
        position: Its place among those of the same `execution_order`, as the author listed them.
    """

    __tablename__ = "scorecard_agents"
    __table_args__ = (
        within_team("scorecard_id", "scorecards"),
        within_team("agent_template_id", "agent_templates"),
        UniqueConstraint("team_id", "scorecard_id", "agent_template_id"),
        Index(None, "team_id", "agent_template_id"),
        CheckConstraint("weight > 0", name="weight"),
        CheckConstraint("execution_order >= 0", name="execution_order"),
    )

    scorecard_id: Mapped[UUID]
    agent_template_id: Mapped[UUID]
    weight: Mapped[float] = mapped_column(server_default=text("1"))
    is_required: Mapped[bool] = mapped_column(server_default=text("false"))
    configuration: Mapped[dict[str, object]] = json_object()
    execution_order: Mapped[int] = mapped_column(server_default=text("0"))
    position: Mapped[int] = mapped_column(server_default=text("0"))

    template: Mapped[AgentTemplateORM] = relationship(lazy="raise", viewonly=True)
