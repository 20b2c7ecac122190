"""What was known at a moment, and what became of it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.errors import NotFoundError
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_use import MemoryUseRepository
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import (
    MemoryChange,
    MemoryCreate,
    MemoryRecord,
    MemorySearchRequest,
    MemorySource,
    MemoryStatus,
    MemoryTier,
    UsedMemory,
)


class Team(Protocol):
    """As in conftest.py."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def add(self, content: str, **fields: Any) -> UUID: ...  # noqa: ANN401 - fields of MemoryCreate

    async def read_clock(self) -> datetime: ...


class Moments:
    """A memory that was learned, pinned, tagged, disputed, resolved, corrected, and the moments in between."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.at: dict[str, datetime] = {}

    async def live(self) -> None:
        memories = self.team.memories
        await self.note("before")
        self.tea = await self.team.add("Ann prefers tea.", subject="ann.drink", tags=["taste"])
        await self.note("learned")
        await memories.pin(self.tea)
        async with team_session(self.team.sessions, self.team.id) as session:
            await MemoryRepository(session).set_state(self.tea, tier=MemoryTier.HOT, importance=9)
        await self.note("pinned")
        await memories.tag(self.tea, [])
        await self.note("untagged")
        await memories.tag(self.tea, ["taste"])
        self.water = await self.team.add("Ann prefers water.", subject="ann.drink", source=MemorySource.EXTRACTION)
        await self.note("disputed")
        await memories.resolve(self.tea)
        await self.note("resolved")
        self.coffee = (await memories.supersede(self.tea, MemoryChange(content="Ann prefers coffee."))).id
        await self.note("corrected")

    async def note(self, name: str) -> None:
        self.at[name] = await self.team.read_clock()


@pytest.fixture
async def moments(team: Team) -> Moments:
    moments = Moments(team)
    await moments.live()
    return moments


class TestGettingAt:
    async def test_gives_the_version_and_state_of_then(self, memories: Memories, moments: Moments) -> None:
        expected = {
            "learned": ("Ann prefers tea.", "active", "warm", 5, False, ["taste"], None),
            "pinned": ("Ann prefers tea.", "active", "hot", 9, True, ["taste"], None),
            "untagged": ("Ann prefers tea.", "active", "hot", 9, True, [], None),
            "disputed": ("Ann prefers tea.", "disputed", "hot", 9, True, ["taste"], None),
            "resolved": ("Ann prefers tea.", "active", "hot", 9, True, ["taste"], None),
            "corrected": ("Ann prefers coffee.", "active", "warm", 9, True, ["taste"], None),
        }
        for name, state in expected.items():
            for version in (moments.tea, moments.coffee):
                then = await memories.get_at(version, moments.at[name])
                assert (
                    then.content, then.status, then.tier, then.importance, then.is_pinned, then.tags,
                    then.superseded_by,
                ) == state  # fmt: skip
                assert isinstance(then.status, MemoryStatus)
                MemoryRecord.model_validate_json(then.model_dump_json())

    async def test_before_it_was_known_finds_nothing(self, memories: Memories, moments: Moments) -> None:
        with pytest.raises(NotFoundError, match="no memory"):
            await memories.get_at(moments.coffee, moments.at["before"])

    async def test_of_the_present_is_the_present(self, memories: Memories, moments: Moments) -> None:
        assert await memories.get_at(moments.tea, datetime.now(UTC) + timedelta(days=1)) == await memories.get(
            moments.coffee
        )

    async def test_of_a_loser_says_what_stood_in_its_place(self, memories: Memories, moments: Moments) -> None:
        then = await memories.get_at(moments.water, moments.at["resolved"])
        assert (then.content, then.status, then.superseded_by) == (
            "Ann prefers water.",
            MemoryStatus.SUPERSEDED,
            moments.tea,
        )


class TestSearchingAsOf:
    async def find(self, moments: Moments, name: str, **fields: Any) -> list[MemoryRecord]:  # noqa: ANN401
        request = MemorySearchRequest(query="What does Ann prefer?", as_of=moments.at[name], **fields)
        return [found.memory for found in await moments.team.memories.search(request)]

    async def test_finds_what_could_be_found_then(self, moments: Moments) -> None:
        found = {name: [record.id for record in await self.find(moments, name)] for name in moments.at}
        assert found.pop("before") == []
        assert set(found.pop("disputed")) == {moments.tea, moments.water}
        assert found.pop("corrected") == [moments.coffee]
        assert set(map(tuple, found.values())) == {(moments.tea,)}

    async def test_shows_it_as_it_was_then(self, memories: Memories, moments: Moments) -> None:
        for name in ("learned", "pinned", "untagged", "disputed", "resolved"):
            [then] = [record for record in await self.find(moments, name) if record.id == moments.tea]
            assert then == await memories.get_at(moments.tea, moments.at[name])

    async def test_knows_the_tags_of_then(self, moments: Moments) -> None:
        assert [record.id for record in await self.find(moments, "pinned", tags=["taste"])] == [moments.tea]
        assert await self.find(moments, "untagged", tags=["taste"]) == []
        assert [record.id for record in await self.find(moments, "resolved", tags=["taste"])] == [moments.tea]

    async def test_knows_what_had_not_expired_yet(self, team: Team, memories: Memories) -> None:
        soon = await team.read_clock() + timedelta(seconds=0.3)
        expiring = await team.add("Ann is away.", expires_at=soon)
        for as_of, ids in ((soon - timedelta(milliseconds=1), [expiring]), (soon, [])):
            found = await memories.search(MemorySearchRequest(query="Where is Ann?", as_of=as_of))
            assert [one.memory.id for one in found] == ids


class TestHistory:
    async def test_has_every_version_and_event_in_order(self, memories: Memories, moments: Moments) -> None:
        history = await memories.get_history(moments.coffee)
        assert [version.id for version in history.versions] == [moments.tea, moments.coffee]
        assert [event.event for event in history.events] == [
            "created", "pinned", "promoted", "updated", "disputed", "resolved", "superseded", "created",
        ]  # fmt: skip
        assert [event.id for event in history.events] == sorted(event.id for event in history.events)

    async def test_is_the_same_from_every_version(self, memories: Memories, moments: Moments) -> None:
        assert await memories.get_history(moments.tea) == await memories.get_history(moments.coffee)

    async def test_has_the_accesses_and_loses_no_change_among_them(self, team: Team, memories: Memories) -> None:
        tea = await team.add("Ann prefers tea.")
        async with team_session(team.sessions, team.id, "agent") as session:
            await session.execute(
                text(
                    "INSERT INTO memory_use (team_id, answer_id, memory_id, version, rank)"
                    " SELECT :team, gen_random_uuid(), :tea, 1, 1 FROM generate_series(1, 1099)"
                ),
                {"team": team.id, "tea": tea},
            )
            used = UsedMemory(memory_id=tea, version=1, rank=1, score=None)
            await MemoryUseRepository(session).record(uuid4(), None, [used])
        events = (await memories.get_history(tea)).events
        assert [event.event for event in events] == ["created"] + ["accessed"] * 1000
        assert events[-1].memory_ids == [tea]
        assert (await memories.get(tea)).access_count == 1100


class TestExport:
    async def test_has_every_version_once_newest_first(self, memories: Memories) -> None:
        done = await memories.add_many([MemoryCreate(content=f"Fact {number % 500}") for number in range(550)])
        exported = [record async for record in memories.export()]
        assert {record.id for record in exported} == set(done.ids)
        assert len(exported) == 550
        assert exported == sorted(exported, key=lambda record: (record.created_at, record.id), reverse=True)

    async def test_goes_page_by_page(self, memories: Memories) -> None:
        await memories.add_many([MemoryCreate(content=f"Fact {number}") for number in range(5)])
        first = await memories.list_page(PageRequest.of(3))
        assert first.next_cursor
        second = await memories.list_page(PageRequest.of(3, first.next_cursor))
        contents = [record.content for record in (*first.items, *second.items)]
        assert contents == [f"Fact {number}" for number in (4, 3, 2, 1, 0)]
        assert second.next_cursor is None
