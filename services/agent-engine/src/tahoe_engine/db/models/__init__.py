"""Every table of the engine; importing this package fills `Base.metadata` for Alembic."""

from tahoe_engine.db.base import Base
from tahoe_engine.db.models.agent_template import AgentTemplateORM
from tahoe_engine.db.models.analysis import AnalysisORM
from tahoe_engine.db.models.interaction import InteractionORM
from tahoe_engine.db.models.model_provider import ModelProviderORM
from tahoe_engine.db.models.portfolio import PortfolioORM
from tahoe_engine.db.models.scorecard import ScorecardORM
from tahoe_engine.db.models.scorecard_agent import ScorecardAgentORM
from tahoe_engine.db.models.tool import ToolORM

__all__ = [
    "AgentTemplateORM",
    "AnalysisORM",
    "Base",
    "InteractionORM",
    "ModelProviderORM",
    "PortfolioORM",
    "ScorecardAgentORM",
    "ScorecardORM",
    "ToolORM",
]
