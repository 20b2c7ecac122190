"""Finds the conversation that an OpenAI client means, and takes its turn in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import takewhile
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import TahoeError
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.chat.answering import Answering
from tahoe_engine.chat.asking import make_title
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

_UNANSWERED = frozenset({TurnStatus.FAILED, TurnStatus.UNFINISHED, TurnStatus.CANCELLED})


class WaitsForPersonError(TahoeError):
    """A person has to decide first. No conflict: clients would ask again at once, by themselves."""

    status = HTTPStatus.FORBIDDEN
    title = "Waits for a person"


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
            WaitsForPersonError: The same was asked before, and its answer waits for a person.
        """
        user_id = to_user_id(question.user) if question.user else None
        async with team_session(self._sessions, self._team_id, self._actor) as session:
            agent_id = (await AgentCatalog(session).get(question.agent)).id
        place = _find_news(question.messages)
        known, news = question.messages[:place], question.messages[place:]
        thread = Thread(agent_id, user_id).add(known)
        # Before the first answer, the question is the name: one that was not answered is asked again in its place.
        name = thread.key if known else thread.add(news).key
        if known:
            thread.add(news)
        row = ConversationORM(agent_id=agent_id, user_id=user_id, external_id=name, title=_find_title(known))
        conversation_id = await self._find(name, is_first=not known) or await self._import(row, known)
        return await self._take_up(conversation_id, news, _signed(question.brought, thread))

    async def _take_up(self, conversation_id: UUID, news: Sequence[MessageCreate], brought: Brought) -> OpenAITurn:
        """Goes on with the turn that waits for exactly these results; else begins another.

        A client asks again by itself where an answer failed: what was said then is not said twice.

        Raises:
            WaitsForPersonError: The same was asked before, and its answer waits for a person.
        """
        async with team_session(self._sessions, self._team_id) as session:
            last = await _read_last(session, conversation_id, len(news))
        if last is None:
            return await self._begin(conversation_id, _noted(news, brought), brought)
        results = {one.tool_result.tool_call_id: one.content for one in news if one.tool_result is not None}
        is_waiting = last.turn.status is TurnStatus.WAITING
        awaited = {call.call_id for call in last.turn.pending}
        if is_waiting and awaited == results.keys() and len(results) == len(news):
            decisions = [Decision(call_id, is_approved=True, note=content) for call_id, content in results.items()]
            turn = await self._answering.decide(self._team_id, last.turn.id, decisions, self._actor, brought)
            end = last.answer[-1]
            return OpenAITurn(turn, Cursor(end.position, len(end.content), is_whole=True))
        is_repeated = [(one.role, one.content) for one in last.said] == [(one.role, one.content) for one in news]
        if is_waiting and is_repeated:
            refuse_waiting(last.turn)
        known = [*last.said, *last.answer]
        written = {one.tool_result.tool_call_id for one in known if one.tool_result is not None}
        brings_results = bool(results) and len(results) == len(news)
        is_known = results.keys() <= written if brings_results else is_repeated and not last.answer
        to_say = [] if last.turn.status in _UNANSWERED and is_known else _noted(news, brought)
        return await self._begin(conversation_id, to_say, brought)

    async def _begin(self, conversation_id: UUID, said: Sequence[MessageCreate], brought: Brought) -> OpenAITurn:
        turn, after = await self._answering.take_up(self._team_id, conversation_id, said, self._actor, brought)
        return OpenAITurn(turn, after)

    async def _find(self, name: str, *, is_first: bool) -> UUID | None:
        async with team_session(self._sessions, self._team_id) as session:
            row = await ConversationRepository(session).find_by_external_id(name)
            if row is None or row.status is ConversationStatus.CLOSED:
                return None
            last = await _find_last_turn(session, row.id)
            if last is not None and last.status is TurnStatus.RUNNING:
                return None  # somebody else says the same at the same moment
            # One that was answered has gone on to another name, or lost its own to a twin: it is no place to begin in.
            return None if last is not None and is_first and last.status is TurnStatus.COMPLETE else row.id

    async def _import(self, row: ConversationORM, known: Sequence[MessageCreate]) -> UUID:
        """Writes a conversation that is not known; it has no name where its name is taken."""
        async with team_session(self._sessions, self._team_id, self._actor) as session:
            conversations, messages = ConversationRepository(session), MessageRepository(session)
            name, row.external_id = row.external_id, None
            made = await conversations.add(row)
            await messages.append_all(made.id, known)
            if name is not None:
                await conversations.call(made.id, name)
            return made.id


def _signed(brought: Brought, thread: Thread) -> Brought:
    def sign(answer: Sequence[MessageRecord], pending: Sequence[PendingApproval]) -> str | None:
        calls = pick_calls(answer, pending)
        # What waits for a person alone is not given to the client, who asks the same again later.
        return None if pending and not calls else thread.key_after(answer, calls)

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


@dataclass(frozen=True)
class _Last:
    """The last turn of a conversation.

    Attributes:
        said: What it answers, or was to answer.
        answer: What it wrote itself; empty: nothing yet.
    """

    turn: Turn
    said: Sequence[MessageRecord]
    answer: Sequence[MessageRecord]


async def _read_last(session: AsyncSession, conversation_id: UUID, count: int) -> _Last | None:
    """Reads the last turn; `count` messages before it are what it answers, where an earlier turn failed to."""
    turn = await _find_last_turn(session, conversation_id)
    if turn is None:
        return None
    messages = MessageRepository(session)
    written = await messages.list_of_turn(turn.id)
    said = list(takewhile(lambda one: one.role is not MessageRole.ASSISTANT, written))
    answer = written[len(said) :]
    if not said and answer:
        begin = answer[0].position
        said = await messages.list_of(conversation_id, max(0, begin - count), begin)
    elif not said:
        said = await messages.list_last(conversation_id, count)
    return _Last(turn, said, answer)


async def _find_last_turn(session: AsyncSession, conversation_id: UUID) -> Turn | None:
    turns = TurnRepository(session)
    page = await turns.list_turns(conversation_id, PageRequest(limit=1))
    return await turns.get_turn(page.items[0].id) if page.items else None


def refuse_waiting(turn: Turn) -> None:
    """Refuses to pass on an answer that waits for a person, whom a client of this kind cannot ask.

    Raises:
        WaitsForPersonError: It does.
    """
    others = [one.tool_name for one in turn.pending if not one.is_callers]
    if turn.status is TurnStatus.WAITING and len(others) == len(turn.pending):
        raise WaitsForPersonError(
            f"The agent waits for approval of {', '.join(others)}.",
            cure=f"Decide at /v1/turns/{turn.id}/decisions; the conversation has the answer then.",
        )
