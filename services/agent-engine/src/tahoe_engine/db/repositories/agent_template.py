from collections.abc import Collection, Mapping

from tahoe_engine.db.models.agent_template import AgentTemplateORM
from tahoe_engine.db.repositories.named import VersionedRepository


class AgentTemplateRepository(VersionedRepository[AgentTemplateORM]):
    """Queries of `agent_templates`."""

    model = AgentTemplateORM
    noun = "agent template"

    async def find_all_active(self, names: Collection[str]) -> Mapping[str, AgentTemplateORM]:
        """Returns the active versions of these names, as far as there are any."""
        query = self.select().where(self.model.name.in_(names), self.model.is_active)
        return {row.name: row for row in await self.session.scalars(query)}
