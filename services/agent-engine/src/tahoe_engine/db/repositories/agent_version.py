from uuid import UUID

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.agent_version import AgentVersionORM


class AgentVersionRepository(BaseRepository[AgentVersionORM]):
    """Queries of `agent_version`, which only grows."""

    model = AgentVersionORM
    noun = "agent's version"

    async def find_version(self, agent_id: UUID, version: int) -> AgentVersionORM | None:
        """Returns one version of an agent, if there is one."""
        return await self.find_where(self.model.agent_id == agent_id, self.model.version == version)

    async def list_versions(self, agent_id: UUID, request: PageRequest) -> Page[AgentVersionORM]:
        """Lists every version of an agent, newest first."""
        return await self.list_page(request, self.model.agent_id == agent_id)
