"""Which conversation an OpenAI client means, on a real Postgres."""

from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_engine.catalog.agents import AgentCatalog
from tahoe_engine.chat.answering import Answering
from tahoe_engine.chat.brought import Brought
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.chat.openai_chat import OpenAIConversations, OpenAIQuestion
from tahoe_engine.models.agent_models import AgentDNA, Autonomy, Boundaries
from tahoe_engine.models.conversation_models import (
    Conversation,
    ConversationFilter,
    ConversationStatus,
    MessageCreate,
    MessageRole,
    MessageToolCall,
    ToolResult,
)
from tahoe_engine.models.turn_models import Turn, TurnStatus
from tahoe_engine.runtime.testing.replies import WRONG_KEY, Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel
from tahoe_engine.runtime.tool_port import CallersTool


class Desk(Protocol):
    """As in conftest.py."""

    team_id: UUID
    sessions: async_sessionmaker[AsyncSession]
    answering: Answering
    conversations: Conversations
    model: ScriptedModel

    async def hear(self, turn: Turn) -> list[Any]: ...


async def ask(desk: Desk, *said: str) -> Turn:
    """Sends what was said so far, the user first, and waits for the answer."""
    roles = (MessageRole.USER, MessageRole.ASSISTANT)
    messages = [MessageCreate(role=roles[place % 2], content=text) for place, text in enumerate(said)]
    openai = OpenAIConversations(desk.sessions, desk.answering, desk.team_id, "test")
    begun = await openai.begin(OpenAIQuestion("ada", None, messages, Brought()))
    ended: Turn = (await desk.hear(begun.turn))[-1].turn
    return ended


async def list_conversations(desk: Desk) -> list[Conversation]:
    page = await desk.conversations.list_page(ConversationFilter(), PageRequest())
    return list(page.items)


class TestTheSameWords:
    async def test_said_and_answered_again_and_again_are_conversations_of_their_own(self, desk: Desk) -> None:
        desk.model.script(*[Reply(text="Hi.")] * 5)
        assert [(await ask(desk, "Hello.")).status for _ in range(5)] == [TurnStatus.COMPLETE] * 5
        assert [one.message_count for one in await list_conversations(desk)] == [2] * 5

    async def test_go_on_in_the_one_that_was_there_first(self, desk: Desk) -> None:
        desk.model.script(Reply(text="Hi."), Reply(text="Hi."), Reply(text="Fine."))
        for _ in range(2):
            await ask(desk, "Hello.")
        await ask(desk, "Hello.", "Hi.", "How are you?")
        assert [one.message_count for one in await list_conversations(desk)] == [2, 4]


class TestToolsOfTheClient:
    async def test_have_the_limits_of_one_answer_each_time(self, desk: Desk) -> None:
        tool = CallersTool("read_file", "Reads a file.", {"type": "object", "properties": {}})
        async with team_session(desk.sessions, desk.team_id) as session:
            boundaries = Boundaries(autonomy=Autonomy.AUTO, max_turns=2)
            await AgentCatalog(session).create(AgentDNA(name="Cy", status="active", boundaries=boundaries))
        openai = OpenAIConversations(desk.sessions, desk.answering, desk.team_id, "test")
        messages = [MessageCreate(role=MessageRole.USER, content="Tidy up.")]
        for number in range(5):
            desk.model.script(Reply(calls=(ScriptedCall("read_file", "{}", id=f"c{number}"),)))
            begun = await openai.begin(OpenAIQuestion("cy", None, messages, Brought(tools=(tool,))))
            turn = (await desk.hear(begun.turn))[-1].turn
            assert (turn.status, turn.error) == (TurnStatus.WAITING, None)
            assert turn.usage.model_calls == number + 1
            call = MessageToolCall(id=f"c{number}", name="read_file", arguments={}, arguments_text="{}")
            result = ToolResult(tool_call_id=call.id, tool_name="read_file")
            messages += [
                MessageCreate(role=MessageRole.ASSISTANT, tool_calls=(call,)),
                MessageCreate(role=MessageRole.TOOL, content="A text.", tool_result=result),
            ]

    async def test_are_not_written_twice_where_the_answer_failed(self, desk: Desk) -> None:
        tool = CallersTool("read_file", "Reads a file.", {"type": "object", "properties": {}})
        openai = OpenAIConversations(desk.sessions, desk.answering, desk.team_id, "test")
        messages = [MessageCreate(role=MessageRole.USER, content="Tidy up.")]
        desk.model.script(Reply(calls=(ScriptedCall("read_file", "{}", id="c1"),)), WRONG_KEY, Reply(text="Done."))
        begun = await openai.begin(OpenAIQuestion("ada", None, messages, Brought(tools=(tool,))))
        await desk.hear(begun.turn)
        call = MessageToolCall(id="c1", name="read_file", arguments={}, arguments_text="{}")
        result = ToolResult(tool_call_id="c1", tool_name="read_file")
        messages += [
            MessageCreate(role=MessageRole.ASSISTANT, tool_calls=(call,)),
            MessageCreate(role=MessageRole.TOOL, content="A text.", tool_result=result),
        ]
        for status in (TurnStatus.FAILED, TurnStatus.COMPLETE):
            begun = await openai.begin(OpenAIQuestion("ada", None, messages, Brought(tools=(tool,))))
            assert (await desk.hear(begun.turn))[-1].turn.status is status
        [conversation] = await list_conversations(desk)
        page = await desk.conversations.list_messages(conversation.id, PageRequest())
        assert [one.role for one in page.items].count(MessageRole.TOOL) == 1


class TestAClosedConversation:
    async def test_is_left_alone_and_its_client_begins_another(self, desk: Desk) -> None:
        desk.model.script(Reply(text="Hi."), Reply(text="Fine."))
        await ask(desk, "Hello.")
        [first] = await list_conversations(desk)
        await desk.conversations.set_status(first.id, ConversationStatus.CLOSED)
        assert (await ask(desk, "Hello.", "Hi.", "How are you?")).status is TurnStatus.COMPLETE
        assert [one.message_count for one in await list_conversations(desk)] == [4, 2]
