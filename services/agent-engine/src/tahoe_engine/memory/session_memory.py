"""What is said in sessions of other programs, remembered turn by turn."""

from collections.abc import Iterator, Sequence
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
from tahoe_engine.memory.session_names import to_session_id
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
        """Remembers what was said; told again, it changes nothing.

        What cannot be stored of a text is left out of it, and one that is too long becomes several memories.
        """
        actor = f"app:{app}"
        async with team_session(self._sessions, self._team_id, actor) as transaction:
            # Two that come at once for the first time would both make the agent and the conversation.
            await MemoryRepository(transaction).lock_all({f"app {app}"})
            agent_id = await self._find_agent(transaction, app, create=True)
            conversation_id = None
            if session is not None:
                conversation_id = await self._find_conversation(transaction, agent_id, app, user, session)
        if conversation_id is None:
            await self._add([self._to_memory(one, text, agent_id, user) for one, text in _list_texts(said)])
            return
        # Held until everything is written: whoever adds to the session takes the places that follow.
        async with team_session(self._sessions, self._team_id, actor) as transaction:
            repository = MemoryRepository(transaction)
            await repository.lock_all({f"session {conversation_id}"})
            known = await repository.list_places(conversation_id, _EVENT)
            place = max(known.values(), default=-1) + 1
            new = [(one, text) for one, text in _list_texts(said) if one.id not in known]
            await self._add(
                [
                    self._to_memory(one, text, agent_id, user).model_copy(
                        update={"source_conversation_id": conversation_id, "position": place + step}
                    )
                    for step, (one, text) in enumerate(new)
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

    async def _add(self, memories: Sequence[MemoryCreate]) -> None:
        if memories:
            await self._memories.add_many(memories)

    @staticmethod
    def _to_memory(one: Spoken, text: str, agent_id: UUID | None, user: str) -> MemoryCreate:
        return MemoryCreate(
            content=text,
            memory_type=MemoryType.EPISODIC,
            agent_id=agent_id,
            user_id=to_user_id(user),
            author=_clean(one.author)[:200] or None,
            occurred_at=one.at,
            source=MemorySource.EXTRACTION,
            metadata={_EVENT: one.id},
        )

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
        # Where Tahoe keeps the session itself, what is remembered of it points there.
        found = await repository.find_by_external_id(external_id) or await repository.find_by_external_id(
            to_session_id(app, user, session)
        )
        if found is None:
            found = await repository.add(
                ConversationORM(agent_id=agent_id, user_id=to_user_id(user), external_id=external_id)
            )
        return found.id


def _list_texts(said: Sequence[Spoken]) -> Iterator[tuple[Spoken, str]]:
    for one in said:
        text = _clean(one.text)
        for start in range(0, len(text), MAX_CONTENT_CHARACTERS):
            if piece := text[start : start + MAX_CONTENT_CHARACTERS].strip():
                yield one, piece


def _clean(text: str) -> str:
    """Leaves out what Postgres cannot keep: null bytes and halves of surrogate pairs."""
    return "".join(each for each in text if each and not "\ud800" <= each <= "\udfff").replace("\0", "").strip()


def _slug_of(app: str) -> str:
    """Returns a slug that no other application has: two names never share one."""
    digest = uuid5(NAMESPACE_URL, f"tahoe:app:{app}").hex
    try:
        slug = to_slug(app)
    except ValueError:  # nothing of it can stand in a slug
        return f"app-{digest[:12]}"
    return slug if slug == app else f"{slug[:40]}-{digest[:12]}"


def to_user_id(user: str) -> UUID:
    """Returns a user's id: the name itself where it is one, one made of the name otherwise."""
    try:
        return UUID(user)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"tahoe:user:{user}")
