"""One team's conversations: begun, read, named, closed."""

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError, NotFoundError
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.db.repositories.conversation import ConversationRepository, to_conversation
from tahoe_engine.db.repositories.memory_use import MemoryUseRepository
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.db.repositories.model_call import ModelCallRepository
from tahoe_engine.db.repositories.turn import TurnRepository
from tahoe_engine.models.conversation_models import (
    Conversation,
    ConversationCreate,
    ConversationFilter,
    ConversationStatus,
    MessageFeedback,
    MessageRecord,
)
from tahoe_engine.models.model_call import ModelCall
from tahoe_engine.models.turn_models import Turn, TurnTrace


class Conversations:
    """What was said, and what was known when it was said. Every call is one transaction.

    Args:
        sessions: Of the application's role.
        team_id: Whose conversations they are.
        actor: Who acts.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession], team_id: UUID, actor: str) -> None:
        self._sessions = sessions
        self._team_id = team_id
        self._actor = actor

    async def create(self, agent: str | None, given: ConversationCreate) -> Conversation:
        """Begins a conversation.

        Args:
            agent: Slug or id of who answers; wins over `agent_id`.
            given: What else it is.

        Raises:
            NotFoundError: There is no such agent.
            ConflictError: There is a conversation of that external id.
        """
        async with self._open() as session:
            named = agent or (str(given.agent_id) if given.agent_id else None)
            agent_id = (await AgentCatalog(session).get(named)).id if named else None
            row = ConversationORM(
                agent_id=agent_id,
                user_id=given.user_id,
                external_id=given.external_id,
                title=given.title,
                metadata_json=dict(given.metadata),
            )
            return to_conversation(await ConversationRepository(session).add(row))

    async def get(self, conversation_id: UUID) -> Conversation:
        """Returns a conversation.

        Raises:
            NotFoundError: There is none with this id.
        """
        async with self._open() as session:
            return await ConversationRepository(session).get_fresh(conversation_id)

    async def list_page(self, which: ConversationFilter, request: PageRequest) -> Page[Conversation]:
        """Lists what fits, newest first."""
        async with self._open() as session:
            return await ConversationRepository(session).list_conversations(which, request)

    async def rename(self, conversation_id: UUID, title: str) -> Conversation:
        """Gives a conversation a title.

        Raises:
            NotFoundError: There is none with this id.
        """
        async with self._open() as session:
            repository = ConversationRepository(session)
            row = await repository.get(conversation_id)
            row.title = title
            return to_conversation(await repository.change(row))

    async def set_status(self, conversation_id: UUID, status: ConversationStatus) -> Conversation:
        """Lets a conversation rest, goes on with it, or closes it for good.

        Raises:
            NotFoundError: There is none with this id.
            ConflictError: It is closed.
        """
        async with self._open() as session:
            repository = ConversationRepository(session)
            row = await repository.get(conversation_id)
            if row.status is ConversationStatus.CLOSED and status is not ConversationStatus.CLOSED:
                raise ConflictError("The conversation is closed for good.", cure="Begin another one.")
            if status is ConversationStatus.CLOSED and row.closed_at is None:
                row.closed_at = datetime.now(UTC)
            return to_conversation(await repository.set_status(conversation_id, status))

    async def list_messages(self, conversation_id: UUID, request: PageRequest) -> Page[MessageRecord]:
        """Lists the messages of a conversation, newest first.

        Raises:
            NotFoundError: There is no such conversation.
        """
        async with self._open() as session:
            await ConversationRepository(session).get(conversation_id)
            return await MessageRepository(session).list_messages(conversation_id, request)

    async def give_feedback(self, conversation_id: UUID, message_id: UUID, feedback: MessageFeedback) -> MessageRecord:
        """Writes down what somebody thought of a message.

        Raises:
            NotFoundError: The conversation has no such message.
        """
        async with self._open() as session:
            repository = MessageRepository(session)
            message = await repository.get(message_id)
            if message.conversation_id != conversation_id:
                raise NotFoundError(f"There is no message with the id {message_id} in this conversation.")
            return await repository.give_feedback(message_id, feedback)

    async def get_turn(self, turn_id: UUID) -> Turn:
        """Returns a turn.

        Raises:
            NotFoundError: There is none with this id.
        """
        async with self._open() as session:
            return await TurnRepository(session).get_turn(turn_id)

    async def trace(self, conversation_id: UUID, request: PageRequest) -> Page[TurnTrace]:
        """Returns what was done in each turn of a conversation, newest first: calls, results, memories.

        Raises:
            NotFoundError: There is no such conversation.
        """
        async with self._open() as session:
            await ConversationRepository(session).get(conversation_id)
            turns = await TurnRepository(session).list_turns(conversation_id, request)
            ids = [turn.id for turn in turns.items]
            messages = await MessageRepository(session).list_of_turns(ids)
            used = await MemoryUseRepository(session).list_of_answers(ids)
        return turns.map(
            lambda turn: TurnTrace(turn=turn, messages=messages.get(turn.id, []), memories=used.get(turn.id, []))
        )

    async def list_model_calls(self, conversation_id: UUID, request: PageRequest) -> Page[ModelCall]:
        """Lists the model calls for a conversation that none of its messages shows, newest first.

        Raises:
            NotFoundError: There is no such conversation.
        """
        async with self._open() as session:
            await ConversationRepository(session).get(conversation_id)
            return await ModelCallRepository(session).list_calls(conversation_id, request)

    def _open(self) -> AbstractAsyncContextManager[AsyncSession]:
        return team_session(self._sessions, self._team_id, self._actor)
