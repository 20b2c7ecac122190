"""What an agent is shown for an answer, and what is noted of it."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.session import team_session
from tahoe_engine.composition import build_memory_embedding
from tahoe_engine.db.models.agent import AgentORM
from tahoe_engine.db.repositories.agent import AgentRepository
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.recalling import MemoryRecaller
from tahoe_engine.models.agent_models import MemoryConfig
from tahoe_engine.models.memory_models import MemoryCreate, MemoryEvent, MemorySearchRequest, MemoryType
from tahoe_engine.models.retrieval_weights import RetrievalWeights
from tahoe_engine.settings import load_settings


@pytest.fixture
def embedding() -> MemoryEmbedding:
    return build_memory_embedding(load_settings({}))


@pytest.fixture
def memories(engine: AsyncEngine, team_id: UUID, embedding: MemoryEmbedding) -> Memories:
    return Memories(get_session_factory(engine), team_id, embedding)


@pytest.fixture
def recaller(engine: AsyncEngine, team_id: UUID, embedding: MemoryEmbedding) -> MemoryRecaller:
    return MemoryRecaller(get_session_factory(engine), team_id, embedding)


@pytest.fixture
async def agent_id(engine: AsyncEngine, team_id: UUID) -> UUID:
    async with team_session(get_session_factory(engine), team_id) as session:
        return (await AgentRepository(session).add(AgentORM(slug="ada", name="Ada"))).id


class TestRecall:
    async def test_shows_identity_pinned_and_found_in_this_order(
        self, memories: Memories, recaller: MemoryRecaller, agent_id: UUID
    ) -> None:
        found = await memories.add(MemoryCreate(content="The parcel to Bern was lost on Monday.", agent_id=agent_id))
        pinned = await memories.add(MemoryCreate(content="Refunds need a receipt.", is_pinned=True))
        identity = await memories.add(
            MemoryCreate(content="I am Ada of the help desk.", memory_type=MemoryType.IDENTITY, agent_id=agent_id)
        )
        request = MemorySearchRequest(query="Where is the parcel to Bern?", agent_id=agent_id)
        recall = await recaller.recall(request, MemoryConfig(), RetrievalWeights(), uuid4())
        assert [used.memory_id for used in recall.used] == [one.memory.id for one in (identity, pinned, found)]
        lines = [recall.block.text.index(one.memory.content) for one in (identity, pinned, found)]
        assert lines == sorted(lines)

    async def test_notes_what_was_shown_in_which_version_and_rank(
        self, memories: Memories, recaller: MemoryRecaller
    ) -> None:
        shown = await memories.add(MemoryCreate(content="Ann prefers green tea."))
        answer_id = uuid4()
        request = MemorySearchRequest(query="What does Ann drink?")
        recall = await recaller.recall(request, MemoryConfig(), RetrievalWeights(), answer_id)
        assert await recaller.list_used(answer_id) == list(recall.used)
        assert [(used.memory_id, used.version, used.rank) for used in recall.used] == [(shown.memory.id, 1, 1)]
        history = await memories.get_history(shown.memory.id)
        assert (history.versions[0].access_count, history.events[-1].event) == (1, MemoryEvent.ACCESSED)
        assert history.events[-1].reason == f"answer {answer_id}"

    async def test_keeps_to_the_types_that_the_agent_reads(self, memories: Memories, recaller: MemoryRecaller) -> None:
        await memories.add(MemoryCreate(content="Ann prefers green tea.", is_pinned=True))
        await memories.add(MemoryCreate(content="Ann drinks tea at five.", memory_type=MemoryType.SHARED))
        config = MemoryConfig(reads=(MemoryType.SHARED,))
        recall = await recaller.recall(
            MemorySearchRequest(query="What does Ann drink?"), config, RetrievalWeights(), uuid4()
        )
        assert "at five" in recall.block.text
        assert "green" not in recall.block.text

    async def test_shows_nothing_of_another_user(self, memories: Memories, recaller: MemoryRecaller) -> None:
        await memories.add(
            MemoryCreate(content="Ben is allergic to nuts.", memory_type=MemoryType.USER_PROFILE, user_id=uuid4())
        )
        request = MemorySearchRequest(query="Who is allergic to nuts?", user_id=uuid4())
        recall = await recaller.recall(request, MemoryConfig(), RetrievalWeights(), uuid4())
        assert recall.used == []

    async def test_weighs_what_the_agent_weighs(self, memories: Memories, recaller: MemoryRecaller) -> None:
        await memories.add(MemoryCreate(content="Tea is served in the garden.", importance=1))
        await memories.add(MemoryCreate(content="Coffee breaks the machine.", importance=10))
        request = MemorySearchRequest(query="Where is tea served?")
        by_relevance = await memories.search(request)
        by_importance = await memories.search(
            request.model_copy(update={"weights": RetrievalWeights(semantic=0.01, importance=1)})
        )
        assert by_relevance[0].memory.content.startswith("Tea")
        assert by_importance[0].memory.content.startswith("Coffee")
