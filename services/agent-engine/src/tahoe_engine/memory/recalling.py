"""What an agent knows when it answers: found, put in order, and noted for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import run_again, team_session
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_search import MemorySearchRepository, PreparedQuery
from tahoe_engine.db.repositories.memory_statistics import MemoryStatisticsRepository
from tahoe_engine.db.repositories.memory_use import MemoryUseRepository
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory.context_block import ContextBlock, Remembered, build_context_block
from tahoe_engine.memory.searching import MemorySearcher
from tahoe_engine.models.agent_models import MemoryConfig
from tahoe_engine.models.memory_models import MemoryRecord, MemorySearchRequest, UsedMemory
from tahoe_engine.models.retrieval_weights import RetrievalWeights

FOUND = 40
"""Candidates for the block; its budget is spent long before."""


@dataclass(frozen=True)
class Recall:
    """What is put before a model.

    Attributes:
        block: The text, and which memories stand in it.
        used: The same memories as they are noted: version, rank, score.
    """

    block: ContextBlock
    used: Sequence[UsedMemory]


class MemoryRecaller:
    """Finds what an agent should know now: identity and what is pinned always, the rest by its weights.

    Args:
        sessions: Of the application's role.
        team_id: Whose memory it is.
        embedding: What makes the question's vectors.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession], team_id: UUID, embedding: MemoryEmbedding) -> None:
        self._sessions = sessions
        self._team_id = team_id
        self._searcher = MemorySearcher(sessions, team_id, embedding)

    def expect(self, question: str, config: MemoryConfig) -> None:
        """Gets ready for a question that will be recalled for in a moment."""
        if question and config.reads:
            self._searcher.expect(question)

    async def recall(
        self, request: MemorySearchRequest, config: MemoryConfig, weights: RetrievalWeights, answer_id: UUID
    ) -> Recall:
        """Builds the block for one answer, and notes which memories stand in it.

        Args:
            request: The question, and who asks it now; its limit and weights are set here.
            config: The agent's.
            weights: The agent's.
            answer_id: What the memories are for; "what did it know when it said that?" is asked by it. Asked for again,
                an answer is shown the same memories.
        """
        types = [kind for kind in request.types or config.reads if kind in config.reads]
        async with team_session(self._sessions, self._team_id) as session:
            before = await MemoryUseRepository(session).list_of_answer(answer_id)
            if before:  # a step that runs again shows what it has shown
                return await self._show_again(session, before, config)
            counts = await MemoryStatisticsRepository(session).find_current()
        wanted = request.model_copy(update={"limit": FOUND, "weights": weights, "types": types, "as_of": None})
        query = await self._searcher.prepare(wanted, counts) if types else None
        return await self._place(request, config, answer_id, query)

    @run_again
    async def _place(
        self, request: MemorySearchRequest, config: MemoryConfig, answer_id: UUID, query: PreparedQuery | None
    ) -> Recall:
        """Puts what is found after what always comes, and notes what has found its place."""
        actor = f"agent:{request.agent_id}"
        async with team_session(self._sessions, self._team_id, actor, plans_once=True) as session:
            found = await MemorySearchRepository(session).search(query) if query is not None else []
            always = await MemoryRepository(session).list_always(request.agent_id, request.user_id)
            always = [record for record in always if record.memory_type in config.reads]
            known = {record.id for record in always}
            scores = {result.memory.id: result.score for result in found}
            records = [*always, *(result.memory for result in found if result.memory.id not in known)]
            block = build_context_block(
                [to_remembered(record) for record in records], config.context_tokens, shares=config.shares
            )
            used = [
                UsedMemory(
                    memory_id=placed.memory_id,
                    version=placed.version,
                    rank=placed.rank,
                    score=scores.get(placed.memory_id),
                )
                for placed in block.included
            ]
            await MemoryUseRepository(session).record(answer_id, request.agent_id, used)
        return Recall(block, used)

    async def _show_again(self, session: AsyncSession, used: Sequence[UsedMemory], config: MemoryConfig) -> Recall:
        found = await MemoryRepository(session).list_records([one.memory_id for one in used])
        by_id = {record.id: record for record in found}
        records = [to_remembered(by_id[one.memory_id]) for one in used]
        return Recall(build_context_block(records, config.context_tokens, shares=config.shares), used)

    async def list_used(self, answer_id: UUID) -> list[UsedMemory]:
        """Returns what was put before the model for an answer."""
        async with team_session(self._sessions, self._team_id) as session:
            return await MemoryUseRepository(session).list_of_answer(answer_id)


def to_remembered(record: MemoryRecord) -> Remembered:
    """Returns what the block needs of a record."""
    return Remembered(
        memory_id=record.id,
        version=record.version,
        memory_type=record.memory_type,
        content=record.content,
        created_at=record.created_at,
        occurred_at=record.occurred_at,
        author=record.author,
        is_pinned=record.is_pinned,
        status=record.status,
    )
