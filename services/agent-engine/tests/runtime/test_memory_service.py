"""ADK's memory service on a real Postgres, driven as ADK drives it."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.adk.events.event import Event
from google.adk.memory.base_memory_service import BaseMemoryService
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.sessions.session import Session
from google.genai import types
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.page import PageRequest
from tahoe_core.errors import InvalidInputError, NotFoundError
from tahoe_engine.composition import build_memory_embedding
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.session_memory import SessionMemories
from tahoe_engine.runtime.memory_service import TahoeMemoryService
from tahoe_engine.settings import load_settings


@pytest.fixture
def memories(engine: AsyncEngine, team_id: UUID) -> Memories:
    return Memories(get_session_factory(engine), team_id, build_memory_embedding(load_settings({})))


@pytest.fixture
async def service(engine: AsyncEngine, team_id: UUID, memories: Memories) -> TahoeMemoryService:
    return TahoeMemoryService(SessionMemories(get_session_factory(engine), team_id, memories))


def make_event(event_id: str, author: str, text: str) -> Event:
    content = types.Content(role="user", parts=[types.Part(text=text)])
    return Event(id=event_id, author=author, content=content, timestamp=datetime(2026, 5, 8, tzinfo=UTC).timestamp())


def make_session(*events: Event, user: str = "ann") -> Session:
    return Session(id="s1", app_name="Café Bot", user_id=user, events=list(events))


async def ask(service: BaseMemoryService, query: str, user: str = "ann") -> list[str]:
    answer = await service.search_memory(app_name="Café Bot", user_id=user, query=query)
    return [part.text or "" for entry in answer.memories for part in entry.content.parts or []]


class TestSession:
    async def test_is_found_again(self, service: TahoeMemoryService) -> None:
        await service.add_session_to_memory(
            make_session(
                make_event("1", "user", "My dog Rex was ill yesterday."), make_event("2", "bot", "I am sorry.")
            )
        )
        assert (await ask(service, "What is wrong with the dog?"))[0] == "My dog Rex was ill yesterday."

    async def test_that_is_added_twice_is_remembered_once(
        self, service: TahoeMemoryService, memories: Memories
    ) -> None:
        first, second = make_event("1", "user", "Hello."), make_event("2", "user", "Hello.")
        await service.add_session_to_memory(make_session(first))
        await service.add_session_to_memory(make_session(first, second))
        page = await memories.list_page(PageRequest())
        assert sorted((record.position or 0, record.content) for record in page.items) == [(0, "Hello."), (1, "Hello.")]

    async def test_takes_later_events_after_the_earlier_ones(
        self, service: TahoeMemoryService, memories: Memories
    ) -> None:
        await service.add_session_to_memory(make_session(make_event("1", "user", "One.")))
        await service.add_events_to_memory(
            app_name="Café Bot", user_id="ann", session_id="s1", events=[make_event("2", "user", "Two.")]
        )
        page = await memories.list_page(PageRequest())
        assert {record.content: record.position for record in page.items} == {"One.": 0, "Two.": 1}

    async def test_of_another_user_is_not_found(self, service: TahoeMemoryService) -> None:
        await service.add_session_to_memory(make_session(make_event("1", "user", "My PIN hint is the lighthouse.")))
        assert await ask(service, "lighthouse", user="ben") == []


class TestMemory:
    async def test_that_is_added_by_itself_is_found(self, service: TahoeMemoryService) -> None:
        entry = MemoryEntry(content=types.Content(parts=[types.Part(text="Ann prefers green tea.")]), author="ann")
        await service.add_memory(app_name="Café Bot", user_id="ann", memories=[entry])
        assert await ask(service, "What tea does she like?") == ["Ann prefers green tea."]

    async def test_that_is_deleted_is_erased(self, service: TahoeMemoryService, memories: Memories) -> None:
        await service.add_session_to_memory(make_session(make_event("1", "user", "I live in Bern.")))
        [found] = (await service.search_memory(app_name="Café Bot", user_id="ann", query="Bern")).memories
        await service.delete_memory(app_name="Café Bot", user_id="ann", memory_id=found.id)
        assert await ask(service, "Bern") == []
        assert (await memories.get(UUID(found.id))).content == "[erased]"

    async def test_of_another_user_cannot_be_deleted(self, service: TahoeMemoryService) -> None:
        await service.add_session_to_memory(make_session(make_event("1", "user", "I live in Bern.")))
        [found] = (await service.search_memory(app_name="Café Bot", user_id="ann", query="Bern")).memories
        with pytest.raises(NotFoundError):
            await service.delete_memory(app_name="Café Bot", user_id="ben", memory_id=found.id)

    async def test_is_never_deleted_by_leaving_out_which(self, service: TahoeMemoryService) -> None:
        with pytest.raises(InvalidInputError):
            await service.delete_memory(app_name="Café Bot", user_id="ann")

    async def test_is_not_looked_for_without_words(self, service: TahoeMemoryService) -> None:
        assert await ask(service, "   ") == []


class TestTroublesomeInput:
    async def test_of_many_at_once_for_the_first_time_is_kept_once(
        self, service: TahoeMemoryService, memories: Memories
    ) -> None:
        session = make_session(make_event("1", "user", "Hello."), make_event("2", "bot", "Hi."))
        await asyncio.gather(*(service.add_session_to_memory(session) for _ in range(4)))
        page = await memories.list_page(PageRequest())
        assert sorted((record.position or 0, record.content) for record in page.items) == [(0, "Hello."), (1, "Hi.")]

    async def test_that_cannot_be_stored_is_left_out(self, service: TahoeMemoryService, memories: Memories) -> None:
        await service.add_session_to_memory(
            make_session(make_event("1", "user", "\0"), make_event("2", "user", "A\0nn\ud800"))
        )
        page = await memories.list_page(PageRequest())
        assert [record.content for record in page.items] == ["Ann"]

    async def test_that_is_too_long_becomes_several(self, service: TahoeMemoryService, memories: Memories) -> None:
        await service.add_session_to_memory(make_session(make_event("1", "user", "word " * 10_000)))
        assert len((await memories.list_page(PageRequest())).items) == 2

    async def test_of_an_application_with_a_name_like_another_is_its_own(
        self, service: TahoeMemoryService, memories: Memories
    ) -> None:
        await service.add_session_to_memory(make_session(make_event("1", "user", "I live in Bern.")))
        found = await service.search_memory(app_name="cafe-bot", user_id="ann", query="Bern")
        assert found.memories == []
