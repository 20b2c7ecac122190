from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.memory import TYPE_NUMBERS, MemoryORM
from tahoe_engine.db.repositories.memory_row import to_record
from tahoe_engine.db.repositories.memory_search_statement import SEEDS, SearchShape, build_search
from tahoe_engine.db.repositories.vector_codec import connect_with_vectors, pack_vector
from tahoe_engine.models.memory_models import MemorySearchRequest, MemorySearchResult

LARGE_TEAM = 10_000
"""From so many memories on a team has cells; what is read in full all the same, several processes read."""

SCAN_TOGETHER = """
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true),
        set_config('max_parallel_workers_per_gather', '2', true), set_config('parallel_setup_cost', '100', true),
        set_config('parallel_tuple_cost', '0.001', true)
"""
"""For the rest of the transaction: the planner sees how large the team is, and lets several processes read it."""
HAS_CELLS = "SELECT EXISTS (SELECT FROM memory_cell WHERE team_id = $1 AND centroid IS NOT NULL)"


@dataclass(frozen=True)
class QueryVector:
    """A query by one embedding model.

    Attributes:
        vector: Scaled to length 1.
        spread: Standard deviation of the model's cosines: what makes them comparable with BM25's weights.
    """

    model: str
    vector: list[float]
    spread: float


@dataclass(frozen=True)
class PreparedQuery:
    """A request, and what was made of its text.

    Attributes:
        terms: The numbers of its stems.
        counted: How many memories the team had when its words were counted.
        author: Who it names, where it names exactly one of those who said what is remembered.
        vectors: None where no embedder answers.
    """

    request: MemorySearchRequest
    terms: list[int]
    counted: int
    author: str | None = None
    vectors: Sequence[QueryVector] = ()


class MemorySearchRepository(BaseRepository[MemoryORM]):
    """The hybrid search over `memory`."""

    model = MemoryORM
    noun = "memory"

    async def search(self, query: PreparedQuery) -> list[MemorySearchResult]:
        """Finds the best memories that the asker may see, best first.

        All but a moment of the past is best searched in a `team_session` that plans once.
        """
        request = query.request
        connection = await connect_with_vectors(self.session)
        is_large = query.counted >= LARGE_TEAM
        has_cells = is_large and (await connection.exec_driver_sql(HAS_CELLS, (self.team_id,))).scalar_one()
        weights = request.weights.normalized if request.weights else None
        shape = SearchShape(
            models=len(query.vectors),
            as_of=request.as_of is not None,
            types=request.types is not None,
            tags=bool(request.tags),
            author=query.author is not None,
            weights=weights is not None and weights.semantic < 1,
            cells=has_cells and request.as_of is None,
        )
        statement = build_search(shape)
        parameters = self._bind(query)
        if is_large and not shape.cells:
            await connection.exec_driver_sql(SCAN_TOGETHER)
        rows = await connection.exec_driver_sql(statement.sql, tuple(parameters[name] for name in statement.names))
        return [
            MemorySearchResult(rank=rank, score=row.score, memory=to_record(row))
            for rank, row in enumerate(rows, start=1)
        ]

    def _bind(self, query: PreparedQuery) -> dict[str, Any]:
        request = query.request
        parameters: dict[str, Any] = {
            "team": self.team_id,
            "agent": request.agent_id,
            "user": request.user_id,
            "types": [TYPE_NUMBERS[kind] for kind in request.types or ()],
            "tags": list(dict.fromkeys(request.tags)),
            "terms": query.terms,
            "counted": query.counted,
            "author": query.author,
            "conversation": request.conversation_id,
            "seeds": max(SEEDS, request.limit),
            "limit": request.limit,
        }
        if request.weights is not None:
            parameters |= request.weights.normalized.model_dump()
        if request.as_of is not None:
            parameters["moment"] = request.as_of
        for number, asked in enumerate(query.vectors):
            parameters |= {
                f"model{number}": asked.model,
                f"vector{number}": pack_vector(asked.vector),
                f"spread{number}": asked.spread,
            }
        return parameters
