"""What one process needs to let agents answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tahoe_engine.chat.answering import Answering
from tahoe_engine.chat.extracting import ConversationExtraction
from tahoe_engine.memory.tidying import MemoryTidying
from tahoe_engine.memory.upkeep import UpkeepStep
from tahoe_engine.runtime.agent_runtime import AgentRuntime


@dataclass(frozen=True)
class Chat:
    """The turns that run here, what they run on, and what comes after them."""

    answering: Answering
    runtime: AgentRuntime
    extraction: ConversationExtraction

    async def aclose(self) -> None:
        """Lets answers come to their end, then closes the connections to models."""
        await self.answering.aclose()
        await self.runtime.aclose()


class TeamUpkeep:
    """Fulfils `MemoryUpkeep`: what was said is remembered first, then memory is tidied.

    Args:
        tidying: Of memory.
        extraction: From conversations.
    """

    def __init__(self, tidying: MemoryTidying, extraction: ConversationExtraction) -> None:
        self._tidying = tidying
        self._extraction = extraction

    async def list_teams(self) -> Sequence[UUID]:
        """Lists every team that has memories or conversations."""
        return await self._tidying.list_teams()

    async def run_step(self, team_id: UUID, step: UpkeepStep) -> int:
        """Does one bounded batch; returns how many rows it dealt with."""
        if step is UpkeepStep.EXTRACTION:
            return await self._extraction.extract_some(team_id)
        return await self._tidying.run_step(team_id, step)
