from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.agent import AgentORM


class AgentRepository(BaseRepository[AgentORM]):
    """Queries of `agent`."""

    model = AgentORM
    noun = "agent"

    async def find_by_slug(self, slug: str) -> AgentORM | None:
        """Returns the agent of that slug, if there is one."""
        return await self.find_where(self.model.slug == slug)

    async def list_agents(self, request: PageRequest) -> Page[AgentORM]:
        """Lists what there is, newest first."""
        return await self.list_page(request)
