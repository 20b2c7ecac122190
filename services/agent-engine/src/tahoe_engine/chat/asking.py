"""What a turn is to answer: written down, and taken up by one process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import run_again, team_session
from tahoe_core.errors import ConflictError
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.chat.brought import Brought
from tahoe_engine.chat.chat_events import Cursor
from tahoe_engine.chat.journal import LEASE
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.db.repositories.turn import TurnRepository
from tahoe_engine.models.agent_models import AgentStatus
from tahoe_engine.models.agent_records import Agent
from tahoe_engine.models.conversation_models import ConversationStatus, MessageCreate, MessageRole
from tahoe_engine.models.turn_models import Turn, TurnStatus
from tahoe_engine.runtime.tool_port import Decision

TITLE_CHARACTERS = 60

type Sessions = async_sessionmaker[AsyncSession]


@dataclass(frozen=True)
class Asked:
    """A turn, and what it is to answer.

    Attributes:
        message: What the user said; None: the turn goes on after decisions, or after results of tools.
        decisions: About calls that waited.
        was_approved: Whether a person has decided, and not the caller alone, who does what it brought itself.
        brought: What the caller adds to what the agent has.
    """

    team_id: UUID
    turn: Turn
    agent: Agent
    user_id: UUID | None
    message: str | None
    decisions: Sequence[Decision]
    was_approved: bool
    brought: Brought


@dataclass(frozen=True)
class Asking:
    """Begins turns, or lets them go on; each is one transaction.

    The row of the turn is locked before that of the conversation, here as by the journal: nobody waits for each other.

    Attributes:
        sessions: Of the application's role.
        expect: Told what an agent is asked as soon as that is known, and before it is written.
    """

    sessions: Sessions
    expect: Callable[[UUID, Agent, str], None]

    @run_again
    async def begin(
        self, team_id: UUID, conversation_id: UUID, said: Sequence[MessageCreate], actor: str, brought: Brought
    ) -> tuple[Asked, Cursor]:
        """Writes down what was said; returns what is asked, and where the answer will begin.

        Raises:
            NotFoundError: There is no such conversation.
            ConflictError: It is closed, its agent does not answer, or an answer is being written.
        """
        question = said[-1].content if said and said[-1].role is MessageRole.USER else None
        async with team_session(self.sessions, team_id, actor) as session:
            conversation, agent = await _find(session, conversation_id)
            if question is not None:
                self.expect(team_id, agent, question)
            turn = await TurnRepository(session).begin(conversation_id, agent.id, agent.version, LEASE)
            if turn is None:
                raise ConflictError(
                    "An answer is being written in this conversation.", cure="Wait for its end, or cancel it."
                )
            await _take_up(session, conversation_id, make_title(question or ""))
            messages = MessageRepository(session)
            written = [await messages.append(conversation_id, turn.id, message) for message in said]
            [last] = written[-1:] or await messages.list_last(conversation_id, 1)
        asked = Asked(team_id, turn, agent, conversation.user_id, question, (), was_approved=False, brought=brought)
        return asked, Cursor(last.position, len(last.content), is_whole=True)

    @run_again
    async def go_on(
        self, team_id: UUID, turn_id: UUID, decisions: Sequence[Decision], actor: str, brought: Brought
    ) -> Asked:
        """Lets a turn go on that waits.

        Raises:
            NotFoundError: There is no such turn.
            ConflictError: It does not wait, a decision about one of its calls is missing, the conversation is closed,
                or its agent does not answer.
        """
        async with team_session(self.sessions, team_id, actor) as session:
            turns = TurnRepository(session)
            waiting = await turns.get_turn(turn_id)
            missing = {one.call_id for one in waiting.pending} ^ {one.call_id for one in decisions}
            if waiting.status is TurnStatus.WAITING and missing:
                raise ConflictError(
                    "Every call that waits needs a decision, and only those.",
                    cure=f"Look at: {', '.join(sorted(missing))}.",
                    field="decisions",
                )
            if waiting.status is not TurnStatus.WAITING:
                raise ConflictError(f"The turn is {waiting.status}; it waits for no decision.")
            conversation, agent = await _find(session, waiting.conversation_id)
            turn = await turns.go_on(turn_id, agent.version, LEASE)
            if turn is None:
                raise ConflictError("The turn waits no more: somebody was quicker.")
            await _take_up(session, turn.conversation_id)
        callers = {call.call_id for call in waiting.pending if call.is_callers}
        return Asked(
            team_id,
            turn,
            agent,
            conversation.user_id,
            None,
            tuple(replace(one, is_result=one.call_id in callers) for one in decisions),
            was_approved=len(callers) < len(waiting.pending),
            brought=brought,
        )


async def _find(session: AsyncSession, conversation_id: UUID) -> tuple[ConversationORM, Agent]:
    """Returns a conversation, and who answers in it.

    Raises:
        NotFoundError: There is no such conversation.
        ConflictError: Nobody answers in it, or it is closed.
    """
    conversation = await ConversationRepository(session).get(conversation_id)
    if conversation.status is ConversationStatus.CLOSED:
        raise _is_closed()
    if conversation.agent_id is None:
        raise ConflictError("No agent answers in this conversation.", cure="Begin one with an agent.")
    agent = await AgentCatalog(session).get(str(conversation.agent_id))
    if agent.dna.status in {AgentStatus.PAUSED, AgentStatus.ARCHIVED}:
        raise ConflictError(f"The agent {agent.dna.slug} is {agent.dna.status}.", cure="Activate it first.")
    return conversation, agent


async def _take_up(session: AsyncSession, conversation_id: UUID, title: str = "") -> None:
    """Goes on with a conversation, if nobody has closed it since it was found.

    Raises:
        ConflictError: Somebody has.
    """
    if not await ConversationRepository(session).take_up(conversation_id, title):
        raise _is_closed()


def _is_closed() -> ConflictError:
    return ConflictError("The conversation is closed.", cure="Begin another one.")


def make_title(content: str) -> str:
    """Names a conversation by what was said first in it."""
    line = " ".join(content.split())
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1].rstrip() + "…"
