"""Turns of a conversation: what is written, what is told, and what happens when something comes between."""

import asyncio
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError, NotFoundError
from tahoe_engine.chat.answering import Answering
from tahoe_engine.chat.chat_events import Cursor, MessageWritten, TextAdded, TurnEnded
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.chat.extracting import ConversationExtraction
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.conversation_models import (
    Conversation,
    ConversationStatus,
    MessageCreate,
    MessageRecord,
    MessageRole,
)
from tahoe_engine.models.memory_models import MemoryCreate
from tahoe_engine.models.turn_models import Turn, TurnStatus
from tahoe_engine.runtime.testing.replies import WRONG_KEY, Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel


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
    async def hear(self, turn: Turn) -> list[Any]: ...
    async def read(self, conversation: Conversation) -> list[MessageRecord]: ...


class TestAnAnswer:
    async def test_is_told_as_it_is_written_and_kept_whole(self, desk: Desk) -> None:
        desk.model.script(Reply(text="The parcel is in Bern.", usage=(30, 10, 6)))
        conversation = await desk.begin()
        turn = await desk.say(conversation, "Where is my parcel?")
        events = await desk.hear(turn)
        told = "".join(event.text for event in events if isinstance(event, TextAdded))
        assert told == "The parcel is in Bern."
        assert isinstance(events[-1], TurnEnded)
        assert events[-1].turn.status is TurnStatus.COMPLETE
        asked, answer = await desk.read(conversation)
        assert (asked.role, asked.content) == (MessageRole.USER, "Where is my parcel?")
        assert (answer.content, answer.is_complete) == ("The parcel is in Bern.", True)
        assert answer.usage is not None
        assert (answer.usage.input_tokens, answer.usage.cached_tokens, answer.usage.output_tokens) == (30, 10, 6)

    async def test_names_the_conversation_by_what_was_asked_first(self, desk: Desk) -> None:
        desk.model.script(Reply(text="In Bern."), Reply(text="Yes."))
        conversation = await desk.begin()
        await desk.hear(await desk.say(conversation, "Where is my\nparcel?"))
        await desk.hear(await desk.say(conversation, "Really?"))
        assert (await desk.conversations.get(conversation.id)).title == "Where is my parcel?"

    async def test_is_given_what_was_said_before(self, desk: Desk) -> None:
        desk.model.script(Reply(text="Hello Ann."), Reply(text="Ann."))
        conversation = await desk.begin()
        await desk.hear(await desk.say(conversation, "Hello, this is Ann."))
        await desk.hear(await desk.say(conversation, "Who am I?"))
        said = [(message["role"], message["content"]) for message in desk.model.requests[-1].body["messages"][1:]]
        assert said == [("user", "Hello, this is Ann."), ("assistant", "Hello Ann."), ("user", "Who am I?")]

    async def test_is_given_what_the_agent_remembers_and_says_so(self, desk: Desk) -> None:
        known = await desk.memories.add(MemoryCreate(content="Parcels to Bern take three days."))
        desk.model.script(Reply(text="Three days."))
        conversation = await desk.begin()
        turn = await desk.say(conversation, "How long does a parcel to Bern take?")
        await desk.hear(turn)
        assert "Parcels to Bern take three days." in str(desk.model.requests[-1].body["messages"][0])
        page = await desk.conversations.trace(conversation.id, PageRequest())
        [trace] = page.items
        assert [used.memory_id for used in trace.memories] == [known.memory.id]
        assert trace.turn.retrieval_ms is not None
        assert [message.role for message in trace.messages] == [MessageRole.USER, MessageRole.ASSISTANT]

    async def test_that_calls_a_tool_keeps_call_and_result(self, desk: Desk) -> None:
        call = ScriptedCall("remember", '{"fact": "Ann prefers green tea.", "about_user": false}', id="c1")
        desk.model.script(Reply(calls=(call,)), Reply(text="I will remember it."))
        conversation = await desk.begin()
        await desk.hear(await desk.say(conversation, "Remember that I prefer green tea."))
        roles = [message.role for message in await desk.read(conversation)]
        assert roles == [MessageRole.USER, MessageRole.ASSISTANT, MessageRole.TOOL, MessageRole.ASSISTANT]
        found = await desk.memories.list_page(PageRequest())
        assert [record.content for record in found.items] == ["Ann prefers green tea."]

    async def test_that_fails_says_why_and_the_conversation_goes_on(self, desk: Desk) -> None:
        desk.model.script(WRONG_KEY, Reply(text="Now it works."))
        conversation = await desk.begin()
        [*_, ended] = await desk.hear(await desk.say(conversation, "Hello?"))
        assert isinstance(ended, TurnEnded)
        assert ended.turn.status is TurnStatus.FAILED
        assert ended.turn.error is not None
        assert ended.turn.error.startswith("WrongKeyError")
        [*_, ended] = await desk.hear(await desk.say(conversation, "Hello again?"))
        assert ended.turn.status is TurnStatus.COMPLETE


class TestTwoAtOnce:
    async def test_the_second_is_refused_while_the_first_is_answered(self, desk: Desk) -> None:
        desk.model.script(Reply(text="Slowly does it.", between_s=0.05))
        conversation = await desk.begin()
        turn = await desk.say(conversation, "One.")
        with pytest.raises(ConflictError, match="is being written"):
            await desk.say(conversation, "Two.")
        await desk.hear(turn)
        assert [message.content for message in await desk.read(conversation)] == ["One.", "Slowly does it."]

    async def test_never_break_off_the_answer_that_is_being_written(self, desk: Desk) -> None:
        desk.model.script(Reply(text="word " * 60, piece=5, between_s=0.02), *[Reply(text="No more.")] * 3)
        conversation = await desk.begin()
        turn = await desk.say(conversation, "One.")
        done = asyncio.Event()

        async def interrupt() -> None:
            while not done.is_set():
                with suppress(ConflictError):
                    await desk.say(conversation, "Two.")
                await asyncio.sleep(0.005)

        interrupting = [asyncio.create_task(interrupt()) for _ in range(3)]
        events = await desk.hear(turn)
        done.set()
        await asyncio.gather(*interrupting)
        assert (events[-1].turn.status, events[-1].turn.error) == (TurnStatus.COMPLETE, None)

    async def test_of_different_conversations_are_answered(self, desk: Desk) -> None:
        desk.model.script(*[Reply(text="Yes.")] * 10)
        conversations = [await desk.begin() for _ in range(10)]
        turns = await asyncio.gather(*(desk.say(one, "Are you there?") for one in conversations))
        for events in await asyncio.gather(*(desk.hear(turn) for turn in turns)):
            assert events[-1].turn.status is TurnStatus.COMPLETE


class TestAClosedConversation:
    async def test_takes_no_message(self, desk: Desk) -> None:
        conversation = await desk.begin()
        await desk.conversations.set_status(conversation.id, ConversationStatus.CLOSED)
        with pytest.raises(ConflictError, match="closed"):
            await desk.say(conversation, "Hello?")
        assert await desk.read(conversation) == []

    async def test_takes_none_that_comes_at_the_moment_of_closing(self, desk: Desk) -> None:
        conversation = await desk.begin()
        async with team_session(desk.sessions, desk.team_id) as session:
            closing = update(ConversationORM).where(ConversationORM.id == conversation.id)
            await session.execute(closing.values(status=ConversationStatus.CLOSED))
            saying = asyncio.create_task(desk.say(conversation, "Hello?"))
            await asyncio.sleep(0.2)
            assert not saying.done()
        with pytest.raises(ConflictError, match="closed"):
            await saying
        assert (await desk.conversations.get(conversation.id)).status is ConversationStatus.CLOSED
        assert await desk.read(conversation) == []


class TestFollowing:
    async def test_from_a_cursor_tells_the_rest_and_nothing_twice(self, desk: Desk) -> None:
        desk.model.script(Reply(text="One two three four five six seven.", piece=4, between_s=0.02))
        conversation = await desk.begin()
        turn = await desk.say(conversation, "Count.")
        heard = ""
        cursor: Cursor | None = None
        async for event in desk.answering.follow(desk.team_id, turn.id):
            if isinstance(event, TextAdded):
                heard += event.text
                cursor = event.cursor
                if len(heard) > 8:
                    break
        async for event in desk.answering.follow(desk.team_id, turn.id, cursor):
            if isinstance(event, TextAdded):
                heard += event.text
        assert heard == "One two three four five six seven."

    async def test_after_the_end_tells_everything_again(self, desk: Desk) -> None:
        desk.model.script(Reply(text="All of it."))
        conversation = await desk.begin()
        turn = await desk.say(conversation, "Tell me.")
        await desk.hear(turn)
        events = await desk.hear(turn)
        assert "".join(event.text for event in events if isinstance(event, TextAdded)) == "All of it."
        assert sum(isinstance(event, MessageWritten) for event in events) == 2

    async def test_from_its_beginning_needs_to_read_nothing(self, desk: Desk) -> None:
        desk.model.script(Reply(text="All of it.", first_byte_s=0.3))
        said = [MessageCreate(role=MessageRole.USER, content="Tell me.")]
        turn, after = await desk.answering.take_up(desk.team_id, (await desk.begin()).id, said, "test")
        with pytest.raises(NotFoundError):  # nor does another team
            async for _event in desk.answering.follow(uuid4(), turn.id, after):
                pass
        events = [event async for event in desk.answering.follow(desk.team_id, turn.id, after)]
        assert "".join(event.text for event in events if isinstance(event, TextAdded)) == "All of it."
        assert [type(event) for event in events[-2:]] == [MessageWritten, TurnEnded]

    async def test_of_another_teams_turn_is_not_found(self, desk: Desk) -> None:
        desk.model.script(Reply(text="Secret."))
        turn = await desk.say(await desk.begin(), "Hello.")
        with pytest.raises(NotFoundError):
            async for _event in desk.answering.follow(uuid4(), turn.id):
                pass
        await desk.hear(turn)


class TestCancelling:
    async def test_keeps_what_was_written_marked_as_cut_off(self, desk: Desk) -> None:
        desk.model.script(Reply(text="A long long answer.", piece=2, between_s=0.1), Reply(text="Fine."))
        conversation = await desk.begin()
        turn = await desk.say(conversation, "Tell me a story.")
        async for event in desk.answering.follow(desk.team_id, turn.id):
            if isinstance(event, TextAdded):
                break
        await desk.answering.cancel(desk.team_id, turn.id, "test")
        await asyncio.sleep(0.3)
        _asked, answer = await desk.read(conversation)
        assert not answer.is_complete
        assert "A long long answer.".startswith(answer.content)
        assert (await desk.conversations.get_turn(turn.id)).status is TurnStatus.CANCELLED
        [*_, ended] = await desk.hear(await desk.say(conversation, "Never mind."))
        assert ended.turn.status is TurnStatus.COMPLETE


class TestExtraction:
    async def test_remembers_what_was_said_with_its_provenance_and_once(self, desk: Desk) -> None:
        desk.model.script(Reply(text="Noted."))
        user = uuid4()
        conversation = await desk.begin(user_id=user)
        await desk.hear(await desk.say(conversation, "My name is Ann. I prefer green tea."))
        assert await desk.extraction.extract_some(desk.team_id) == 1
        assert await desk.extraction.extract_some(desk.team_id) == 0
        page = await desk.memories.list_page(PageRequest())
        asked = (await desk.read(conversation))[0]
        assert len(page.items) == 2
        for record in page.items:
            assert record.source_message_ids == [asked.id]
            assert record.user_id == user
