"""What the memory commands work with: one team's memory, and the agents that it may belong to."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from tahoe_cli.opening import open_services
from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError, NotFoundError, UnavailableError
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.composition import Services
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.tidying import MemoryTidying
from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.settings import load_settings
from tahoe_engine.terminal.account import find_actor

UPKEEP_SECONDS = 10
"""What upkeep may take of a command's time; the next command, or a worker of `tahoe up`, goes on with the rest."""


@dataclass(frozen=True)
class Desk:
    """Where a command asks and writes.

    Attributes:
        actor: Who acts, for the log.
    """

    services: Services
    actor: str

    @property
    def team_id(self) -> UUID:
        """Whose memory it is."""
        return self.services.identity.team_id

    @property
    def memories(self) -> Memories:
        """The team's memory."""
        return self.services.memories(self.team_id, self.actor)

    async def find_agent(self, slug: str | None) -> UUID | None:
        """Returns the agent's id; None where none is named.

        Raises:
            NotFoundError: There is none of that name; near names are suggested.
        """
        if slug is None:
            return None
        async with team_session(self.services.sessions, self.team_id) as session:
            try:
                return (await AgentCatalog(session).get(slug)).id
            except NotFoundError as error:
                cure = f"{error.cure} `tahoe memory add` makes one with --create-agent."
                raise NotFoundError(error.message, cure=cure) from error

    async def ensure_agent(self, dna: AgentDNA) -> UUID | None:
        """Returns the agent of that slug, which is made if there is none."""
        with contextlib.suppress(NotFoundError):
            return await self.find_agent(dna.slug)
        with contextlib.suppress(ConflictError):  # somebody was quicker
            async with team_session(self.services.sessions, self.team_id, self.actor) as session:
                return (await AgentCatalog(session).create(dna)).id
        return await self.find_agent(dna.slug)

    async def name_agents(self, ids: Iterable[UUID | None]) -> dict[UUID, str]:
        """Returns the slug of each of these agents."""
        wanted = {agent_id for agent_id in ids if agent_id is not None}
        if not wanted:
            return {}
        async with team_session(self.services.sessions, self.team_id) as session:
            catalog = AgentCatalog(session)
            return {agent_id: (await catalog.get(str(agent_id))).dna.slug for agent_id in wanted}

    async def keep_in_order(self, seconds: float = UPKEEP_SECONDS) -> None:
        """Does the upkeep that a worker would do; what cannot be finished in time waits for the next command."""
        tidying = MemoryTidying(self.services.sessions, lambda: self.services.embedding)
        with contextlib.suppress(TimeoutError, UnavailableError):
            async with asyncio.timeout(seconds):
                await tidying.tidy(self.team_id)


def at_desk[Result](work: Callable[[Desk], Awaitable[Result]]) -> Result:
    """Opens the database, starting, migrating and seeding it where that is ours to do, and does the work."""

    async def run() -> Result:
        async with open_services(load_settings()) as opened:
            return await work(Desk(opened.services, find_actor()))

    return asyncio.run(run())
