"""Sessions of programs on ADK, seen by the rest of Tahoe: lists, the trace, memory, answers."""

from typing import Protocol
from uuid import UUID

import pytest
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.genai import types
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.page import PageRequest
from tahoe_core.errors import ConflictError
from tahoe_engine.chat.conversations import Conversations
from tahoe_engine.chat.extracting import ConversationExtraction
from tahoe_engine.chat.kept_sessions import KeptSessions
from tahoe_engine.composition import build_memory_embedding
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.session_memory import SessionMemories, to_user_id
from tahoe_engine.memory.session_names import to_app_state_id, to_session_id
from tahoe_engine.models.conversation_models import (
    Conversation,
    ConversationCreate,
    ConversationFilter,
    ConversationStatus,
)
from tahoe_engine.models.turn_models import Turn
from tahoe_engine.runtime.memory_service import TahoeMemoryService
from tahoe_engine.runtime.session_service import TahoeSessionService
from tahoe_engine.settings import load_settings

ALL = PageRequest()


class Desk(Protocol):
    """As in conftest.py."""

    team_id: UUID
    extraction: ConversationExtraction
    memories: Memories

    async def say(self, conversation: Conversation, content: str) -> Turn: ...


@pytest.fixture
def service(engine: AsyncEngine, team_id: UUID) -> TahoeSessionService:
    return TahoeSessionService(KeptSessions(get_session_factory(engine), team_id))


@pytest.fixture
def conversations(engine: AsyncEngine, team_id: UUID) -> Conversations:
    return Conversations(get_session_factory(engine), team_id, "test")


@pytest.fixture
def memories(engine: AsyncEngine, team_id: UUID) -> Memories:
    return Memories(get_session_factory(engine), team_id, build_memory_embedding(load_settings({})))


def make_event(text: str) -> Event:
    content = types.Content(role="user", parts=[types.Part(text=text)])
    actions = EventActions(state_delta={"own": "x", "app:all": "y", "user:mine": "z"})
    return Event(author="user", invocation_id="i1", content=content, actions=actions)


@pytest.fixture
async def kept(service: TahoeSessionService, conversations: Conversations) -> Conversation:
    session = await service.create_session(app_name="shop", user_id="ann", session_id="s1")
    await service.append_event(session, make_event("I live in Bern."))
    [kept] = (await conversations.list_page(ConversationFilter(), ALL)).items
    return kept


class TestList:
    async def test_shows_a_session_without_its_state(self, kept: Conversation) -> None:
        assert (kept.title, kept.status, kept.message_count, kept.agent_id) == ("", ConversationStatus.ACTIVE, 1, None)
        assert kept.user_id == to_user_id("ann")
        assert kept.external_id == 'adk:["shop","ann","s1"]' == to_session_id("shop", "ann", "s1")
        assert kept.metadata.keys() == {"adk"}
        assert kept.metadata["adk"].items() >= {"app": "shop", "user": "ann", "session": "s1"}.items()  # type: ignore[union-attr]  # an object

    async def test_shows_a_message_without_its_event(self, conversations: Conversations, kept: Conversation) -> None:
        [message] = (await conversations.list_messages(kept.id, ALL)).items
        assert message.content == "I live in Bern."
        assert message.metadata.keys() == {"adk"}

    async def test_shows_shared_state_only_to_who_asks_for_it(
        self, conversations: Conversations, kept: Conversation
    ) -> None:
        which = ConversationFilter(external_id=to_app_state_id("shop"))
        [state] = (await conversations.list_page(which, ALL)).items
        assert (state.title, state.status, state.message_count) == ("State of shop", ConversationStatus.CLOSED, 0)
        assert state.metadata == {}

    async def test_shows_a_session_that_was_deleted_as_closed(
        self, service: TahoeSessionService, conversations: Conversations, kept: Conversation
    ) -> None:
        await service.delete_session(app_name="shop", user_id="ann", session_id="s1")
        closed = await conversations.get(kept.id)
        assert (closed.status, closed.message_count) == (ConversationStatus.CLOSED, 1)
        assert closed.closed_at is not None

    async def test_shows_no_turns(self, conversations: Conversations, kept: Conversation) -> None:
        assert (await conversations.trace(kept.id, ALL)).items == []


class TestOthers:
    async def test_who_close_it_end_it_for_the_program(
        self, service: TahoeSessionService, conversations: Conversations, kept: Conversation
    ) -> None:
        await conversations.set_status(kept.id, ConversationStatus.CLOSED)
        assert await service.get_session(app_name="shop", user_id="ann", session_id="s1") is None

    async def test_who_call_a_conversation_so_make_no_session(
        self, service: TahoeSessionService, conversations: Conversations
    ) -> None:
        name = to_session_id("shop", "ann", "s2")
        metadata = {"adk": {"app": "shop", "user": "ann", "session": "s2"}}
        await conversations.create(None, ConversationCreate(external_id=name, metadata=metadata))
        assert await service.get_session(app_name="shop", user_id="ann", session_id="s2") is None
        assert (await service.list_sessions(app_name="shop")).sessions == []

    async def test_who_say_something_in_it_are_refused(self, desk: Desk, kept: Conversation) -> None:
        with pytest.raises(ConflictError, match="No agent answers"):
            await desk.say(kept, "Hello?")


class TestMemory:
    async def test_is_not_made_of_it_by_itself(self, desk: Desk, kept: Conversation) -> None:
        assert await desk.extraction.extract_some(desk.team_id) == 0
        await desk.extraction.extract(desk.team_id, kept.id)
        assert (await desk.memories.list_page(ALL)).items == []

    async def test_that_is_asked_for_points_at_it(
        self, engine: AsyncEngine, team_id: UUID, service: TahoeSessionService, memories: Memories, kept: Conversation
    ) -> None:
        session = await service.get_session(app_name="shop", user_id="ann", session_id="s1")
        assert session is not None
        sessions = get_session_factory(engine)
        await TahoeMemoryService(SessionMemories(sessions, team_id, memories)).add_session_to_memory(session)
        [memory] = (await memories.list_page(ALL)).items
        assert (memory.source_conversation_id, memory.user_id) == (kept.id, kept.user_id)
