"""What is said in sessions of other programs, remembered turn by turn."""

from collections.abc import Sequence
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_core.errors import NotFoundError
from tahoe_engine.db.models.agent import AgentORM
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.db.repositories.agent import AgentRepository
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.agent_models import AgentDNA, to_slug
from tahoe_engine.models.memory_models import (
    MAX_CONTENT_CHARACTERS,
    MAX_QUERY_CHARACTERS,
    MemoryCreate,
    MemorySearchRequest,
    MemorySource,
    MemoryType,
)
from tahoe_engine.runtime.memory_port import Found, Spoken

FOUND = 10
_EVENT = "event_id"


class SessionMemories:
    """Fulfils `tahoe_engine.runtime.memory_port.SessionMemory` for one team.

    An application is an agent of the team; its user and sessions get ids of their own, made of the names they have.

    Args:
        sessions: Of the application's role.
        team_id: Whose memory it is.
        memories: The same team's.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession], team_id: UUID, memories: Memories) -> None:
        self._sessions = sessions
        self._team_id = team_id
        self._memories = memories

    async def remember(self, app: str, user: str, session: str | None, said: Sequence[Spoken]) -> None:
        """Remembers what was said; told again, it changes nothing."""
        async with team_session(self._sessions, self._team_id, f"app:{app}") as transaction:
            agent_id = await self._find_agent(transaction, app, create=True)
            conversation_id, known = None, {}
            if session is not None:
                conversation_id = await self._find_conversation(transaction, agent_id, app, user, session)
                known = await MemoryRepository(transaction).list_places(conversation_id, _EVENT)
        next_place = max(known.values(), default=-1) + 1
        new = [one for one in said if one.id not in known]
        await self._memories.add_many(
            [
                MemoryCreate(
                    content=one.text[:MAX_CONTENT_CHARACTERS],
                    memory_type=MemoryType.EPISODIC,
                    agent_id=agent_id,
                    user_id=to_user_id(user),
                    author=one.author[:200] or None,
                    occurred_at=one.at,
                    source=MemorySource.EXTRACTION,
                    source_conversation_id=conversation_id,
                    position=None if conversation_id is None else next_place + step,
                    metadata={_EVENT: one.id},
                )
                for step, one in enumerate(new)
            ]
        )

    async def find(self, app: str, user: str, query: str) -> Sequence[Found]:
        """Finds what matters to a question, best first."""
        async with team_session(self._sessions, self._team_id) as transaction:
            agent_id = await self._find_agent(transaction, app, create=False)
        request = MemorySearchRequest(
            query=query[:MAX_QUERY_CHARACTERS], agent_id=agent_id, user_id=to_user_id(user), limit=FOUND
        )
        return [
            Found(
                id=str(result.memory.id),
                author=result.memory.author,
                text=result.memory.content,
                at=result.memory.occurred_at or result.memory.created_at,
            )
            for result in await self._memories.search(request)
        ]

    async def erase(self, app: str, user: str, memory_id: str) -> None:
        """Erases what a memory says.

        Raises:
            NotFoundError: This user's application has no such memory.
        """
        missing = NotFoundError(f"There is no memory with the id {memory_id}.")
        try:
            record = await self._memories.get(UUID(memory_id))
        except ValueError:
            raise missing from None
        async with team_session(self._sessions, self._team_id) as transaction:
            agent_id = await self._find_agent(transaction, app, create=False)
        if record.agent_id != agent_id or record.user_id != to_user_id(user):
            raise missing
        await self._memories.erase(record.id, f"asked for by app:{app}")

    async def _find_agent(self, transaction: AsyncSession, app: str, *, create: bool) -> UUID | None:
        repository = AgentRepository(transaction)
        slug = _slug_of(app)
        agent = await repository.find_by_slug(slug)
        if agent is None and create:
            dna = AgentDNA(name=app[:100], slug=slug)
            agent = await repository.add(AgentORM(slug=slug, name=dna.name, dna=dna.model_dump(mode="json")))
        return agent.id if agent else None

    async def _find_conversation(
        self, transaction: AsyncSession, agent_id: UUID | None, app: str, user: str, session: str
    ) -> UUID:
        repository = ConversationRepository(transaction)
        external_id = str(uuid5(NAMESPACE_URL, f"tahoe:session:{app}\n{user}\n{session}"))
        found = await repository.find_by_external_id(external_id)
        if found is None:
            found = await repository.add(
                ConversationORM(agent_id=agent_id, user_id=to_user_id(user), external_id=external_id)
            )
        return found.id


def _slug_of(app: str) -> str:
    try:
        return to_slug(app)
    except ValueError:  # nothing of it can stand in a slug
        return f"app-{uuid5(NAMESPACE_URL, app)}"


def to_user_id(user: str) -> UUID:
    """Returns a user's id: the name itself where it is one, one made of the name otherwise."""
    try:
        return UUID(user)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"tahoe:user:{user}")
