from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from tahoe_engine.db.models.agent_template import AgentTemplateORM
from tahoe_engine.db.models.scorecard import ScorecardORM
from tahoe_engine.db.models.scorecard_agent import ScorecardAgentORM
from tahoe_engine.db.repositories.named import VersionedRepository


class ScorecardRepository(VersionedRepository[ScorecardORM]):
    """Queries of `scorecards`; each row comes with its portfolio, `load_agents` adds the specialists."""

    model = ScorecardORM
    noun = "scorecard"

    async def load_agents(self, row: ScorecardORM) -> Sequence[tuple[ScorecardAgentORM, AgentTemplateORM]]:
        """Returns the scorecard's specialists in the order in which they run, each with its template's version."""
        query = (
            select(ScorecardAgentORM, AgentTemplateORM)
            .join(AgentTemplateORM, ScorecardAgentORM.template)
            .where(ScorecardAgentORM.team_id == self.team_id, ScorecardAgentORM.scorecard_id == row.id)
            .order_by(ScorecardAgentORM.execution_order, ScorecardAgentORM.position)
        )
        return [(agent, template) for agent, template in await self.session.execute(query)]

    def _with_parts(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        return query.options(joinedload(ScorecardORM.portfolio, innerjoin=True))
