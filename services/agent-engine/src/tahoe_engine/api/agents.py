from http import HTTPStatus
from typing import Annotated

from fastapi import Body, Path, Response

from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import MAX_BODY_BYTES, TeamSession
from tahoe_engine.api.examples import AGENT_EXAMPLES, NEW_AGENT_EXAMPLES
from tahoe_engine.api.versions import VersionNumber
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.models.agent_models import AgentDNA, AgentStatus
from tahoe_engine.models.agent_records import Agent, AgentVersion
from tahoe_engine.models.agent_requests import AgentOfTemplate, NewAgent

# As a slug or an id may be mistyped: what cannot be one is not found, like what is none.
AgentName = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100, description="Its slug, or its id.")
]
NewAgentBody = Annotated[NewAgent, Body(openapi_examples=NEW_AGENT_EXAMPLES)]
DNA = Annotated[AgentDNA, Body(openapi_examples=AGENT_EXAMPLES)]

router = create_router("/v1/agents", "agents", max_body_bytes=MAX_BODY_BYTES)


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(404, 409))
async def create_agent(given: NewAgentBody, session: TeamSession, response: Response) -> Agent:
    """Creates an agent of its DNA, or of an agent template with the DNA as far as it is to differ.

    409 when the slug is taken, or no agent can be made of the template; 404 when there is no such template.
    """
    catalog = AgentCatalog(session)
    with contradictions_are_conflicts():
        if isinstance(given, AgentOfTemplate):
            made = await catalog.create_of_template(given)
        else:
            made = await catalog.create(given)
    response.headers["Location"] = f"/v1/agents/{made.dna.slug}"
    return made


@router.get("")
async def list_agents(session: TeamSession, page: RequestedPage, status: AgentStatus | None = None) -> Page[Agent]:
    """Lists agents, newest first, whatever their status unless one is asked for."""
    return Page.of(await AgentCatalog(session).list_page(page, status), lambda row: row)


@router.get("/{agent}", responses=problem_responses(404))
async def get_agent(agent: AgentName, session: TeamSession) -> Agent:
    """Returns an agent by its slug or its id."""
    return await AgentCatalog(session).get(agent)


@router.get("/{agent}/versions", responses=problem_responses(404))
async def list_agent_versions(agent: AgentName, session: TeamSession, page: RequestedPage) -> Page[AgentVersion]:
    """Lists every version of an agent, newest first."""
    return Page.of(await AgentCatalog(session).list_versions(agent, page), lambda row: row)


@router.get("/{agent}/versions/{version}", responses=problem_responses(404))
async def get_agent_version(agent: AgentName, version: VersionNumber, session: TeamSession) -> AgentVersion:
    """Returns what an agent was in one version, the one of which a turn says that it answered, for instance."""
    return await AgentCatalog(session).get_version(agent, version)


@router.put("/{agent}", responses=problem_responses(404, 409))
async def update_agent(agent: AgentName, dna: DNA, session: TeamSession) -> Agent:
    """Replaces an agent's DNA, which makes a new version unless it says the same; the slug never changes.

    A status that is left out stays as it is.
    """
    with contradictions_are_conflicts():
        return await AgentCatalog(session).update(agent, dna)


@router.post("/{agent}/activate", responses=problem_responses(404))
async def activate_agent(agent: AgentName, session: TeamSession) -> Agent:
    """Lets an agent answer."""
    return await AgentCatalog(session).set_status(agent, AgentStatus.ACTIVE)


@router.post("/{agent}/pause", responses=problem_responses(404))
async def pause_agent(agent: AgentName, session: TeamSession) -> Agent:
    """Keeps an agent from answering for a while."""
    return await AgentCatalog(session).set_status(agent, AgentStatus.PAUSED)


@router.post("/{agent}/archive", responses=problem_responses(404))
async def archive_agent(agent: AgentName, session: TeamSession) -> Agent:
    """Takes an agent out of use; nothing is deleted, and what it remembers stays."""
    return await AgentCatalog(session).set_status(agent, AgentStatus.ARCHIVED)
