from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.agent import AgentORM
from tahoe_engine.models.agent_models import AgentStatus


class AgentRepository(BaseRepository[AgentORM]):
    """Queries of `agent`."""

    model = AgentORM
    noun = "agent"

    async def find_by_slug(self, slug: str) -> AgentORM | None:
        """Returns the agent of that slug, if there is one."""
        return await self.find_where(self.model.slug == slug)

    async def keep_still(self, agent_id: UUID) -> None:
        """Waits until nobody else changes the agent, and keeps others waiting until the transaction ends."""
        await self.session.execute(
            self.select().where(self.model.id == agent_id).with_for_update().execution_options(populate_existing=True)
        )

    async def list_slugs(self) -> Sequence[str]:
        """Returns every slug, sorted."""
        query = select(self.model.slug).where(self.model.team_id == self.team_id)
        return (await self.session.scalars(query.order_by(self.model.slug))).all()

    async def list_agents(self, request: PageRequest, status: AgentStatus | None = None) -> Page[AgentORM]:
        """Lists what there is, newest first."""
        return await self.list_page(request, *([] if status is None else [self.model.status == status]))
