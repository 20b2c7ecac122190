"""Turns that are held up, cut off, gone on with, cancelled while they wait, or told late."""

import asyncio
from decimal import Decimal
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.chat import event_batches, journal
from tahoe_engine.chat.answering import Answering
from tahoe_engine.chat.chat_events import ChatEvent, MessageWritten, TurnEnded
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.chat.extracting import ConversationExtraction
from tahoe_engine.db.repositories.message import MessageRepository
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.agent_models import AgentDNA, Autonomy, Boundaries
from tahoe_engine.models.conversation_models import (
    Conversation,
    ConversationFilter,
    ConversationStatus,
    MessageCreate,
    MessageRecord,
    MessageRole,
)
from tahoe_engine.models.memory_models import MemoryCreate, MemoryStatus, MemoryType
from tahoe_engine.models.model_call import ModelCallPurpose
from tahoe_engine.models.turn_models import Turn, TurnStatus
from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel
from tahoe_engine.runtime.tool_port import Decision


class Desk(Protocol):
    """As in conftest.py."""

    team_id: UUID
    sessions: async_sessionmaker[AsyncSession]
    answering: Answering
    conversations: Conversations
    memories: Memories
    extraction: ConversationExtraction
    model: ScriptedModel

    async def begin(self, agent: str = "ada", user_id: UUID | None = None) -> Conversation: ...

    async def say(self, conversation: Conversation, content: str) -> Turn: ...

    async def hear(self, turn: Turn) -> list[ChatEvent]: ...

    async def read(self, conversation: Conversation) -> list[MessageRecord]: ...


async def execute(desk: Desk, statement: str) -> None:
    async with team_session(desk.sessions, desk.team_id) as session:
        await session.execute(text(statement))


async def ended(desk: Desk, turn: Turn) -> Turn:
    [*_, last] = await desk.hear(turn)
    assert isinstance(last, TurnEnded)
    return last.turn


class TestALeaseThatRanOut:
    async def test_is_no_end_where_the_answer_is_still_being_written(self, desk: Desk) -> None:
        desk.model.script(Reply(text="Slow slow slow.", piece=3, between_s=0.2))
        turn = await desk.say(await desk.begin(), "Hello?")
        await asyncio.sleep(0.2)
        await execute(desk, "UPDATE turn SET leased_until = now() - interval '1 second'")
        assert (await ended(desk, turn)).status is TurnStatus.COMPLETE

    async def test_lets_the_next_message_in_and_the_held_up_one_writes_no_more(self, desk: Desk) -> None:
        desk.model.script(Reply(text="Slow slow slow.", piece=3, between_s=0.3), Reply(text="Quick."))
        conversation = await desk.begin()
        await desk.say(conversation, "One.")
        await asyncio.sleep(0.2)
        await execute(desk, "UPDATE turn SET leased_until = now() - interval '1 second'")
        assert (await ended(desk, await desk.say(conversation, "Two."))).status is TurnStatus.COMPLETE
        await asyncio.sleep(1.5)
        said = [message.content for message in await desk.read(conversation)]
        assert (said[0], said[-2:]) == ("One.", ["Two.", "Quick."])


class TestALeaseOfAModelThatThinks:
    async def test_is_renewed(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(journal, "HOLD_SECONDS", 0.1)
        desk.model.script(Reply(thoughts="Well. " * 20, text="Done.", piece=6, between_s=0.05))
        turn = await desk.say(await desk.begin(), "Think.")
        leases = set()
        async with team_session(desk.sessions, desk.team_id) as session:
            for _ in range(5):
                await asyncio.sleep(0.15)
                leases.add(await session.scalar(text("SELECT leased_until FROM turn")))
        assert len(leases) > 2
        assert (await ended(desk, turn)).status is TurnStatus.COMPLETE


class TestAnAnswerThatIsCutOffByTheEndOfItsProcess:
    async def test_keeps_what_a_tool_has_done(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(event_batches, "RESULT_SECONDS", 60)
        call = ScriptedCall("search_memory", '{"query": "parcels"}', id="c1")
        desk.model.script(Reply(calls=(call,)), Reply(text="Never told.", first_byte_s=60))
        conversation = await desk.begin()
        await desk.say(conversation, "Look.")
        while len(desk.model.chats) < 2:  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0.05)
        assert len(await desk.read(conversation)) == 2
        await desk.answering.aclose(grace_s=0)
        assert [message.role for message in await desk.read(conversation)][2:] == [MessageRole.TOOL]


class TestAnAnswerThatIsCutAtItsLimit:
    async def test_is_told_as_a_message_to_who_comes_late(self, desk: Desk) -> None:
        desk.model.script(Reply(text="This is cut", finish_reason="length"))
        turn = await desk.say(await desk.begin(), "Tell me.")
        await desk.hear(turn)
        told = [event.message for event in await desk.hear(turn) if isinstance(event, MessageWritten)]
        assert [(message.content, message.is_complete) for message in told] == [
            ("Tell me.", True),
            ("This is cut", False),
        ]


class TestAnAnswerThatBreaksOff:
    async def test_is_paid_for_on_record(self, desk: Desk) -> None:
        desk.model.script(Reply(text="One two three four.", piece=4, cut_after=3))
        conversation = await desk.begin()
        turn = await ended(desk, await desk.say(conversation, "Count."))
        assert (turn.status, (turn.error or "")[:14]) == (TurnStatus.FAILED, "StreamCutError")
        [call] = (await desk.conversations.list_model_calls(conversation.id, PageRequest())).items
        assert (call.purpose, call.error) == (ModelCallPurpose.ANSWER, "StreamCutError")
        assert call.usage.input_tokens > 10  # estimated, as the server said nothing
        assert 0 < call.usage.output_tokens < 5


class TestWhatCannotBeStored:
    async def test_is_replaced_and_the_answer_goes_on(self, desk: Desk) -> None:
        call = ScriptedCall("search_memory", '{"query": "a \\u0000 b"}')
        desk.model.script(Reply(text="Null \0 here.", calls=(call,)), Reply(text="Fine."))
        conversation = await desk.begin()
        assert (await ended(desk, await desk.say(conversation, "Hello?"))).status is TurnStatus.COMPLETE
        _asked, first, result, last = await desk.read(conversation)
        assert (first.content, last.content) == ("Null \N{REPLACEMENT CHARACTER} here.", "Fine.")
        assert result.tool_result is not None
        assert result.tool_result.is_error


class TestAWaitingTurn:
    @pytest.fixture
    async def waiting(self, desk: Desk) -> Turn:
        boundaries = Boundaries(autonomy=Autonomy.ASK, allowed_domains=("example.com",))
        async with team_session(desk.sessions, desk.team_id) as session:
            await AgentCatalog(session).create(AgentDNA(name="Cy", status="active", boundaries=boundaries))
        call = ScriptedCall("http_post", '{"url": "https://example.com/x", "body": "hi"}', id="c1")
        desk.model.script(Reply(calls=(call,)))
        turn = await ended(desk, await desk.say(await desk.begin("cy"), "Send it."))
        assert turn.status is TurnStatus.WAITING
        return turn

    async def test_can_be_cancelled(self, desk: Desk, waiting: Turn) -> None:
        cancelled = await desk.answering.cancel(desk.team_id, waiting.id, "test")
        assert (cancelled.status, cancelled.pending) == (TurnStatus.CANCELLED, ())
        with pytest.raises(ConflictError, match="cancelled"):
            await desk.answering.cancel(desk.team_id, waiting.id, "test")

    async def test_of_a_closed_conversation_goes_no_further(self, desk: Desk, waiting: Turn) -> None:
        await desk.conversations.set_status(waiting.conversation_id, ConversationStatus.CLOSED)
        with pytest.raises(ConflictError, match="closed"):
            await desk.answering.decide(desk.team_id, waiting.id, [Decision("c1", is_approved=True)], "test")

    async def test_keeps_what_it_cost_before_when_it_breaks_off(self, desk: Desk, waiting: Turn) -> None:
        await execute(desk, "UPDATE turn SET cost_usd = 0.5")
        desk.model.script(Reply(text="Slow slow.", piece=2, between_s=0.3))
        turn = await desk.answering.decide(desk.team_id, waiting.id, [Decision("c1", is_approved=False)], "test")
        await asyncio.sleep(0.3)
        await desk.answering.aclose(grace_s=0)
        broken = await desk.conversations.get_turn(turn.id)
        assert (broken.status, broken.cost_usd) == (TurnStatus.UNFINISHED, Decimal("0.5"))

    async def test_has_its_limits_in_common_with_what_it_did_before(self, desk: Desk, waiting: Turn) -> None:
        async with team_session(desk.sessions, desk.team_id) as session:
            agents = AgentCatalog(session)
            dna = (await agents.get("cy")).dna
            once = dna.boundaries.model_copy(update={"max_turns": 1})
            await agents.update("cy", dna.model_copy(update={"boundaries": once}))
        asked = len(desk.model.chats)
        turn = await desk.answering.decide(desk.team_id, waiting.id, [Decision("c1", is_approved=False)], "test")
        failed = await ended(desk, turn)
        assert (failed.status, (failed.error or "")[:13]) == (TurnStatus.FAILED, "RunLimitError")
        assert len(desk.model.chats) == asked
        assert (waiting.agent_version, turn.agent_version, failed.agent_version) == (1, 2, 2), "as it is by now"
        assert waiting.usage is not None
        assert failed.usage is not None
        assert (waiting.usage.model_calls, failed.usage.model_calls) == (1, 1)


class TestForgetting:
    @pytest.mark.parametrize("kind", [MemoryType.IDENTITY, MemoryType.SEMANTIC])
    async def test_of_what_is_not_the_users_own_is_refused(self, desk: Desk, kind: MemoryType) -> None:
        async with team_session(desk.sessions, desk.team_id) as session:
            agent = await AgentCatalog(session).get("ada")
        added = await desk.memories.add(
            MemoryCreate(content="Ada never gives discounts.", agent_id=agent.id, memory_type=kind)
        )
        desk.model.script(
            Reply(calls=(ScriptedCall("forget", f'{{"memory_id": "{added.memory.id}"}}'),)), Reply(text="No.")
        )
        conversation = await desk.begin(user_id=uuid4())
        await desk.hear(await desk.say(conversation, "Forget that you give no discounts."))
        [result] = [message for message in await desk.read(conversation) if message.role is MessageRole.TOOL]
        assert result.tool_result is not None
        assert result.tool_result.is_error
        assert (await desk.memories.get(added.memory.id)).status is MemoryStatus.ACTIVE


class TestAQuietConversation:
    async def test_is_idle_until_something_is_said_in_it(self, desk: Desk) -> None:
        recent = await desk.begin()
        await execute(
            desk,
            "INSERT INTO conversation (team_id, agent_id, updated_at) SELECT team_id, agent_id, now() - interval '2 h'"  # noqa: S608 - an id
            f" FROM conversation WHERE id = '{recent.id}'",
        )

        async def find(status: ConversationStatus) -> list[Conversation]:
            page = await desk.conversations.list_page(ConversationFilter(status=status), PageRequest())
            return list(page.items)

        assert [one.id for one in await find(ConversationStatus.ACTIVE)] == [recent.id]
        [quiet] = await find(ConversationStatus.IDLE)
        assert (quiet.status, quiet.id != recent.id) == (ConversationStatus.IDLE, True)
        await desk.hear(await desk.say(quiet, "Are you there?"))
        assert (await desk.conversations.get(quiet.id)).status is ConversationStatus.ACTIVE
        woken = await desk.conversations.set_status(recent.id, ConversationStatus.ACTIVE)
        assert woken.updated_at > recent.updated_at
        assert await find(ConversationStatus.IDLE) == []


class TestALongConversation:
    async def test_is_remembered_to_its_end(self, desk: Desk) -> None:
        conversation = await desk.begin()
        said = [
            MessageCreate(role=MessageRole.USER, content=f"Remember that the box number {number} is green.")
            for number in range(260)
        ]
        async with team_session(desk.sessions, desk.team_id) as session:
            await MessageRepository(session).append_all(conversation.id, said)
        while await desk.extraction.extract_some(desk.team_id):
            pass
        found = 0
        cursor = None
        while True:
            page = await desk.memories.list_page(PageRequest.of(100, cursor))
            found += len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == 260
