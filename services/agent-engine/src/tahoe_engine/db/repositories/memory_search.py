from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Double, Uuid, column

from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.memory import MemoryORM
from tahoe_engine.db.repositories.memory_row import select_records, to_record
from tahoe_engine.db.repositories.memory_search_statement import SEEDS, build_search
from tahoe_engine.models.memory_models import MemorySearchRequest, MemorySearchResult
from tahoe_engine.models.retrieval_weights import RetrievalWeights

_RELEVANCE_ALONE = {"semantic": 1.0, "recency": 0.0, "importance": 0.0, "continuity": 0.0, "relationship": 0.0}


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
        """Finds the best memories that the asker may see, best first."""
        statement = build_search(len(query.vectors), as_of=query.request.as_of is not None)
        ranked = statement.columns(column("id", Uuid), column("score", Double)).cte("ranked")
        found = (
            select_records()
            .add_columns(ranked.c.score)
            .join(ranked, (ranked.c.id == MemoryORM.id) & (MemoryORM.team_id == self.team_id))
            .order_by(ranked.c.score.desc(), ranked.c.id)
        )
        rows = await self.session.execute(found, self._bind(query))
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
            "types": [kind.value for kind in request.types] if request.types else None,
            "tags": list(dict.fromkeys(request.tags)) or None,
            "terms": query.terms,
            "counted": query.counted,
            "author": query.author,
            "conversation": request.conversation_id,
            "seeds": max(SEEDS, request.limit),
            "limit": request.limit,
        }
        parameters |= _list_weights(request.weights)
        if request.as_of is not None:
            parameters["moment"] = request.as_of
        for number, asked in enumerate(query.vectors):
            parameters |= {
                f"model{number}": asked.model,
                f"vector{number}": asked.vector,
                f"spread{number}": asked.spread,
            }
        return parameters


def _list_weights(weights: RetrievalWeights | None) -> Mapping[str, float]:
    if weights is None:
        return _RELEVANCE_ALONE
    listed: dict[str, float] = weights.normalized.model_dump()
    return listed
