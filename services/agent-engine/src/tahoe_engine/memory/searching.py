"""From a question to the memories that matter to it."""

import asyncio
import logging
import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_core.errors import UnavailableError
from tahoe_engine.db.models.memory_statistics import MemoryStatORM
from tahoe_engine.db.repositories.memory_history import MemoryHistoryRepository
from tahoe_engine.db.repositories.memory_search import MemorySearchRepository, PreparedQuery, QueryVector
from tahoe_engine.db.repositories.memory_statistics import MemoryStatisticsRepository
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory.lexemes import list_terms, list_words
from tahoe_engine.models.memory_models import MemorySearchRequest, MemorySearchResult

log = logging.getLogger(__name__)

USUAL_SPREAD = 0.1
"""Standard deviation of cosines where nothing was measured yet; it is all-MiniLM-L6-v2's."""


class MemorySearcher:
    """The one way in which memories are found, for the evaluated search and for live agents.

    Args:
        sessions: Of the application's role.
        team_id: Whose memory it is.
        embedding: What makes the query's vectors.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession], team_id: UUID, embedding: MemoryEmbedding) -> None:
        self._sessions = sessions
        self._team_id = team_id
        self._embedding = embedding

    async def search(self, request: MemorySearchRequest) -> list[MemorySearchResult]:
        """Finds what matters, best first."""
        # Two short transactions rather than one: no connection waits for an embedder.
        async with team_session(self._sessions, self._team_id) as session:
            counts = await MemoryStatisticsRepository(session).find_current()
        query = await self.prepare(request, counts)
        async with team_session(self._sessions, self._team_id, plans_once=True) as session:
            found = await MemorySearchRepository(session).search(query)
            if request.as_of is None:
                return found
            then = await MemoryHistoryRepository(session).rebuild([result.memory for result in found], request.as_of)
        return [result.model_copy(update={"memory": record}) for result, record in zip(found, then, strict=True)]

    async def prepare(self, request: MemorySearchRequest, counts: MemoryStatORM) -> PreparedQuery:
        """Makes of a request what the repository searches by.

        Args:
            request: What is looked for.
            counts: The team's, as they are now.
        """
        author = find_named(request.query, counts.authors)
        return PreparedQuery(
            request=request,
            terms=list_terms(request.query),
            counted=counts.memories,
            author=author,
            vectors=await asyncio.to_thread(self._embed, take_out(request.query, author), counts),
        )

    def expect(self, query: str) -> None:
        """Begins to embed a question that will be asked in a moment; who asks then waits for the rest alone."""
        asyncio.get_running_loop().run_in_executor(None, self._embed_ahead, query)

    def _embed_ahead(self, query: str) -> None:
        try:
            self._embedding.queries.embed([query])
        except Exception as error:  # noqa: BLE001 - who asks for it in a moment hears of it
            log.info("question_not_embedded_ahead", extra={"error": type(error).__name__})

    def _embed(self, query: str, counts: MemoryStatORM) -> list[QueryVector]:
        vectors = []
        for embedder in (self._embedding.queries, *self._embedding.retiring):
            spread = counts.spreads.get(embedder.model, USUAL_SPREAD)
            try:
                vectors.append(QueryVector(embedder.model, embedder.embed([query])[0].tolist(), spread))
            except UnavailableError:  # words find them meanwhile
                continue
        return vectors


def find_named(query: str, authors: Sequence[str]) -> str | None:
    """Returns the author whom a question names, by the whole name or a part of it; None for nobody or several."""
    words = set(list_words(query))
    named = [author for author in authors if words.intersection(list_words(author))]
    return named[0] if len(named) == 1 else None


def take_out(query: str, author: str | None) -> str:
    """Returns the question without the name: whose memory it is, is judged apart from what it says."""
    if author is None:
        return query
    parts = "|".join(re.escape(part) for part in sorted(list_words(author), key=len, reverse=True))
    left = re.sub(rf"\b(?:{parts})\b", "", query, flags=re.IGNORECASE).strip()
    return left if list_words(left) else query
