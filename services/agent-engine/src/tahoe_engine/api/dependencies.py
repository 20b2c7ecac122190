"""What routes ask for, as typed aliases."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.session import team_session
from tahoe_core.http.authentication import CurrentPrincipal
from tahoe_engine.analysis.analyses import Analyses
from tahoe_engine.chat.answering import Answering
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.composition import Services
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.recalling import MemoryRecaller

MAX_BODY_BYTES = 2 * 1024 * 1024
"""What is read as one entry of a catalog; only interactions are long."""

IncludeInactive = Annotated[bool, Query(description="Whether to list what was deactivated, too.")]


async def get_services(request: Request) -> Services:
    """Returns the services that the app was made with."""
    services: Services = request.app.state.services
    return services


CurrentServices = Annotated[Services, Depends(get_services)]


async def get_session(services: CurrentServices, principal: CurrentPrincipal) -> AsyncIterator[AsyncSession]:
    """Yields the unit of work of one request, for the caller's team; it is committed before the answer leaves."""
    async with team_session(services.sessions, principal.team_id, principal.subject) as session:
        yield session


# With the default scope the answer would go out before the commit.
TeamSession = Annotated[AsyncSession, Depends(get_session, scope="function")]


async def get_analyses(services: CurrentServices, principal: CurrentPrincipal) -> Analyses:
    """Returns the analyses of the caller's team, which open and commit transactions of their own."""
    return Analyses(services.sessions, principal.team_id, services.kit)


TeamAnalyses = Annotated[Analyses, Depends(get_analyses)]


async def get_memories(services: CurrentServices, principal: CurrentPrincipal) -> Memories:
    """Returns the memory of the caller's team, which opens and commits transactions of its own."""
    return services.memories(principal.team_id, principal.subject)


TeamMemories = Annotated[Memories, Depends(get_memories)]


async def get_recaller(services: CurrentServices, principal: CurrentPrincipal) -> MemoryRecaller:
    """Returns what knows which memories answers were made of."""
    return services.recaller(principal.team_id)


async def get_conversations(services: CurrentServices, principal: CurrentPrincipal) -> Conversations:
    """Returns the conversations of the caller's team, which open and commit transactions of their own."""
    return Conversations(services.sessions, principal.team_id, principal.subject)


TeamConversations = Annotated[Conversations, Depends(get_conversations)]


async def get_answering(services: CurrentServices) -> Answering:
    """Returns what runs and follows turns; each call names the team."""
    return services.chat.answering


CurrentAnswering = Annotated[Answering, Depends(get_answering)]

TeamRecaller = Annotated[MemoryRecaller, Depends(get_recaller)]
