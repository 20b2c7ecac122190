"""The agents of a team as OpenAI's clients list them: models, by slug."""

from tahoe_core.db.page import MAX_LIMIT, PageRequest
from tahoe_core.errors import NotFoundError
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.dependencies import TeamSession
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.models.agent_models import AgentStatus
from tahoe_engine.models.agent_records import Agent
from tahoe_engine.models.openai_answers import ModelEntry, ModelList

router = create_router("/v1/models", "openai")


@router.get("")
async def list_models(session: TeamSession) -> ModelList:
    """Lists the agents that answer, all of them, newest first."""
    catalog, found, cursor = AgentCatalog(session), list[Agent](), None
    while True:
        page = await catalog.list_page(PageRequest.of(MAX_LIMIT, cursor), AgentStatus.ACTIVE)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            return ModelList(data=[_list_as_model(agent) for agent in found])


@router.get("/{model}", responses=problem_responses(404))
async def get_model(model: str, session: TeamSession) -> ModelEntry:
    """Returns an agent that answers."""
    agent = await AgentCatalog(session).get(model)
    if agent.dna.status is not AgentStatus.ACTIVE:
        raise NotFoundError(f"The agent {agent.dna.slug} is {agent.dna.status}.", cure="Activate it first.")
    return _list_as_model(agent)


def _list_as_model(agent: Agent) -> ModelEntry:
    return ModelEntry(id=agent.dna.slug, created=int(agent.created_at.timestamp()))
