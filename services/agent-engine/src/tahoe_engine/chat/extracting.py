"""What is remembered of conversations: off the path of any answer, and done again where it broke off."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.chat.model_extraction import ModelExtractors
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.memory.extraction import Candidate, Excerpt, Extractor, SpokenMessage, validate_candidates
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.agent_records import Agent
from tahoe_engine.models.conversation_models import MessageRecord, MessageRole
from tahoe_engine.models.memory_models import MemoryCreate, MemorySource
from tahoe_engine.runtime.model_errors import ModelError, RunLimitError

log = logging.getLogger(__name__)

CONVERSATIONS = 20
"""In one batch."""
MESSAGES = 50
"""Read at once: of a piece, only so many statements are remembered."""
_SPEAK = frozenset({MessageRole.USER, MessageRole.ASSISTANT})


class ConversationExtraction:
    """Reads what was said since the last time, and remembers what is worth it.

    What it adds is named by the messages that it is made of, and memory merges what it knows: read again, a message
    adds nothing twice.

    Args:
        sessions: Of the application's role.
        memories: Returns a team's memory.
        by_rules: Reads for every agent.
        by_model: Finds what reads as well for an agent that wants it; each finding has to pass the same rules.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        memories: Callable[[UUID, str], Memories],
        by_rules: Extractor,
        by_model: ModelExtractors,
    ) -> None:
        self._sessions = sessions
        self._memories = memories
        self._by_rules = by_rules
        self._by_model = by_model

    async def extract_some(self, team_id: UUID) -> int:
        """Reads a few conversations that have something new; returns how many.

        Raises:
            ModelError: A model was out of reach for a moment, and nothing else was left to read; what it was to read
                is read the next time.
        """
        failed: dict[UUID | None, ModelError] = {}
        read = 0
        while not read:
            async with team_session(self._sessions, team_id) as session:
                unread = await ConversationRepository(session).list_unread(CONVERSATIONS, failed.keys())
            if not unread:
                break
            for conversation_id, agent_id in unread:
                if agent_id in failed:
                    continue
                try:
                    await self.extract(team_id, conversation_id)
                    read += 1
                except ModelError as error:  # this agent's other conversations would fare no better now
                    failed[agent_id] = error
        if failed and not read:
            raise next(iter(failed.values()))
        return read

    async def extract(self, team_id: UUID, conversation_id: UUID, before: int | None = None) -> None:
        """Reads what is new in a conversation.

        Args:
            team_id: Whose it is.
            conversation_id: The conversation.
            before: The position of the first message that is left for later; None: all is read.

        Raises:
            NotFoundError: There is no such conversation.
            ModelError: The model is out of reach for a moment; what it did not read is not marked as read.
        """
        while True:
            async with team_session(self._sessions, team_id) as session:
                conversation = await ConversationRepository(session).get(conversation_id)
                found = conversation.agent_id and await AgentCatalog(session).get(str(conversation.agent_id))
                since = conversation.extracted_until
                until = since + MESSAGES if before is None else min(before, since + MESSAGES)
                messages = await MessageRepository(session).list_of(conversation_id, since, until)
            if not messages:
                return
            if found and found.dna.memory.extracts:
                excerpt = Excerpt(conversation_id, tuple(_to_spoken(one) for one in messages if one.role in _SPEAK))
                await self._remember(team_id, excerpt, found, conversation.user_id)
            async with team_session(self._sessions, team_id) as session:
                await ConversationRepository(session).set_extracted(conversation_id, messages[-1].position + 1)

    async def _remember(self, team_id: UUID, excerpt: Excerpt, agent: Agent, user_id: UUID | None) -> None:
        memories = self._memories(team_id, f"agent {agent.dna.slug}")
        for extractor, found in await self._find(team_id, excerpt, agent):
            for candidate in validate_candidates(found, excerpt, agent.dna.memory.writes).accepted:
                await memories.add(_to_memory(candidate, agent, user_id, extractor.model))

    async def _find(self, team_id: UUID, excerpt: Excerpt, agent: Agent) -> list[tuple[Extractor, list[Candidate]]]:
        found: list[tuple[Extractor, list[Candidate]]] = [(self._by_rules, await self._by_rules.extract(excerpt))]
        try:
            by_model = await self._by_model.find(team_id, agent)
            if by_model is not None:
                found.append((by_model, await by_model.extract(excerpt)))
        except (ModelError, RunLimitError) as error:
            if isinstance(error, ModelError) and error.may_pass:
                raise
            # It would fail the next time, too, and keep others waiting: rules alone have to do.
            log.warning("extraction_model_failed", extra={"agent": agent.dna.slug, "error": type(error).__name__})
        return found


def _to_spoken(message: MessageRecord) -> SpokenMessage:
    return SpokenMessage(message_id=message.id, text=message.content, role=message.role, said_at=message.created_at)


def _to_memory(candidate: Candidate, agent: Agent, user_id: UUID | None, model: str) -> MemoryCreate:
    return MemoryCreate(
        content=candidate.content,
        memory_type=candidate.memory_type,
        agent_id=agent.id,
        user_id=user_id,
        subject=candidate.subject,
        author=candidate.author,
        importance=candidate.importance,
        confidence=candidate.confidence,
        source=MemorySource.EXPLICIT if candidate.is_explicit else MemorySource.EXTRACTION,
        source_conversation_id=candidate.conversation_id,
        source_message_ids=list(candidate.message_ids),
        extraction_model=model,
        expires_at=agent.dna.memory.find_expiry(datetime.now(UTC)),
    )
