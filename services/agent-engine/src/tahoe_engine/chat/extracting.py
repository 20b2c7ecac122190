"""What is remembered of conversations: off the path of any answer, and done again where it broke off."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.memory.extraction import Candidate, Excerpt, Extractor, SpokenMessage, validate_candidates
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.agent_records import Agent
from tahoe_engine.models.conversation_models import MessageRecord, MessageRole
from tahoe_engine.models.memory_models import MemoryCreate, MemorySource

CONVERSATIONS = 20
"""In one batch."""
_SPEAK = frozenset({MessageRole.USER, MessageRole.ASSISTANT})


class ConversationExtraction:
    """Reads what was said since the last time, and remembers what is worth it.

    What it adds is named by the messages that it is made of, and memory merges what it knows: read again, a message
    adds nothing twice.

    Args:
        sessions: Of the application's role.
        memories: Returns a team's memory.
        extractors: Asked in order; each finding has to pass the same rules.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        memories: Callable[[UUID, str], Memories],
        extractors: Sequence[Extractor],
    ) -> None:
        self._sessions = sessions
        self._memories = memories
        self._extractors = extractors

    async def extract_some(self, team_id: UUID) -> int:
        """Reads a few conversations that have something new; returns how many."""
        async with team_session(self._sessions, team_id) as session:
            conversations = await ConversationRepository(session).list_unread(CONVERSATIONS)
        for conversation_id in conversations:
            await self.extract(team_id, conversation_id)
        return len(conversations)

    async def extract(self, team_id: UUID, conversation_id: UUID) -> None:
        """Reads what is new in a conversation.

        Raises:
            NotFoundError: There is no such conversation.
        """
        async with team_session(self._sessions, team_id) as session:
            repository = ConversationRepository(session)
            conversation = await repository.get(conversation_id)
            agent = (
                None if conversation.agent_id is None else await AgentCatalog(session).get(str(conversation.agent_id))
            )
            messages = await MessageRepository(session).list_of(conversation_id, conversation.extracted_until)
        if not messages:
            return
        if agent is not None and agent.dna.memory.extracts:
            excerpt = Excerpt(conversation_id, tuple(_to_spoken(one) for one in messages if one.role in _SPEAK))
            memories = self._memories(team_id, f"agent {agent.dna.slug}")
            for extractor in self._extractors:
                found = await extractor.extract(excerpt)
                accepted = validate_candidates(found, excerpt, agent.dna.memory.writes).accepted
                for candidate in accepted:
                    await memories.add(_to_memory(candidate, agent, conversation.user_id, extractor.model))
        async with team_session(self._sessions, team_id) as session:
            await ConversationRepository(session).set_extracted(conversation_id, messages[-1].position + 1)


def _to_spoken(message: MessageRecord) -> SpokenMessage:
    return SpokenMessage(message_id=message.id, text=message.content, role=message.role, said_at=message.created_at)


def _to_memory(candidate: Candidate, agent: Agent, user_id: UUID | None, model: str) -> MemoryCreate:
    days = agent.dna.memory.retention_days
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
        expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
    )
