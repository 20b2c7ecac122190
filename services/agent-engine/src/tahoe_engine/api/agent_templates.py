import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Response

from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import MAX_BODY_BYTES, IncludeInactive, TeamSession
from tahoe_engine.api.versions import Version
from tahoe_engine.catalog.templates import TemplateCatalog
from tahoe_engine.models.catalog import AgentTemplate, AgentTemplateInput
from tahoe_engine.scoring.validation import validate_template

TemplateName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=201)]

router = create_router("/v1/agent-templates", "agent-templates", max_body_bytes=MAX_BODY_BYTES)


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(409))
async def create_agent_template(given: AgentTemplateInput, session: TeamSession, response: Response) -> AgentTemplate:
    """Creates the first version of an agent template; 409 when the name is taken."""
    with contradictions_are_conflicts():
        await asyncio.to_thread(validate_template, given)
        made = await TemplateCatalog(session).create(given)
    response.headers["Location"] = f"/v1/agent-templates/{made.name}"
    return made


@router.get("")
async def list_agent_templates(
    session: TeamSession, page: RequestedPage, *, include_inactive: IncludeInactive = False
) -> Page[AgentTemplate]:
    """Lists the newest version of each agent template, newest first."""
    found = await TemplateCatalog(session).list_page(page, include_inactive=include_inactive)
    return Page.of(found, lambda row: row)


@router.get("/{name}", responses=problem_responses(404))
async def get_agent_template(name: TemplateName, session: TeamSession, version: Version = None) -> AgentTemplate:
    """Returns a version of an agent template, active or not."""
    return await TemplateCatalog(session).get(name, version)


@router.get("/{name}/versions", responses=problem_responses(404))
async def list_agent_template_versions(
    name: TemplateName, session: TeamSession, page: RequestedPage
) -> Page[AgentTemplate]:
    """Lists every version of an agent template, newest first."""
    return Page.of(await TemplateCatalog(session).list_versions(name, page), lambda row: row)


@router.put("/{name}", responses=problem_responses(404, 409))
async def update_agent_template(name: TemplateName, given: AgentTemplateInput, session: TeamSession) -> AgentTemplate:
    """Makes a new version of an agent template; the same content changes nothing."""
    with contradictions_are_conflicts():
        await asyncio.to_thread(validate_template, given)
        return await TemplateCatalog(session).update(name, given)


@router.post("/{name}/deactivate", responses=problem_responses(404))
async def deactivate_agent_template(name: TemplateName, session: TeamSession) -> AgentTemplate:
    """Takes an agent template out of use; nothing is deleted."""
    return await TemplateCatalog(session).deactivate(name)
