"""Which conversation an OpenAI client means, on a real Postgres."""

from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import PageRequest
from tahoe_engine.chat.answering import Answering
from tahoe_engine.chat.brought import Brought
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.chat.openai_chat import OpenAIConversations, OpenAIQuestion
from tahoe_engine.models.conversation_models import (
    Conversation,
    ConversationFilter,
    ConversationStatus,
    MessageCreate,
    MessageRole,
)
from tahoe_engine.models.turn_models import Turn, TurnStatus
from tahoe_engine.runtime.testing.replies import Reply
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel


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


class TestAClosedConversation:
    async def test_is_left_alone_and_its_client_begins_another(self, desk: Desk) -> None:
        desk.model.script(Reply(text="Hi."), Reply(text="Fine."))
        await ask(desk, "Hello.")
        [first] = await list_conversations(desk)
        await desk.conversations.set_status(first.id, ConversationStatus.CLOSED)
        assert (await ask(desk, "Hello.", "Hi.", "How are you?")).status is TurnStatus.COMPLETE
        assert [one.message_count for one in await list_conversations(desk)] == [4, 2]
