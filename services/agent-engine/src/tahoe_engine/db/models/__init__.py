"""Every table of the engine; importing this package fills `Base.metadata` for Alembic."""

from tahoe_engine.db.base import Base
from tahoe_engine.db.models.agent import AgentORM, AgentStatus
from tahoe_engine.db.models.agent_template import AgentTemplateORM
from tahoe_engine.db.models.agent_version import AgentVersionORM
from tahoe_engine.db.models.analysis import AnalysisORM
from tahoe_engine.db.models.conversation import ConversationORM, ConversationStatus, MessageORM, MessageRole
from tahoe_engine.db.models.interaction import InteractionORM
from tahoe_engine.db.models.memory import (
    MemoryLogORM,
    MemoryORM,
    MemorySource,
    MemoryStatus,
    MemoryTagORM,
    MemoryTier,
    MemoryType,
)
from tahoe_engine.db.models.memory_cell import MemoryCellORM
from tahoe_engine.db.models.memory_statistics import MemoryStatORM, MemoryTermORM
from tahoe_engine.db.models.memory_use import MemoryUseORM
from tahoe_engine.db.models.model_call import ModelCallORM
from tahoe_engine.db.models.model_provider import ModelProviderORM
from tahoe_engine.db.models.portfolio import PortfolioORM
from tahoe_engine.db.models.scorecard import ScorecardORM
from tahoe_engine.db.models.scorecard_agent import ScorecardAgentORM
from tahoe_engine.db.models.tool import ToolORM
from tahoe_engine.db.models.turn import TurnORM

__all__ = [
    "AgentORM",
    "AgentStatus",
    "AgentTemplateORM",
    "AgentVersionORM",
    "AnalysisORM",
    "Base",
    "ConversationORM",
    "ConversationStatus",
    "InteractionORM",
    "MemoryCellORM",
    "MemoryLogORM",
    "MemoryORM",
    "MemorySource",
    "MemoryStatORM",
    "MemoryStatus",
    "MemoryTagORM",
    "MemoryTermORM",
    "MemoryTier",
    "MemoryType",
    "MemoryUseORM",
    "MessageORM",
    "MessageRole",
    "ModelCallORM",
    "ModelProviderORM",
    "PortfolioORM",
    "ScorecardAgentORM",
    "ScorecardORM",
    "ToolORM",
    "TurnORM",
]
