"""Upkeep of a team's memory, on a real Postgres and without background work."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.session import team_session
from tahoe_core.errors import UnavailableError
from tahoe_engine.db.repositories.memory_statistics import MemoryStatisticsRepository
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.tidying import MemoryTidying
from tahoe_engine.memory.upkeep import UpkeepStep
from tahoe_engine.models.memory_models import (
    MemoryCreate,
    MemoryEvent,
    MemoryRecord,
    MemorySearchRequest,
    MemorySource,
    MemoryStatus,
    MemoryTier,
    MemoryType,
)


class FirstWordEmbedder:
    """Takes texts that begin with the same word for near."""

    dimensions = 16

    def __init__(self, model: str = "first-word") -> None:
        self.model = model
        self.is_down = False

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.is_down:
            raise UnavailableError("The embedder is down.")
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for number, words in enumerate(texts):
            vectors[number, sum(words.split()[0].encode()) % self.dimensions] = 1
        return vectors


class Age(Protocol):
    """Lets memories be some days older."""

    async def __call__(self, days: int, *ids: UUID) -> None: ...


@pytest.fixture
def embedder() -> FirstWordEmbedder:
    return FirstWordEmbedder()


@pytest.fixture
def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return get_session_factory(engine)


@pytest.fixture
def memories(sessions: async_sessionmaker[AsyncSession], team_id: UUID, embedder: FirstWordEmbedder) -> Memories:
    return Memories(sessions, team_id, MemoryEmbedding(embedder, embedder))


@pytest.fixture
def tidying(sessions: async_sessionmaker[AsyncSession], embedder: FirstWordEmbedder) -> MemoryTidying:
    return MemoryTidying(sessions, lambda: MemoryEmbedding(embedder, embedder))


@pytest.fixture
def age(owner_engine: AsyncEngine) -> Age:
    """Lets memories have been made some days ago, which no path of the product can."""

    async def age(days: int, *ids: UUID) -> None:
        async with owner_engine.begin() as connection:
            await connection.execute(text("ALTER TABLE memory DISABLE TRIGGER keep_content"))
            await connection.execute(
                text("UPDATE memory SET created_at = created_at - CAST(:age AS interval) WHERE id = ANY(:ids)"),
                {"age": timedelta(days=days), "ids": list(ids)},
            )
            await connection.execute(text("ALTER TABLE memory ENABLE TRIGGER keep_content"))

    return age


async def events_of(memories: Memories, memory_id: UUID) -> list[MemoryEvent]:
    history = await memories.get_history(memory_id)
    return [event.event for event in history.events if event.memory_id == memory_id]


async def list_live(memories: Memories) -> list[MemoryRecord]:
    return [record async for record in memories.export() if record.status is MemoryStatus.ACTIVE]


class TestStatistics:
    async def test_count_when_a_tenth_is_new_and_only_then(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID, sessions: async_sessionmaker[AsyncSession]
    ) -> None:
        await memories.add_many([MemoryCreate(content=f"w{number} fact", author="Ann") for number in range(30)])
        assert await tidying.run_step(team_id, UpkeepStep.STATISTICS) == 1
        assert await tidying.run_step(team_id, UpkeepStep.STATISTICS) == 0
        await memories.add(MemoryCreate(content="one more"))
        assert await tidying.run_step(team_id, UpkeepStep.STATISTICS) == 0
        async with team_session(sessions, team_id) as session:
            counts = await MemoryStatisticsRepository(session).find_current()
        assert (counts.memories, counts.authors) == (30, ["Ann"])


class TestEmbedding:
    async def test_is_made_up_for_when_the_embedder_is_back(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID, embedder: FirstWordEmbedder
    ) -> None:
        embedder.is_down = True
        added = await memories.add(MemoryCreate(content="tea is what Ann drinks"))
        assert not added.memory.is_embedded
        found = await memories.search(MemorySearchRequest(query="Ann drinks"))
        assert [result.memory.id for result in found] == [added.memory.id]
        with pytest.raises(UnavailableError):
            await tidying.run_step(team_id, UpkeepStep.EMBEDDING)
        embedder.is_down = False
        assert await tidying.run_step(team_id, UpkeepStep.EMBEDDING) == 1
        assert (await memories.get(added.memory.id)).embedding_model == "first-word"
        assert await tidying.run_step(team_id, UpkeepStep.EMBEDDING) == 0

    async def test_moves_to_another_model_while_both_answer(
        self, memories: Memories, team_id: UUID, sessions: async_sessionmaker[AsyncSession], embedder: FirstWordEmbedder
    ) -> None:
        old = await memories.add(MemoryCreate(content="alpha old"))
        newer = FirstWordEmbedder("newer")
        both = MemoryEmbedding(newer, newer, retiring=(embedder,))
        moving = Memories(sessions, team_id, both)
        new = await moving.add(MemoryCreate(content="alpha new and longer than the old one"))
        found = await moving.search(MemorySearchRequest(query="alpha"))
        assert {result.memory.embedding_model for result in found} == {"first-word", "newer"}
        await MemoryTidying(sessions, lambda: both).tidy(team_id)
        models = {(await memories.get(one.memory.id)).embedding_model for one in (old, new)}
        assert models == {"newer"}


class TestDuplicates:
    async def test_are_merged_into_the_older_ones_next_version(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID
    ) -> None:
        added = await memories.add_many(
            [MemoryCreate(content="tea is liked", importance=7), MemoryCreate(content="tea is loved")]
        )
        await tidying.tidy(team_id)
        [kept] = await list_live(memories)
        assert (kept.content, kept.version, kept.root_id, kept.importance) == ("tea is loved", 2, added.ids[0], 7)
        for old in added.ids:
            record = await memories.get(old)
            assert (record.status, record.superseded_by) == (MemoryStatus.SUPERSEDED, kept.id)
            assert await events_of(memories, old) == [MemoryEvent.CREATED, MemoryEvent.SUPERSEDED]

    async def test_are_none_where_numbers_or_negations_differ(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID
    ) -> None:
        await memories.add_many(
            [MemoryCreate(content=words) for words in ("tea at 5", "tea at 6", "tea is not liked", "tea is liked")]
        )
        await tidying.tidy(team_id)
        assert len(await list_live(memories)) == 4

    async def test_are_none_where_the_subjects_differ(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID
    ) -> None:
        await memories.add_many(
            [MemoryCreate(content="tea is liked", subject=subject) for subject in ("ann.drink", "ben.drink")]
        )
        await tidying.tidy(team_id)
        assert {record.subject for record in await list_live(memories)} == {"ann.drink", "ben.drink"}

    async def test_are_looked_for_within_one_agent_and_user(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID
    ) -> None:
        ann, ben = UUID(int=1), UUID(int=2)
        await memories.add_many(
            [MemoryCreate(content="tea is liked", user_id=ann), MemoryCreate(content="tea is loved", user_id=ben)]
        )
        await tidying.tidy(team_id)
        assert len(await list_live(memories)) == 2

    @pytest.mark.parametrize("named", [0, 1])
    async def test_are_erased_together_whichever_is_named(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID, named: int
    ) -> None:
        added = await memories.add_many([MemoryCreate(content="tea is liked"), MemoryCreate(content="tea is loved")])
        await tidying.tidy(team_id)
        [kept] = await list_live(memories)
        assert set(await memories.erase(added.ids[named], "asked for")) == {*added.ids, kept.id}


class TestExpiry:
    async def test_archives_what_has_expired(self, memories: Memories, tidying: MemoryTidying, team_id: UUID) -> None:
        past = datetime.now(UTC) - timedelta(seconds=1)
        gone = await memories.add(MemoryCreate(content="a for now", expires_at=past))
        kept = await memories.add(MemoryCreate(content="b for long", expires_at=past + timedelta(days=1)))
        assert await tidying.run_step(team_id, UpkeepStep.EXPIRY) == 1
        assert (await memories.get(gone.memory.id)).status is MemoryStatus.ARCHIVED
        assert (await memories.get(kept.memory.id)).status is MemoryStatus.ACTIVE
        assert await events_of(memories, gone.memory.id) == [MemoryEvent.CREATED, MemoryEvent.EXPIRED]


class TestTiers:
    async def test_of_what_was_long_unused_is_cold(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID, age: Age
    ) -> None:
        old = await memories.add(MemoryCreate(content="a old"))
        important = await memories.add(MemoryCreate(content="b important", importance=9))
        pinned = await memories.add(MemoryCreate(content="c pinned", is_pinned=True))
        await age(100, old.memory.id, important.memory.id, pinned.memory.id)
        assert await tidying.run_step(team_id, UpkeepStep.TIERS) == 1
        assert (await memories.get(old.memory.id)).tier is MemoryTier.COLD
        assert await events_of(memories, old.memory.id) == [MemoryEvent.CREATED, MemoryEvent.DEMOTED]

    async def test_of_what_is_used_often_is_hot(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID, sessions: async_sessionmaker[AsyncSession]
    ) -> None:
        used = await memories.add(MemoryCreate(content="a used"))
        async with team_session(sessions, team_id) as session:
            await session.execute(
                text("UPDATE memory SET access_count = 3, last_accessed_at = now() WHERE id = :id"),
                {"id": used.memory.id},
            )
        assert await tidying.run_step(team_id, UpkeepStep.TIERS) == 1
        assert (await memories.get(used.memory.id)).tier is MemoryTier.HOT
        assert await tidying.run_step(team_id, UpkeepStep.TIERS) == 0


class TestConsolidation:
    async def test_folds_rested_episodes_into_one_and_keeps_them(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID, age: Age
    ) -> None:
        days = [datetime(2026, 5, day, tzinfo=UTC) for day in (1, 8, 15)]
        added = await memories.add_many(
            [
                MemoryCreate(content="Login failed again", memory_type=MemoryType.EPISODIC, occurred_at=day)
                for day in days
            ]
        )
        await age(10, *added.ids)
        await tidying.tidy(team_id)
        [folded] = await list_live(memories)
        assert folded.source is MemorySource.CONSOLIDATION
        assert folded.related_to == added.ids
        assert folded.metadata["occurrences"] == 3
        assert folded.is_embedded
        for original in added.ids:
            record = await memories.get(original)
            assert (record.content, record.status) == ("Login failed again", MemoryStatus.ARCHIVED)
            assert (await events_of(memories, original))[-1] is MemoryEvent.CONSOLIDATED

    async def test_leaves_recent_episodes_alone(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID
    ) -> None:
        await memories.add_many(
            [
                MemoryCreate(
                    content="Login failed again",
                    memory_type=MemoryType.EPISODIC,
                    occurred_at=datetime(2026, 5, day, tzinfo=UTC),
                )
                for day in (1, 8, 15)
            ]
        )
        await tidying.tidy(team_id)
        assert len(await list_live(memories)) == 3

    async def test_leaves_episodes_of_other_subjects_alone(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID, age: Age
    ) -> None:
        added = await memories.add_many(
            [
                MemoryCreate(content="Login failed again", memory_type=MemoryType.EPISODIC, subject=subject)
                for subject in ("ann.login", "ben.login", "eve.login")
            ]
        )
        await age(10, *added.ids)
        await tidying.tidy(team_id)
        assert len(await list_live(memories)) == 3

    async def test_is_erased_with_any_of_its_originals(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID, age: Age
    ) -> None:
        added = await memories.add_many(
            [
                MemoryCreate(
                    content="Login failed again",
                    memory_type=MemoryType.EPISODIC,
                    occurred_at=datetime(2026, 5, day, tzinfo=UTC),
                )
                for day in (1, 8, 15)
            ]
        )
        await age(10, *added.ids)
        await tidying.tidy(team_id)
        erased = await memories.erase(added.ids[1], "asked for")
        assert len(erased) == 2, "the episode and what it was folded into"
        assert {record.id for record in await list_live(memories)} == {added.ids[0], added.ids[2]}, (
            "the others count again"
        )

    async def test_takes_its_originals_along_when_it_is_erased_itself(
        self, memories: Memories, tidying: MemoryTidying, team_id: UUID, age: Age
    ) -> None:
        days = [datetime(2026, 5, day, tzinfo=UTC) for day in (1, 8, 15)]
        added = await memories.add_many(
            [
                MemoryCreate(content="Login failed again", memory_type=MemoryType.EPISODIC, occurred_at=day)
                for day in days
            ]
        )
        await age(10, *added.ids)
        await tidying.tidy(team_id)
        [folded] = await list_live(memories)
        assert set(await memories.erase(folded.id, "asked for")) == {folded.id, *added.ids}


class TestTeams:
    async def test_are_listed_whoever_asks(self, memories: Memories, tidying: MemoryTidying, team_id: UUID) -> None:
        await memories.add(MemoryCreate(content="a fact"))
        assert team_id in await tidying.list_teams()
