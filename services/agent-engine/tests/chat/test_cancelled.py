"""Answers that somebody cancels, or that end with their process: what they took, and who is told."""

import asyncio
from typing import Any, Protocol
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_engine.chat import answering
from tahoe_engine.chat.answering import Answering
from tahoe_engine.chat.asking import Asked, Asking
from tahoe_engine.chat.chat_events import Cursor, TextAdded, TurnEnded
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.models.conversation_models import Conversation, MessageCreate, MessageRole
from tahoe_engine.models.model_call import ModelCallPurpose
from tahoe_engine.models.turn_models import Turn, TurnStatus
from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel


class Desk(Protocol):
    """As in conftest.py."""

    team_id: UUID
    sessions: async_sessionmaker[AsyncSession]
    answering: Answering
    conversations: Conversations
    model: ScriptedModel

    async def begin(self, agent: str = "ada", user_id: UUID | None = None) -> Conversation: ...

    async def say(self, conversation: Conversation, content: str) -> Turn: ...


async def cancel_elsewhere(desk: Desk) -> None:
    async with team_session(desk.sessions, desk.team_id) as session:
        await session.execute(text("UPDATE turn SET status = 'cancelled', leased_until = NULL, finished_at = now()"))


async def wait_for_calls(desk: Desk, turn: Turn) -> None:
    async with asyncio.timeout(10):
        while not (await desk.conversations.list_model_calls(turn.conversation_id, PageRequest())).items:  # noqa: ASYNC110 - it is in the database
            await asyncio.sleep(0.05)


class TestAnAnswerThatIsStoppedHalfWay:
    """The provider is paid for what it was given and what it said until then."""

    SLOW = Reply(text="A long long answer. " * 50, piece=4, between_s=0.05)

    async def begin_to_hear(self, desk: Desk, conversation: Conversation) -> Turn:
        turn = await desk.say(conversation, "Tell me a story.")
        async for event in desk.answering.follow(desk.team_id, turn.id):
            if isinstance(event, TextAdded):
                break
        return turn

    async def check(self, desk: Desk, turn: Turn) -> None:
        """The call is on record, and the turn has what it took."""
        [call] = (await desk.conversations.list_model_calls(turn.conversation_id, PageRequest())).items
        assert (call.purpose, call.error) == (ModelCallPurpose.ANSWER, "RunCancelledError")
        assert call.usage.input_tokens > 10
        assert 0 < call.usage.output_tokens < 100
        taken = (await desk.conversations.get_turn(turn.id)).usage
        assert taken is not None
        assert (taken.model_calls, taken.input_tokens) == (1, call.usage.input_tokens)
        assert taken.output_tokens == call.usage.output_tokens

    async def test_by_somebody_is_counted_and_told(self, desk: Desk) -> None:
        desk.model.script(self.SLOW)
        turn = await self.begin_to_hear(desk, await desk.begin())
        cancelled = await desk.answering.cancel(desk.team_id, turn.id, "test")
        await self.check(desk, turn)
        assert cancelled.status is TurnStatus.CANCELLED
        assert cancelled.usage == (await desk.conversations.get_turn(turn.id)).usage

    async def test_elsewhere_is_counted(self, desk: Desk) -> None:
        desk.model.script(self.SLOW)
        turn = await self.begin_to_hear(desk, await desk.begin())
        await cancel_elsewhere(desk)
        await wait_for_calls(desk, turn)
        await self.check(desk, turn)

    async def test_by_the_end_of_its_process_is_counted(self, desk: Desk) -> None:
        desk.model.script(self.SLOW)
        turn = await self.begin_to_hear(desk, await desk.begin())
        await desk.answering.aclose(grace_s=0)
        await self.check(desk, turn)
        assert (await desk.conversations.get_turn(turn.id)).status is TurnStatus.UNFINISHED

    async def test_and_at_once_by_the_end_of_its_process_is_counted_once(self, desk: Desk) -> None:
        desk.model.script(self.SLOW)
        turn = await self.begin_to_hear(desk, await desk.begin())
        cancelling = asyncio.create_task(desk.answering.cancel(desk.team_id, turn.id, "test"))
        while (await desk.conversations.get_turn(turn.id)).status is TurnStatus.RUNNING:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        await desk.answering.aclose(grace_s=0)
        await self.check(desk, await cancelling)

    async def test_before_it_said_anything_is_counted_by_what_it_was_given(self, desk: Desk) -> None:
        desk.model.script(Reply(hangs=True))
        conversation = await desk.begin()
        turn = await desk.say(conversation, "Think.")
        while not desk.model.chats:  # noqa: ASYNC110 - it sets no event
            await asyncio.sleep(0.02)
        await desk.answering.cancel(desk.team_id, turn.id, "test")
        [call] = (await desk.conversations.list_model_calls(conversation.id, PageRequest())).items
        assert (call.usage.input_tokens > 10, call.usage.output_tokens) == (True, 0)

    async def test_adds_to_what_the_turn_took_before(self, desk: Desk) -> None:
        call = ScriptedCall("search_memory", '{"query": "parcels"}', id="c1")
        desk.model.script(Reply(calls=(call,), usage=(40, 10, 6)), self.SLOW)
        turn = await self.begin_to_hear(desk, await desk.begin())
        cancelled = await desk.answering.cancel(desk.team_id, turn.id, "test")
        [cut] = (await desk.conversations.list_model_calls(turn.conversation_id, PageRequest())).items
        assert cancelled.usage is not None
        assert (cancelled.usage.model_calls, cancelled.usage.tool_calls) == (2, 1)
        assert cancelled.usage.input_tokens == 40 + cut.usage.input_tokens
        assert cancelled.usage.output_tokens == 6 + cut.usage.output_tokens

    async def test_does_not_wait_for_a_database_that_is_held_up(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(answering, "STOP_SECONDS", 0.2)
        desk.model.script(self.SLOW)
        turn = await self.begin_to_hear(desk, await desk.begin())
        async with team_session(desk.sessions, desk.team_id) as session:
            await session.execute(text("SELECT FROM turn FOR UPDATE"))
            async with asyncio.timeout(2):
                await desk.answering.aclose(grace_s=0)
        assert (await desk.conversations.get_turn(turn.id)).status is TurnStatus.RUNNING  # until its lease runs out


class TestWhoFollowsATurnThatIsCancelled:
    async def test_at_the_moment_when_it_begins_is_told_at_once(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begin = Asking.begin

        async def begin_as_somebody_cancels(*given: Any) -> tuple[Asked, Cursor]:  # noqa: ANN401 - as it takes them
            asked, said_until = await begin(*given)
            await desk.answering.cancel(desk.team_id, asked.turn.id, "test")
            return asked, said_until

        monkeypatch.setattr(Asking, "begin", begin_as_somebody_cancels)
        desk.model.script(Reply(hangs=True))
        said = [MessageCreate(role=MessageRole.USER, content="Tell me.")]
        turn, after = await desk.answering.take_up(desk.team_id, (await desk.begin()).id, said, "test")
        async with asyncio.timeout(2):
            [end] = [event async for event in desk.answering.follow(desk.team_id, turn.id, after)]
        assert isinstance(end, TurnEnded)
        assert end.turn.status is TurnStatus.CANCELLED
        assert desk.model.chats == []

    async def test_elsewhere_is_told_when_that_is_found_out_here(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(answering, "POLL_HERE_SECONDS", 30)
        desk.model.script(Reply(text="Slow slow slow. " * 50, piece=4, between_s=0.05))
        turn = await desk.say(await desk.begin(), "Tell me.")
        async with asyncio.timeout(10):
            events = desk.answering.follow(desk.team_id, turn.id)
            async for event in events:
                if isinstance(event, TextAdded):
                    break
            await cancel_elsewhere(desk)
            [*_, end] = [event async for event in events]
        assert isinstance(end, TurnEnded)
        assert end.turn.status is TurnStatus.CANCELLED
        assert end.turn.usage is not None
