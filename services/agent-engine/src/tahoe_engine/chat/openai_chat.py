"""Finds the conversation that an OpenAI client means, and takes its turn in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.chat.answering import Answering, make_title
from tahoe_engine.chat.brought import Brought
from tahoe_engine.chat.chat_events import Cursor
from tahoe_engine.chat.openai_thread import Thread, pick_calls
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.db.repositories.turn import TurnRepository
from tahoe_engine.memory.session_memory import to_user_id
from tahoe_engine.models.conversation_models import ConversationStatus, MessageCreate, MessageRecord, MessageRole
from tahoe_engine.models.turn_models import PendingApproval, Turn, TurnStatus
from tahoe_engine.runtime.tool_port import Decision


@dataclass(frozen=True)
class OpenAIQuestion:
    """What a client asks.

    Attributes:
        agent: Slug or id of who answers.
        user: What the client calls who asks.
        messages: All that was said so far but system messages; the last is a user's, or a tool's.
        brought: The client's system messages, tools and wishes.
    """

    agent: str
    user: str | None
    messages: Sequence[MessageCreate]
    brought: Brought


@dataclass(frozen=True)
class OpenAITurn:
    """A turn that answers a client.

    Attributes:
        turn: As it began.
        after: Where the answer to this question begins; the turn may have answered others before.
    """

    turn: Turn
    after: Cursor


class OpenAIConversations:
    """The conversations of one team's OpenAI clients, which know none and send all that was said each time.

    What was said up to the last answer names the conversation; its external id follows each answer. A client that goes
    back, or was elsewhere before, names one that is not known: that is a new one, with all that was said copied.

    Args:
        sessions: Of the application's role.
        answering: The turns.
        team_id: Whose conversations they are.
        actor: Who acts.
    """

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], answering: Answering, team_id: UUID, actor: str
    ) -> None:
        self._sessions = sessions
        self._answering = answering
        self._team_id = team_id
        self._actor = actor

    async def begin(self, question: OpenAIQuestion) -> OpenAITurn:
        """Keeps what is new of what was said, and begins to answer it.

        Raises:
            NotFoundError: There is no such agent.
            ConflictError: It does not answer, or an answer is being written in this conversation.
        """
        user_id = to_user_id(question.user) if question.user else None
        async with team_session(self._sessions, self._team_id, self._actor) as session:
            agent_id = (await AgentCatalog(session).get(question.agent)).id
        place = _find_news(question.messages)
        known, news = question.messages[:place], question.messages[place:]
        thread = Thread(agent_id, user_id).add(known)
        if known:
            name = thread.key
            thread.add(news)
        else:  # a question that was not answered is asked again in the same place
            name = thread.add(news).key
        row = ConversationORM(agent_id=agent_id, user_id=user_id, external_id=name, title=_find_title(known))
        conversation_id = await self._find(name, is_first=not known) or await self._import(row, known)
        return await self._take_up(conversation_id, news, _signed(question.brought, thread))

    async def _take_up(self, conversation_id: UUID, news: Sequence[MessageCreate], brought: Brought) -> OpenAITurn:
        """Goes on with the turn that waits for exactly these results; else begins another."""
        async with team_session(self._sessions, self._team_id) as session:
            waiting = await _find_last_turn(session, conversation_id)
            written = await MessageRepository(session).list_of_turn(waiting.id) if waiting else []
        results = {one.tool_result.tool_call_id: one.content for one in news if one.tool_result is not None}
        if (
            waiting is not None
            and waiting.status is TurnStatus.WAITING
            and {call.call_id for call in waiting.pending} == results.keys()
            and len(results) == len(news)
        ):
            decisions = [Decision(call_id, is_approved=True, note=content) for call_id, content in results.items()]
            turn = await self._answering.decide(self._team_id, waiting.id, decisions, self._actor, brought)
            return OpenAITurn(turn, Cursor(written[-1].position, len(written[-1].content), is_whole=True))
        turn, after = await self._answering.take_up(
            self._team_id, conversation_id, _noted(news, brought), self._actor, brought
        )
        return OpenAITurn(turn, after)

    async def _find(self, name: str, *, is_first: bool) -> UUID | None:
        async with team_session(self._sessions, self._team_id) as session:
            row = await ConversationRepository(session).find_by_external_id(name)
            if row is None or row.status is ConversationStatus.CLOSED:
                return None
            if is_first:  # somebody else may begin with the same words at the same moment
                last = await _find_last_turn(session, row.id)
                if last is not None and last.status is TurnStatus.RUNNING:
                    return None
            return row.id

    async def _import(self, row: ConversationORM, known: Sequence[MessageCreate]) -> UUID:
        """Writes a conversation that is not known; it has no name where its name is taken."""
        async with team_session(self._sessions, self._team_id, self._actor) as session:
            conversations, messages = ConversationRepository(session), MessageRepository(session)
            name, row.external_id = row.external_id, None
            made = await conversations.add(row)
            for message in known:
                await messages.append(made.id, None, message)
            if name is not None:
                await conversations.call(made.id, name)
            return made.id


def pick_answer(messages: Sequence[MessageRecord], after: Cursor) -> list[MessageRecord]:
    """Returns what a turn says from there on."""
    return [one for one in messages if one.position > after.position and one.role is MessageRole.ASSISTANT]


def _signed(brought: Brought, thread: Thread) -> Brought:
    names = frozenset(tool.name for tool in brought.tools)

    def sign(answer: Sequence[MessageRecord], pending: Sequence[PendingApproval]) -> str:
        return thread.key_after(answer, pick_calls(answer, pending, names))

    return replace(brought, sign=sign)


def _noted(news: Sequence[MessageCreate], brought: Brought) -> list[MessageCreate]:
    """Returns what was said with what was brought along beside it, for the record."""
    beside: dict[str, object] = {}
    if brought.context:
        beside["caller_context"] = brought.context
    if brought.tools:
        beside["caller_tools"] = [tool.name for tool in brought.tools]
    *others, last = news
    return [*others, last.model_copy(update={"metadata": {**last.metadata, **beside}})]


def _find_news(messages: Sequence[MessageCreate]) -> int:
    """Returns the place after the last answer."""
    answers = [place for place, one in enumerate(messages, start=1) if one.role is MessageRole.ASSISTANT]
    return answers[-1] if answers else 0


def _find_title(known: Sequence[MessageCreate]) -> str:
    return next((make_title(one.content) for one in known if one.role is MessageRole.USER), "")


async def _find_last_turn(session: AsyncSession, conversation_id: UUID) -> Turn | None:
    turns = TurnRepository(session)
    page = await turns.list_turns(conversation_id, PageRequest(limit=1))
    return await turns.get_turn(page.items[0].id) if page.items else None


def refuse_waiting(turn: Turn, names: frozenset[str]) -> None:
    """Refuses to pass on an answer that waits for a person, whom a client of this kind cannot ask.

    Raises:
        ConflictError: It does.
    """
    others = [one.tool_name for one in turn.pending if one.tool_name not in names]
    if turn.status is TurnStatus.WAITING and len(others) == len(turn.pending):
        raise ConflictError(
            f"The agent waits for approval of {', '.join(others)}.",
            cure=f"Decide at /v1/turns/{turn.id}/decisions; the conversation has the answer then.",
        )
