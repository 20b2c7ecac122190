"""Many writers of one team, and a database that dies under them."""
# ruff: noqa: S311 - chance is the point

import asyncio
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol
from uuid import UUID, uuid4

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import get_engine, get_session_factory
from tahoe_core.db.session import run_again, team_session
from tahoe_core.errors import ConflictError, UnavailableError
from tahoe_core.postgres.lifecycle import ensure_running
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.postgres.settings import DURABLE
from tahoe_core.postgres.testing import temporary_postgres
from tahoe_engine.db.migrate import upgrade
from tahoe_engine.db.repositories.memory_use import MemoryUseRepository
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory import memories as memories_module
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import (
    MemoryChange,
    MemoryCreate,
    MemoryRecord,
    MemorySource,
    MemoryStatus,
    UsedMemory,
)

WRITERS = 8
# Whether every version is where its log says, and has the content, tags and events that belong to it.
HALF_A_MEMORY = """
    SELECT count(*) FROM memory m WHERE m.embedding IS NULL OR m.lexemes IS NULL
        OR NOT EXISTS (SELECT FROM memory_log l WHERE l.memory_id = m.id AND l.event = 'created')
        OR NOT EXISTS (SELECT FROM memory_tag t WHERE t.memory_id = m.id)
"""


class Team(Protocol):
    """As in conftest.py."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def add(self, content: str, **fields: Any) -> UUID: ...  # noqa: ANN401 - fields of MemoryCreate

    async def make_agent(self, slug: str = "ada") -> UUID: ...

    async def make_conversation(self, external_id: str | None = None) -> UUID: ...


async def export(memories: Memories) -> list[MemoryRecord]:
    return [record async for record in memories.export()]


def check(records: list[MemoryRecord]) -> None:
    """Every memory has one version that is not past; what stands in the place of a past one is there."""
    known = {record.id: record for record in records}
    assert len({(record.root_id, record.version) for record in records}) == len(records)
    chains: dict[UUID, list[int]] = {}
    for record in records:
        chains.setdefault(record.root_id, []).append(record.version)
        if record.status is MemoryStatus.SUPERSEDED:
            assert record.superseded_by in known
        if record.status is MemoryStatus.DISPUTED:
            assert record.contradicts
    assert all(sorted(versions) == list(range(1, len(versions) + 1)) for versions in chains.values())
    live = [record for record in records if record.status in (MemoryStatus.ACTIVE, MemoryStatus.DISPUTED)]
    assert max(Counter(record.root_id for record in live).values()) == 1
    assert all(record.version == len(chains[record.root_id]) for record in live)


class TestWriters:
    async def test_of_the_same_subjects_settle_them(self, team: Team, memories: Memories) -> None:
        async def write(writer: int) -> None:
            for number in range(20):
                await team.add(f"Writer {writer} says {number}.", subject=f"subject {number % 5}")

        await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
        records = await export(memories)
        check(records)
        assert len({record.content for record in records}) == WRITERS * 20
        live = [record for record in records if record.status is MemoryStatus.ACTIVE]
        assert sorted(record.subject or "" for record in live) == [f"subject {number}" for number in range(5)]
        assert len(records) == WRITERS * 20

    async def test_that_contradict_each_other_dispute(self, team: Team, memories: Memories) -> None:
        said = {"subject": "ann.drink", "source": MemorySource.EXTRACTION}
        await asyncio.gather(*(team.add(f"Ann prefers drink {writer}.", **said) for writer in range(WRITERS)))
        records = await export(memories)
        assert {record.status for record in records} == {MemoryStatus.DISPUTED}
        ids = {record.id for record in records}
        assert all(set(record.contradicts) == ids - {record.id} for record in records)

    async def test_in_bulk_wait_in_one_order(self, team: Team, memories: Memories) -> None:
        scopes = [(await team.make_agent(f"agent-{number}"), uuid4()) for number in range(4)]
        given = [
            MemoryCreate(content=f"Fact {number % 7}", agent_id=agent, user_id=user, subject=f"subject {number % 5}")
            for number in range(10)
            for agent, user in scopes
        ]

        async def write(writer: int) -> int:
            mine = random.Random(writer).sample(given, len(given))
            return len((await memories.add_many(mine)).ids)

        assert await asyncio.gather(*(write(writer) for writer in range(3))) == [len(given)] * 3
        records = await export(memories)
        check(records)
        live = [record for record in records if record.status is MemoryStatus.ACTIVE]
        assert len(live) == len(scopes) * 5

    async def test_of_everything_at_once_lose_nothing(self, team: Team, memories: Memories) -> None:
        await team.add("Fact 0 0", subject="0")
        workers = [Worker(team, random.Random(number)) for number in range(WRITERS)]
        await asyncio.gather(*(worker.work(25) for worker in workers))
        records = await export(memories)
        check(records)
        assert {content for worker in workers for content in worker.written} <= {record.content for record in records}
        # Who lost was told so in words that help; where two waited for each other, one did it again.
        for said in (said for worker in workers for said in worker.refused):
            assert "superseded by" in said or "not disputed" in said


class Worker:
    """Does this and that with a team's memory."""

    def __init__(self, team: Team, chance: random.Random) -> None:
        self._team = team
        self._chance = chance
        self.written: set[str] = set()
        self.refused: list[str] = []

    async def work(self, steps: int) -> None:
        for _ in range(steps):
            known = [record.id for record in await export(self._team.memories)]
            act = self._chance.choice([self.add, self.add, self.supersede, self.pin, self.tag, self.resolve, self.use])
            try:
                await act(known)
            except ConflictError as error:
                self.refused.append(error.message)

    async def add(self, _known: list[UUID]) -> None:
        content = f"Fact {self._chance.randrange(10)} {self._chance.randrange(3)}"
        source = self._chance.choice([MemorySource.EXPLICIT, MemorySource.EXTRACTION])
        await self._team.add(content, subject=f"{self._chance.randrange(4)}", source=source)
        self.written.add(content)

    async def supersede(self, known: list[UUID]) -> None:
        content = f"Change {self._chance.randrange(1000)}"
        await self._team.memories.supersede(self._chance.choice(known), MemoryChange(content=content))
        self.written.add(content)

    async def pin(self, known: list[UUID]) -> None:
        await self._team.memories.pin(self._chance.choice(known), pinned=self._chance.random() < 0.5)

    async def tag(self, known: list[UUID]) -> None:
        await self._team.memories.tag(self._chance.choice(known), self._chance.sample(["a", "b", "c"], 2))

    async def resolve(self, known: list[UUID]) -> None:
        await self._team.memories.resolve(self._chance.choice(known))

    @run_again  # as whoever recalls does: it waits for others in an order that is not theirs
    async def use(self, known: list[UUID]) -> None:
        some = self._chance.sample(known, min(5, len(known)))
        used = [UsedMemory(memory_id=one, version=1, rank=rank, score=None) for rank, one in enumerate(some, start=1)]
        async with team_session(self._team.sessions, self._team.id, "agent") as session:
            await MemoryUseRepository(session).record(uuid4(), None, used)


class TestDatabaseThatDies:
    async def test_leaves_whole_batches_and_says_how_many(
        self, team: Team, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(memories_module, "BATCH", 100)
        given = [MemoryCreate(content=f"Fact {number}", tags=["x"]) for number in range(1000)]
        with pytest.raises(UnavailableError, match=r"of 1000 memories were stored before") as caught:
            await add_and_cut(team, engine, given, stored=300)
        assert "not stored twice" in caught.value.cure
        [reported] = re.findall(r"(\d+) of 1000", caught.value.message)
        stored = await count(team, "SELECT count(*) FROM memory")
        # A commit whose answer was lost is more than was reported, never less; and never half a batch.
        assert int(reported) <= stored < 1000
        assert stored % 100 == 0
        assert await count(team, HALF_A_MEMORY) == 0

    async def test_is_sent_the_same_again_and_stores_nothing_twice(
        self, team: Team, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(memories_module, "BATCH", 100)
        conversation_id = await team.make_conversation()
        given = [
            MemoryCreate(content=f"Turn {number}", source_conversation_id=conversation_id, position=number, tags=["x"])
            if number % 2
            else MemoryCreate(content=f"Fact {number}", tags=["x"])
            for number in range(600)
        ]
        with pytest.raises(UnavailableError):
            await add_and_cut(team, engine, given, stored=200)
        done = await team.memories.add_many(given)
        assert len(set(done.ids)) == len(given)
        records = await export(team.memories)
        check(records)
        live = [record.content for record in records if record.status is MemoryStatus.ACTIVE]
        assert sorted(live) == sorted(memory.content for memory in given)
        assert await count(team, HALF_A_MEMORY) == 0

    async def test_by_kill_9_comes_back_with_what_was_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(memories_module, "BATCH", 100)
        team_id, embedding = uuid4(), MemoryEmbedding(NoEmbedder(), NoEmbedder())
        given = [MemoryCreate(content=f"Fact {number}") for number in range(5000)]
        with temporary_postgres(DURABLE) as postgres:  # what is thrown away may be lost
            urls = provision_service(postgres.home, ServiceDatabase("engine", "its_owner", "its_app"))
            app = DatabaseAddress.parse(urls.app_url)
            await upgrade(DatabaseAddress.parse(urls.owner_url), app.user)
            engine = get_engine(app)
            memories = Memories(get_session_factory(engine), team_id, embedding)
            adding = asyncio.create_task(memories.add_many(given))
            while len(await export(memories)) < 300:  # noqa: ASYNC110 - what happens in a database sets no event
                await asyncio.sleep(0.01)
            os.kill(postgres.server.pid, signal.SIGKILL)
            with pytest.raises(UnavailableError) as caught:
                await adding
            await engine.dispose()

            again = await asyncio.to_thread(ensure_running, postgres.home, DURABLE)
            engine = get_engine(replace(app, port=again.port))
            stored = await export(Memories(get_session_factory(engine), team_id, embedding))
            await engine.dispose()
        [reported] = re.findall(r"(\d+) of 5000", caught.value.message)
        assert len(stored) in {int(reported), int(reported) + 100}
        assert {record.content for record in stored} == {memory.content for memory in given[: len(stored)]}


class NoEmbedder:
    """Is never there."""

    model = "none"
    dimensions = 1

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise UnavailableError("There is no embedder.")


async def count(team: Team, query: str) -> int:
    async with team_session(team.sessions, team.id) as session:
        return int(await session.scalar(text(query)) or 0)


async def add_and_cut(team: Team, engine: AsyncEngine, given: Sequence[MemoryCreate], stored: int) -> None:
    """Adds, and ends the connections of whoever adds again and again once so many memories are stored."""
    adding = asyncio.create_task(team.memories.add_many(given))
    others = "usename = current_user AND pid <> pg_backend_pid() AND datname = current_database()"
    async with engine.connect() as connection, asyncio.timeout(30):
        await connection.execution_options(isolation_level="AUTOCOMMIT")  # one transaction sees one list of connections
        while await count_all(connection, team) < stored:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.001)
        while not adding.done():
            await connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))  # noqa: S608
            await asyncio.sleep(0.001)
    await adding


async def count_all(connection: AsyncConnection, team: Team) -> int:
    await connection.execute(text("SELECT set_config('app.team_id', :team, false)"), {"team": str(team.id)})
    return int(await connection.scalar(text("SELECT count(*) FROM memory")) or 0)
