from http import HTTPStatus
from uuid import UUID

from fastapi import Response

from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import MAX_BODY_BYTES, IncludeInactive, TeamSession
from tahoe_engine.catalog.tools import ToolCatalog
from tahoe_engine.models.catalog import Tool, ToolInput

router = create_router("/v1/tools", "tools", max_body_bytes=MAX_BODY_BYTES)


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(409))
async def create_tool(given: ToolInput, session: TeamSession, response: Response) -> Tool:
    """Creates a tool; 409 when the name is taken."""
    with contradictions_are_conflicts():
        made = await ToolCatalog(session).create(given)
    response.headers["Location"] = f"/v1/tools/{made.id}"
    return made


@router.get("")
async def list_tools(
    session: TeamSession, page: RequestedPage, *, include_inactive: IncludeInactive = False
) -> Page[Tool]:
    """Lists tools, newest first."""
    found = await ToolCatalog(session).list_page(page, include_inactive=include_inactive)
    return Page.of(found, lambda row: row)


@router.get("/{tool_id}", responses=problem_responses(404))
async def get_tool(tool_id: UUID, session: TeamSession) -> Tool:
    """Returns a tool, active or not."""
    return await ToolCatalog(session).get_by_id(tool_id)


@router.put("/{tool_id}", responses=problem_responses(404, 409))
async def update_tool(tool_id: UUID, given: ToolInput, session: TeamSession) -> Tool:
    """Replaces what is said of a tool, but for its name; one that was deactivated is active again."""
    catalog = ToolCatalog(session)
    stored = await catalog.get_by_id(tool_id)
    with contradictions_are_conflicts():
        return await catalog.update(stored.name, given)


@router.post("/{tool_id}/deactivate", responses=problem_responses(404, 409))
async def deactivate_tool(tool_id: UUID, session: TeamSession) -> Tool:
    """Takes a tool out of use; nothing is deleted."""
    catalog = ToolCatalog(session)
    stored = await catalog.get_by_id(tool_id)
    return await catalog.deactivate(stored.name)
