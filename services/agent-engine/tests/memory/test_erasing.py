"""Erasure for data protection: the words go everywhere, the fact stays."""

import asyncio
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_core.errors import ConflictError
from tahoe_engine.db.repositories.memory import TOMBSTONE
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import (
    MemoryChange,
    MemoryCreate,
    MemorySearchRequest,
    MemorySource,
    MemoryStatus,
)

SECRET = "zanzibar"


class Team(Protocol):
    """As in conftest.py."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def add(self, content: str, **fields: Any) -> UUID: ...  # noqa: ANN401 - fields of MemoryCreate


@pytest.fixture
async def versions(team: Team) -> list[UUID]:
    """Two versions that hold a secret in every place where one can be written."""
    first = await team.add(
        f"Ann was in {SECRET}.", subject=f"ann.{SECRET}", author=f"Ann {SECRET}", tags=[SECRET, f"{SECRET} 2"],
        metadata={SECRET: [SECRET]},
    )  # fmt: skip
    await team.memories.tag(first, [SECRET])
    second = await team.memories.supersede(first, MemoryChange(content=f"Ann was never in {SECRET}!"))
    return [first, second.id]


async def find_secret(engine: AsyncEngine, team_id: UUID) -> list[str]:
    """Returns the tables in which a row of the team holds the secret, in whatever column."""
    tables = text(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'team_id'"
        " WHERE c.relkind = 'r' AND c.relnamespace = to_regnamespace(quote_ident(current_schema()))"
    )
    found = []
    async with engine.connect() as connection:
        for table in (await connection.scalars(tables)).all():
            query = f"SELECT count(*) FROM {table} r WHERE team_id = :team AND r::text ILIKE :what"  # noqa: S608
            held = await connection.scalar(text(query), {"team": team_id, "what": f"%{SECRET}%"})
            found += [table] * bool(held)
    return sorted(found)


class TestErasing:
    async def test_reaches_every_version(self, memories: Memories, versions: list[UUID]) -> None:
        first, second = versions
        assert set(await memories.erase(first, "asked for")) == {first, second}
        for version in (await memories.get_history(second)).versions:
            assert version.content == TOMBSTONE
            assert version.status is MemoryStatus.ARCHIVED
            assert version.erased_at is not None
            assert (version.subject, version.author, version.tags, version.metadata) == (None, None, [], {})
            assert (version.is_embedded, version.embedding_model) == (False, None)

    async def test_leaves_the_words_in_no_table(
        self, team: Team, memories: Memories, versions: list[UUID], owner_engine: AsyncEngine
    ) -> None:
        assert await memories.search(MemorySearchRequest(query=SECRET))  # the words and authors are counted
        assert await find_secret(owner_engine, team.id) == ["memory", "memory_stat", "memory_tag"]
        await memories.erase(versions[0], "asked for")
        assert await find_secret(owner_engine, team.id) == []

    async def test_is_logged_for_each_version_and_keeps_what_was_logged(
        self, memories: Memories, versions: list[UUID]
    ) -> None:
        before = (await memories.get_history(versions[0])).events
        await memories.erase(versions[1], "asked for")
        events = (await memories.get_history(versions[0])).events
        assert events[: len(before)] == before
        assert {(event.event, event.memory_id) for event in events[len(before) :]} == {
            ("erased", version) for version in versions
        }
        assert {(event.actor, event.reason) for event in events[len(before) :]} == {("tester", "asked for")}

    async def test_lets_it_be_found_no_more(self, team: Team, memories: Memories, versions: list[UUID]) -> None:
        other = await team.add("Ben was in Zurich.")
        requests = [MemorySearchRequest(query=query) for query in (SECRET, f"Ann was never in {SECRET}!", "erased")]
        await memories.erase(versions[0], "asked for")
        for request in requests:
            assert {found.memory.id for found in await memories.search(request)} <= {other}

    async def test_lets_it_be_found_in_no_past_either(self, memories: Memories, versions: list[UUID]) -> None:
        before = (await memories.get(versions[1])).created_at
        await memories.erase(versions[0], "asked for")
        assert await memories.search(MemorySearchRequest(query=SECRET, as_of=before)) == []
        then = await memories.get_at(versions[0], before)
        assert (then.content, then.status) == (TOMBSTONE, MemoryStatus.ACTIVE), "the second version stood by then"

    async def test_again_changes_nothing(self, memories: Memories, versions: list[UUID]) -> None:
        await memories.erase(versions[0], "asked for")
        history = await memories.get_history(versions[0])
        assert await memories.erase(versions[1], "asked for again") == []
        assert await memories.get_history(versions[0]) == history

    async def test_reaches_what_was_made_of_it(self, team: Team, memories: Memories, versions: list[UUID]) -> None:
        made = await team.add(
            f"{SECRET} twice", source=MemorySource.CONSOLIDATION, related_to=[versions[0], uuid4()], author="Ann"
        )
        made_of_that = await team.add(f"{SECRET} again", source=MemorySource.COMPACTION, related_to=[made])
        merely_related = await team.add("Zurich", related_to=[versions[0]])
        erased = await memories.erase(versions[1], "asked for")
        assert set(erased) == {*versions, made, made_of_that}
        assert (await memories.get(merely_related)).content == "Zurich"

    async def test_of_a_circle_comes_to_an_end(self, team: Team, memories: Memories) -> None:
        first = await team.add("One", source=MemorySource.CONSOLIDATION)
        second = await team.add("Two", source=MemorySource.CONSOLIDATION, related_to=[first])
        await memories.add(MemoryCreate(content="One", source=MemorySource.CONSOLIDATION, related_to=[second]))
        assert len(await memories.erase(second, "asked for")) == 3

    async def test_keeps_the_authors_of_what_is_left(self, team: Team, memories: Memories) -> None:
        erased = await team.add("I was there.", author="Ann")
        await team.add("I was not.", author="Ann")
        await memories.search(MemorySearchRequest(query="there"))
        await memories.erase(erased, "asked for")
        async with team_session(team.sessions, team.id) as session:
            assert await session.scalar(text("SELECT authors FROM memory_stat")) == ["Ann"]

    async def test_lets_the_same_be_learned_anew(self, team: Team, memories: Memories, versions: list[UUID]) -> None:
        await memories.erase(versions[0], "asked for")
        anew = await memories.get(await team.add(f"Ann was never in {SECRET}!"))
        assert (anew.version, anew.root_id) == (1, anew.id)

    @pytest.mark.parametrize("change", ["supersede", "pin"])
    async def test_is_the_end_of_changes(self, memories: Memories, versions: list[UUID], change: str) -> None:
        await memories.erase(versions[0], "asked for")
        with pytest.raises(ConflictError, match="archived"):
            await (
                memories.pin(versions[1])
                if change == "pin"
                else memories.supersede(versions[1], MemoryChange(content="x"))
            )

    async def test_admits_no_tags_afterwards(self, memories: Memories, versions: list[UUID]) -> None:
        await memories.erase(versions[0], "asked for")
        assert (await memories.tag(versions[1], [SECRET])).tags == []

    async def test_misses_nothing_that_is_written_at_the_same_moment(
        self, team: Team, memories: Memories, owner_engine: AsyncEngine
    ) -> None:
        for _ in range(12):
            first = await team.add(f"Ann was in {SECRET}.", subject="ann.place")
            await asyncio.gather(
                memories.erase(first, "asked for"),
                team.add(f"Ann was in {SECRET}.", subject="ann.place"),
                memories.supersede(first, MemoryChange(content=f"{SECRET}!")),
                memories.tag(first, [SECRET]),
                return_exceptions=True,
            )
            await memories.erase(first, "asked for")
            # Whatever was added came before and is erased, or came after and is a memory of its own.
            versions = (await memories.get_history(first)).versions
            assert {version.content for version in versions} == {TOMBSTONE}
            for record in [record async for record in memories.export()]:
                if record.erased_at is None:
                    assert record.root_id != first
                    await memories.erase(record.id, "asked for")
            assert await find_secret(owner_engine, team.id) == []
