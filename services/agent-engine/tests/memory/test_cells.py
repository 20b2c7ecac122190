"""Cells of large teams: what the upkeep does for them, and that a search with them loses nothing."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from uuid import UUID, uuid4

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_cells import MemoryCellRepository
from tahoe_engine.db.repositories.memory_search import (
    LARGE_TEAM,
    MemorySearchRepository,
    PreparedQuery,
    QueryVector,
)
from tahoe_engine.db.repositories.memory_statistics import MemoryStatisticsRepository
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.embedding.port import Embedder
from tahoe_engine.memory import cells
from tahoe_engine.memory.cells import MemoryCells
from tahoe_engine.memory.clustering import find_nearest, learn_centroids
from tahoe_engine.memory.lexemes import list_terms
from tahoe_engine.memory.memories import Memories
from tahoe_engine.models.memory_models import MemoryChange, MemoryCreate, MemoryEvent, MemorySearchRequest, MemoryType

SMALLEST = 200
TOPICS = ("sailing", "baking", "chess", "gardening", "welding", "astronomy", "judo", "pottery")
STATES = text(
    "SELECT count(*) AS memories, count(cell) AS placed, count(DISTINCT cell) AS cells, min(cell) AS least,"
    " max(cell) AS most FROM memory WHERE status IN ('active', 'disputed')"
)


class Team(Protocol):
    """As in conftest.py."""

    id: UUID
    memories: Memories
    sessions: async_sessionmaker[AsyncSession]

    async def add(self, content: str, **fields: Any) -> UUID: ...  # noqa: ANN401 - fields of MemoryCreate

    async def read_clock(self) -> Any: ...  # noqa: ANN401 - a datetime


def make_memories(count: int, start: int = 0) -> list[MemoryCreate]:
    """Makes memories of eight topics, each told by three of a few dozen words."""
    random = np.random.default_rng(start)
    made = []
    for number in range(start, start + count):
        topic = TOPICS[number % len(TOPICS)]
        words = " ".join(f"{topic}{word}" for word in random.integers(0, 30, 3))
        made.append(MemoryCreate(content=f"{topic} {topic} {topic} {topic} {words} n{number}"))
    return made


async def pretend(team: Team, memories: int) -> None:
    """Lets the team pass for one of so many memories, and its words for counted."""
    async with team_session(team.sessions, team.id) as session:
        await MemoryStatisticsRepository(session).count()
        await session.execute(text("UPDATE memory_stat SET memories = :memories"), {"memories": memories})


async def fill(team: Team, smallest: int = SMALLEST) -> MemoryCells:
    """Does the upkeep of the cells to its end."""
    await pretend(team, smallest)
    upkeep = MemoryCells(team.sessions, smallest)
    while await upkeep.sort_some(team.id):
        pass
    await pretend(team, LARGE_TEAM)
    return upkeep


async def look(team: Team) -> Any:  # noqa: ANN401 - a row
    async with team_session(team.sessions, team.id) as session:
        return (await session.execute(STATES)).one()


async def ask(team: Team, query: str, **fields: Any) -> list[str]:  # noqa: ANN401 - of the request
    found = await team.memories.search(MemorySearchRequest.model_validate({"query": query, **fields}))
    return [result.memory.content for result in found]


async def list_nearest(team: Team, vector: Sequence[float], limit: int = 10) -> list[UUID]:
    async with team_session(team.sessions, team.id) as session:
        found = await MemoryRepository(session).search_by_embedding(vector, "hashed", limit)
    return [record.id for record, _cosine in found]


async def find_cell(team: Team, memory_id: UUID) -> int | None:
    async with team_session(team.sessions, team.id) as session:
        query = text("SELECT cell FROM memory WHERE id = :id")
        cell: int | None = (await session.execute(query, {"id": memory_id})).scalar_one()
        return cell


@pytest.fixture
async def large(team: Team) -> Team:
    """A team of 600 memories, all of them in cells, that searches as a large one does."""
    await team.memories.add_many(make_memories(600))
    await fill(team)
    state = await look(team)
    assert state.memories == state.placed == 600
    return team


class TestClustering:
    def test_finds_groups_that_are_there(self) -> None:
        random = np.random.default_rng(1)
        centres = np.eye(8, 16, dtype=np.float32)
        groups = np.repeat(np.arange(8), 50)
        vectors = centres[groups] + 0.05 * random.standard_normal((400, 16), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        centroids = learn_centroids(vectors, 24)
        assert np.allclose(np.linalg.norm(centroids, axis=1), 1, atol=1e-5)
        places = find_nearest(vectors, centroids)
        assert all(len(set(groups[places == place])) == 1 for place in set(places.tolist()))

    def test_gives_the_same_for_the_same(self) -> None:
        vectors = np.random.default_rng(2).standard_normal((300, 8), dtype=np.float32)
        assert np.array_equal(learn_centroids(vectors, 20), learn_centroids(vectors.copy(), 20))


class TestSorting:
    async def test_leaves_a_small_team_alone(self, team: Team) -> None:
        await team.memories.add_many(make_memories(SMALLEST - 1))
        await pretend(team, SMALLEST - 1)
        assert await MemoryCells(team.sessions, SMALLEST).sort_some(team.id) == 0
        await pretend(team, SMALLEST)  # counted are others than those that have vectors
        assert await MemoryCells(team.sessions, SMALLEST).sort_some(team.id) == 0

    async def test_goes_batch_by_batch_and_goes_on_where_it_stopped(
        self, team: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cells, "BATCH", 100)
        await team.memories.add_many(make_memories(250))
        await pretend(team, 250)
        learned = await MemoryCells(team.sessions, SMALLEST).sort_some(team.id)
        assert learned == round(2 * 250**0.5)
        placed = []
        for _ in range(3):  # by another process each time
            assert await MemoryCells(team.sessions, SMALLEST).sort_some(team.id) > 0
            placed.append((await look(team)).placed)
        assert placed == [100, 200, 250]
        assert await MemoryCells(team.sessions, SMALLEST).sort_some(team.id) == 0

    async def test_two_at_once_do_not_disturb_each_other(self, team: Team) -> None:
        await team.memories.add_many(make_memories(250))
        await pretend(team, 250)
        upkeep = MemoryCells(team.sessions, SMALLEST)
        learned = await asyncio.gather(*(upkeep.sort_some(team.id) for _ in range(2)))
        assert round(2 * 250**0.5) in learned
        async with team_session(team.sessions, team.id) as session:
            generations = await session.execute(text("SELECT count(DISTINCT generation) FROM memory_cell"))
            assert generations.scalar_one() == 1

    async def test_what_somebody_holds_waits_for_the_next_batch(self, large: Team) -> None:
        memory_id = await large.add("sailing at night")
        async with team_session(large.sessions, large.id) as session:
            lock = text("SELECT FROM memory WHERE id = :id FOR UPDATE")
            await session.execute(lock, {"id": memory_id})
            assert await MemoryCells(large.sessions, SMALLEST).sort_some(large.id) == 0
        assert await MemoryCells(large.sessions, SMALLEST).sort_some(large.id) == 1

    async def test_is_no_change_of_a_memory(self, large: Team) -> None:
        memory_id = await large.add("sailing at night")
        await MemoryCells(large.sessions, SMALLEST).sort_some(large.id)
        assert await find_cell(large, memory_id) is not None
        history = await large.memories.get_history(memory_id)
        assert [event.event for event in history.events] == [MemoryEvent.CREATED]

    async def test_moves_to_another_model_with_most_of_the_vectors(
        self, large: Team, make_embedder: Callable[..., Embedder]
    ) -> None:
        newer = make_embedder("newer", 16)
        async with team_session(large.sessions, large.id) as session:
            rows = (await session.execute(text("SELECT id, content FROM memory ORDER BY id"))).all()
            change = text("UPDATE memory SET embedding_model = 'newer', embedding = :vector WHERE id = :id")
            for row in rows[:500]:
                vector = "[" + ",".join(map(str, newer.embed([row.content])[0].tolist())) + "]"
                await session.execute(change, {"id": row.id, "vector": vector})
        assert (await look(large)).placed == 100
        await fill(large)
        state = await look(large)
        assert state.placed == 600 - 100 + 100
        async with team_session(large.sessions, large.id) as session:
            newest = await MemoryCellRepository(session).find_newest()
        assert newest is not None
        assert newest.model == "newer"


class TestSearching:
    async def test_finds_what_a_search_of_everything_finds(self, large: Team, hashed: Embedder) -> None:
        questions = [memory.content.rpartition(" ")[0] for memory in make_memories(40, 5_000)]
        with_cells = [await list_nearest(large, hashed.embed([question])[0].tolist()) for question in questions]
        hybrid = [await ask(large, question) for question in questions]
        await pretend(large, LARGE_TEAM - 1)
        exact = [await list_nearest(large, hashed.embed([question])[0].tolist()) for question in questions]
        exact_hybrid = [await ask(large, question) for question in questions]
        assert sum(len(set(a) & set(b)) for a, b in zip(with_cells, exact, strict=True)) >= 0.99 * 400
        shared = sum(len(set(a) & set(b)) for a, b in zip(hybrid, exact_hybrid, strict=True))
        assert shared >= 0.99 * sum(len(found) for found in exact_hybrid)

    async def test_finds_what_came_since(self, large: Team) -> None:
        memory_id = await large.add("pottery pottery in a village")
        assert await find_cell(large, memory_id) is None
        assert (await ask(large, "pottery village"))[0] == "pottery pottery in a village"

    @pytest.fixture
    async def far(self, large: Team, hashed: Embedder) -> PreparedQuery:
        """Asks for a rare word, near other cells than the one where it stands."""
        vector = hashed.embed(["judo judo judo judo"])[0].tolist()
        await large.add("The word is zyzzyva.", embedding=vector, embedding_model="hashed")
        await MemoryCells(large.sessions, SMALLEST).sort_some(large.id)
        assert (await look(large)).placed == 601
        near = QueryVector("hashed", hashed.embed(["chess chess chess chess"])[0].tolist(), spread=0.5)
        request = MemorySearchRequest(query="zyzzyva")
        return PreparedQuery(request, list_terms("zyzzyva"), LARGE_TEAM, vectors=[near])

    async def test_finds_a_rare_word_in_a_far_cell(self, large: Team, far: PreparedQuery) -> None:
        async with team_session(large.sessions, large.id, plans_once=True) as session:
            results = await MemorySearchRepository(session).search(far)
            assert results[0].memory.content == "The word is zyzzyva."
            by_stems = text("SELECT count(*) FROM list_memories_by_stems(:terms)")
            found = await session.execute(by_stems, {"terms": list_terms("zyzzyva")})
            assert found.scalar_one() == 1

    async def test_reads_every_cell_where_the_application_is_the_owner(
        self, large: Team, far: PreparedQuery, owner_engine: AsyncEngine
    ) -> None:
        async with owner_engine.connect() as connection, AsyncSession(connection) as session:
            session.info["team_id"] = large.id
            await session.execute(text("DROP POLICY owner_access ON memory"))
            await session.execute(text("SELECT set_config('app.team_id', :team, true)"), {"team": str(large.id)})
            results = await MemorySearchRepository(session).search(far)
            assert results[0].memory.content == "The word is zyzzyva."
            await session.rollback()

    async def test_finds_what_has_no_vector(self, large: Team, hashed: Any) -> None:  # noqa: ANN401 - see conftest.py
        hashed.is_down = True
        await large.add("A zyzzyva is a weevil.")
        assert (await ask(large, "zyzzyva"))[0] == "A zyzzyva is a weevil."
        hashed.is_down = False
        assert (await ask(large, "zyzzyva"))[0] == "A zyzzyva is a weevil."

    async def test_finds_the_few_that_one_user_has(self, large: Team) -> None:
        user = uuid4()
        mine = {f"{topic} {topic} is mine" for topic in TOPICS}
        for content in mine:
            await large.add(content, user_id=user, memory_type=MemoryType.USER_PROFILE)
        await MemoryCells(large.sessions, SMALLEST).sort_some(large.id)
        found = await ask(large, "sailing sailing", user_id=user, types=["user_profile"])
        assert set(found) == mine

    async def test_finds_what_stood_at_a_moment(self, large: Team) -> None:
        memory_id = await large.add("The zyzzyva is red.")
        await MemoryCells(large.sessions, SMALLEST).sort_some(large.id)
        moment = await large.read_clock()
        await large.memories.supersede(memory_id, MemoryChange(content="The zyzzyva is blue."))
        assert await find_cell(large, memory_id) is None
        assert (await ask(large, "zyzzyva", as_of=moment))[0] == "The zyzzyva is red."
        assert (await ask(large, "zyzzyva"))[0] == "The zyzzyva is blue."

    async def test_sees_nothing_of_another_team(self, large: Team, make_team: Callable[[UUID], Team]) -> None:
        other = make_team(uuid4())
        await other.memories.add_many(make_memories(SMALLEST, 9_000))
        await other.add("The zyzzyva is theirs.")
        await fill(other)
        assert "The zyzzyva is theirs." in await ask(other, "zyzzyva")
        assert "The zyzzyva is theirs." not in await ask(large, "zyzzyva")
        async with team_session(large.sessions, large.id) as session:
            by_stems = text("SELECT count(*) FROM list_memories_by_stems(:terms)")
            found = await session.execute(by_stems, {"terms": list_terms("zyzzyva")})
            assert found.scalar_one() == 0

    async def test_reads_all_cells_of_a_model_that_does_not_answer(
        self, large: Team, make_embedder: Callable[..., Embedder]
    ) -> None:
        newer = make_embedder("newer", 16)
        memories = Memories(large.sessions, large.id, MemoryEmbedding(newer, newer))
        request = MemorySearchRequest(query="unheard of")
        with_cells = await memories.search(request)
        await pretend(large, LARGE_TEAM - 1)
        exact = await memories.search(request)
        assert [found.memory.id for found in with_cells] == [found.memory.id for found in exact]


class TestCloseness:
    async def test_what_says_the_same_is_found_in_a_cell_and_beside_it(self, large: Team) -> None:
        first = await large.add("welding a garden gate (first)")
        await MemoryCells(large.sessions, SMALLEST).sort_some(large.id)
        second = await large.add("welding a garden gate (second)")
        assert await find_cell(large, first) is not None
        assert await find_cell(large, second) is None
        async with team_session(large.sessions, large.id) as session:
            repository = MemoryRepository(session)
            assert [record.id for record in await repository.find_similar(second)] == [first]
            assert [record.id for record in await repository.find_similar(first)] == [second]

    async def test_what_is_said_again_is_merged(self, large: Team) -> None:
        first = await large.add("welding a garden gate")
        await MemoryCells(large.sessions, SMALLEST).sort_some(large.id)
        again = await large.memories.add(MemoryCreate(content="welding a garden gate"))
        assert again.memory.version == 2
        assert (await large.memories.get(first)).superseded_by == again.memory.id


class TestLearningAgain:
    async def test_never_hides_a_memory(self, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cells, "BATCH", 300)
        await team.memories.add_many(make_memories(SMALLEST))
        await fill(team)
        first = await look(team)
        await team.memories.add_many(make_memories(3 * SMALLEST, SMALLEST))
        everything = 4 * SMALLEST
        upkeep = MemoryCells(team.sessions, SMALLEST)
        steps = 0
        while True:
            await pretend(team, everything)
            changed = await upkeep.sort_some(team.id)
            await pretend(team, LARGE_TEAM)
            assert len(set(await list_nearest(team, [1.0] + [0.0] * 31, 5_000))) == everything
            if not changed:
                break
            steps += 1
        assert steps >= 4
        last = await look(team)
        assert last.placed == everything
        assert last.least > first.most
        async with team_session(team.sessions, team.id) as session:
            in_use = text("SELECT count(DISTINCT generation) FROM memory_cell WHERE centroid IS NOT NULL")
            assert (await session.execute(in_use)).scalar_one() == 1


class TestLeaving:
    async def test_an_erasure_leaves_nothing_that_was_made_of_it(self, large: Team) -> None:
        alone = await large.add("quite something else altogether")
        async with team_session(large.sessions, large.id) as session:
            vector = await MemoryRepository(session).find_vector(alone)
            repository = MemoryCellRepository(session)
            own = text(
                "INSERT INTO memory_cell SELECT team_id, cell + 1, generation, memories, embedding_model, :vector"
                " FROM memory_cell ORDER BY cell DESC LIMIT 1 RETURNING cell"
            )
            cell = (await session.execute(own, {"vector": str(vector)})).scalar_one()
            await repository.put({alone: cell})
        await large.memories.erase(alone, "asked to")
        assert await find_cell(large, alone) is None
        async with team_session(large.sessions, large.id) as session:
            centroid = text("SELECT centroid IS NULL FROM memory_cell WHERE cell = :cell")
            assert (await session.execute(centroid, {"cell": cell})).scalar_one()

    async def test_an_erasure_makes_the_centroid_anew_of_the_others(self, large: Team) -> None:
        async with team_session(large.sessions, large.id) as session:
            query = text(
                "SELECT m.id, m.cell, c.centroid::text AS centroid FROM memory m JOIN memory_cell c USING (cell)"
                " WHERE (SELECT count(*) FROM memory o WHERE o.cell = m.cell) > 3 ORDER BY"
                " c.centroid <#> m.embedding LIMIT 1"
            )
            row = (await session.execute(query)).one()
        await large.memories.erase(row.id, "asked to")
        async with team_session(large.sessions, large.id) as session:
            centroid = text(
                "SELECT c.centroid::text, l2_normalize(avg(m.embedding))::text FROM memory_cell c"
                " JOIN memory m USING (cell) WHERE c.cell = :cell GROUP BY c.centroid"
            )
            now, mean = (await session.execute(centroid, {"cell": row.cell})).one()
        assert now == mean != row.centroid

    @pytest.mark.parametrize("change", ["status = 'archived'", "embedding = '[1, 2, 3]'", "embedding_model = 'newer'"])
    async def test_whoever_changes_a_memory_takes_it_out_of_its_cell(self, large: Team, change: str) -> None:
        [memory_id, *_others] = await list_nearest(large, [1.0] + [0.0] * 31)
        assert await find_cell(large, memory_id) is not None
        async with team_session(large.sessions, large.id) as session:
            await session.execute(text(f"UPDATE memory SET {change} WHERE id = :id"), {"id": memory_id})  # noqa: S608
        assert await find_cell(large, memory_id) is None
