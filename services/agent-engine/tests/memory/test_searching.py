"""What is found, by whom, and what never is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.embedding.local import LocalEmbedder
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.embedding.port import Embedder
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import (
    MemoryCreate,
    MemorySearchRequest,
    MemorySearchResult,
    MemorySource,
    MemoryStatus,
    MemoryType,
)
from tahoe_engine.models.retrieval_weights import RetrievalWeights


class Team(Protocol):
    """As in conftest.py."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def add(self, content: str, **fields: Any) -> UUID: ...  # noqa: ANN401 - fields of MemoryCreate

    async def make_agent(self, slug: str = "ada") -> UUID: ...

    async def make_conversation(self, external_id: str | None = None) -> UUID: ...


class Downable(Embedder, Protocol):
    """As `HashedEmbedder` in conftest.py."""

    is_down: bool


async def search(memories: Memories, query: str = "tea", **fields: Any) -> list[MemorySearchResult]:  # noqa: ANN401
    return await memories.search(MemorySearchRequest.model_validate({"query": query, **fields}))


async def find(memories: Memories, query: str = "tea", **fields: Any) -> set[str]:  # noqa: ANN401 - of the request
    return {found.memory.content for found in await search(memories, query, **fields)}


class TestFinding:
    async def test_ranks_the_best_first(self, team: Team, memories: Memories) -> None:
        for content in ("Ann prefers tea.", "Ben prefers coffee.", "It rains in Spain."):
            await team.add(content)
        found = await search(memories, "Who prefers coffee?")
        assert found[0].memory.content == "Ben prefers coffee."
        assert [one.rank for one in found] == [1, 2, 3]
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)

    async def test_records_nothing(self, team: Team, memories: Memories) -> None:
        tea = await team.add("Ann prefers tea.")
        await search(memories)
        assert (await memories.get(tea)).access_count == 0
        assert len((await memories.get_history(tea)).events) == 1

    async def test_gives_no_more_than_was_asked_for(self, memories: Memories) -> None:
        await memories.add_many([MemoryCreate(content=f"tea {number}") for number in range(120)])
        for limit in (1, 7, 100):
            assert len(await search(memories, limit=limit)) == limit

    async def test_in_a_team_without_memories_finds_nothing(self, memories: Memories) -> None:
        assert await search(memories) == []

    @pytest.mark.parametrize("query", ["?", "the of and", "🍵", "' OR 1=1 --", "%", "x" * 4000, "{}:;\\", "茶"])
    async def test_takes_any_question(self, team: Team, memories: Memories, query: str) -> None:
        await team.add("Ann prefers tea.")
        assert len(await search(memories, query)) == 1

    async def test_finds_neither_past_versions_nor_what_is_archived(self, team: Team, memories: Memories) -> None:
        await team.add("Ann prefers tea.", subject="ann.drink")
        await team.add("Ann prefers iced tea.", subject="ann.drink")
        archived = await team.add("Ben sells tea.")
        async with team_session(team.sessions, team.id) as session:
            await MemoryRepository(session).retire([archived], MemoryStatus.ARCHIVED)
        assert await find(memories) == {"Ann prefers iced tea."}

    async def test_never_finds_what_has_expired(self, team: Team, memories: Memories) -> None:
        now = datetime.now(UTC)
        await team.add("Past tea.", expires_at=now - timedelta(seconds=1))
        await team.add("Future tea.", expires_at=now + timedelta(days=1))
        await team.add("Eternal tea.")
        assert await find(memories) == {"Future tea.", "Eternal tea."}

    async def test_shows_what_is_disputed_as_such(self, team: Team, memories: Memories) -> None:
        for what in ("tea", "green tea"):
            await team.add(f"Ann prefers {what}.", subject="ann.drink", source=MemorySource.EXTRACTION)
        found = await search(memories)
        assert [one.memory.status for one in found] == [MemoryStatus.DISPUTED] * 2
        assert found[0].memory.contradicts == [found[1].memory.id]

    async def test_finds_the_neighbours_in_a_conversation(self, team: Team, memories: Memories) -> None:
        conversation_id = await team.make_conversation()
        said = ["Hello.", "What would you like to drink?", "The green one, please.", "Bye."]
        await memories.add_many(
            [
                MemoryCreate(content=content, source_conversation_id=conversation_id, position=position)
                for position, content in enumerate(said)
            ]
        )
        await memories.add_many([MemoryCreate(content=f"Something else {number}") for number in range(100)])
        found = [one.memory.content for one in await search(memories, "drink", limit=3)]
        assert "The green one, please." in found

    async def test_by_weights_prefers_what_they_weigh(self, team: Team, memories: Memories) -> None:
        user, conversation = uuid4(), await team.make_conversation()
        by = {
            "importance": await team.add("tea one", importance=10),
            "continuity": await team.add("tea two", source_conversation_id=conversation, importance=1),
            "relationship": await team.add("tea three", user_id=user, importance=1),
            "semantic": await team.add("my favourite drink is oolong", importance=1),
        }
        for what, expected in by.items():
            weights = RetrievalWeights.model_validate(
                dict.fromkeys(RetrievalWeights.model_fields, 0.0) | {"semantic": 0.001, what: 1}
            )
            found = await search(
                memories, "favourite drink oolong", weights=weights, user_id=user, conversation_id=conversation
            )
            assert found[0].memory.id == expected, what


class TestVisibility:
    """The type says who else sees what belongs to an agent; the user says whom it concerns."""

    @pytest.fixture
    async def seen(self, team: Team) -> dict[str, UUID]:
        ids = {"ada": await team.make_agent("ada"), "ben": await team.make_agent("ben"), "eve": uuid4(), "flo": uuid4()}
        for kind in MemoryType:
            for agent in ("ada", "ben"):
                await team.add(f"{kind} tea of {agent}", memory_type=kind, agent_id=ids[agent])
        for kind in (MemoryType.SEMANTIC, MemoryType.EPISODIC, MemoryType.SHARED, MemoryType.USER_PROFILE):
            await team.add(f"{kind} tea of all", memory_type=kind)
            for user in ("eve", "flo"):
                await team.add(f"{kind} tea of all for {user}", memory_type=kind, user_id=ids[user])
                await team.add(
                    f"{kind} tea of ada for {user}", memory_type=kind, user_id=ids[user], agent_id=ids["ada"]
                )
        return ids

    @staticmethod
    def is_visible(content: str, agent: str | None, user: str | None) -> bool:
        kind, _tea, _of, whose, *rest = content.split()
        sees_agent = whose in {"all", agent} or kind in {"shared", "user_profile"}
        return sees_agent and (not rest or rest[1] == user)

    @pytest.mark.parametrize("user", [None, "eve", "flo", "stranger"])
    @pytest.mark.parametrize("agent", [None, "ada", "ben", "stranger"])
    async def test_is_part_of_every_search(
        self, memories: Memories, seen: dict[str, UUID], agent: str | None, user: str | None
    ) -> None:
        ids = {**seen, "stranger": uuid4()}
        asker: dict[str, Any] = {"agent_id": ids[agent] if agent else None, "user_id": ids[user] if user else None}
        everything = {record.content async for record in memories.export()}
        expected = {content for content in everything if self.is_visible(content, agent, user)}
        assert expected
        assert await find(memories, limit=100, **asker) == expected
        assert await find(memories, limit=100, as_of=datetime.now(UTC), **asker) == expected
        weighed = await find(memories, limit=100, weights=RetrievalWeights(), **asker)
        assert weighed == expected

    async def test_is_part_of_what_always_comes(self, team: Team, seen: dict[str, UUID]) -> None:
        async with team_session(team.sessions, team.id) as session:
            repository = MemoryRepository(session)
            for agent in ("ada", "ben"):
                always = await repository.list_always(seen[agent], None)
                assert [record.content for record in always] == [f"identity tea of {agent}"]
            assert await repository.list_always(None, None) == []

    async def test_of_the_team_ends_at_the_team(
        self, team: Team, seen: dict[str, UUID], make_team: Callable[[UUID], Team]
    ) -> None:
        stranger = make_team(uuid4()).memories
        assert await find(stranger, agent_id=seen["ada"], user_id=seen["eve"]) == set()

    @pytest.mark.parametrize("types", [[MemoryType.SHARED], [MemoryType.IDENTITY, MemoryType.PROCEDURAL]])
    async def test_can_be_narrowed_to_types(
        self, memories: Memories, seen: dict[str, UUID], types: list[MemoryType]
    ) -> None:
        found = await search(memories, limit=100, types=types, agent_id=seen["ada"])
        assert {one.memory.memory_type for one in found} == set(types)


class TestTags:
    async def test_have_all_to_be_there(self, team: Team, memories: Memories) -> None:
        for number, tags in enumerate([[], ["a"], ["b"], ["a", "b"], ["a", "b", "c"]]):
            await team.add(f"tea {number}", tags=tags)
        assert await find(memories, tags=["a"]) == {"tea 1", "tea 3", "tea 4"}
        assert await find(memories, tags=["b", "a", "b"]) == {"tea 3", "tea 4"}
        assert await find(memories, tags=["A"]) == set()

    async def test_taken_away_do_not_count(self, team: Team, memories: Memories) -> None:
        tea = await team.add("tea", tags=["a"])
        await memories.tag(tea, ["b"])
        assert await find(memories, tags=["a"]) == set()
        assert await find(memories, tags=["b"]) == {"tea"}

    async def test_given_again_count_once(self, team: Team, memories: Memories) -> None:
        tea = await team.add("tea", tags=["a"])
        for tags in ([], ["a"], [], ["a"]):
            await memories.tag(tea, tags)
        assert await find(memories, tags=["a"]) == {"tea"}


class TestWithoutEmbedder:
    async def test_it_is_stored_and_found_by_its_words(self, team: Team, memories: Memories, hashed: Downable) -> None:
        hashed.is_down = True
        tea = await memories.get(await team.add("Ann prefers oolong tea."))
        assert (tea.is_embedded, tea.embedding_model) == (False, None)
        await memories.add_many([MemoryCreate(content=f"Ben drinks water {number}") for number in range(100)])
        assert (await search(memories, "oolong"))[0].memory.id == tea.id
        hashed.is_down = False
        assert (await search(memories, "oolong"))[0].memory.id == tea.id

    async def test_it_is_known_by_its_words_when_said_again(
        self, team: Team, memories: Memories, hashed: Downable
    ) -> None:
        await team.add("Ann prefers tea.")
        hashed.is_down = True
        again = await memories.add(MemoryCreate(content="Ann prefers tea."))
        assert again.outcome == "merged"


class TestTwoModels:
    async def test_are_asked_while_one_replaces_the_other(
        self, team: Team, make_embedder: Callable[..., Embedder]
    ) -> None:
        old, new = make_embedder("old", 8), make_embedder("new", 16)
        await Memories(team.sessions, team.id, MemoryEmbedding(old, old)).add(MemoryCreate(content="Oolong!"))
        both = Memories(team.sessions, team.id, MemoryEmbedding(new, new, [old]))
        await both.add(MemoryCreate(content="Sencha!"))
        for content in ("Oolong!", "Sencha!"):
            assert (await search(both, content))[0].memory.content == content


class TestLocalEmbedder:
    async def test_finds_by_meaning_what_shares_no_word(self, team: Team) -> None:
        embedder = LocalEmbedder()
        memories = Memories(team.sessions, team.id, MemoryEmbedding(embedder, embedder))
        await memories.add_many(
            [
                MemoryCreate(content=content)
                for content in ("The puppy chewed my shoes.", "Interest rates rose.", "We sailed to Corsica.")
            ]
        )
        assert (await search(memories, "a dog"))[0].memory.content == "The puppy chewed my shoes."

    async def test_takes_a_paraphrase_for_the_same(self, team: Team) -> None:
        embedder = LocalEmbedder()
        memories = Memories(team.sessions, team.id, MemoryEmbedding(embedder, embedder))
        await memories.add(MemoryCreate(content="Ann's favourite drink is green tea."))
        again = await memories.add(MemoryCreate(content="Ann's favorite drink is green tea"))
        assert again.outcome == "merged"
        other = await memories.add(MemoryCreate(content="Ann's favourite drink is not green tea."))
        assert other.outcome == "created"
