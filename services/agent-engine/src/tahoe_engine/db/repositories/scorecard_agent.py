from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.scorecard_agent import ScorecardAgentORM


class ScorecardAgentRepository(BaseRepository[ScorecardAgentORM]):
    """Queries of `scorecard_agents`."""

    model = ScorecardAgentORM
    noun = "scorecard's agent"
