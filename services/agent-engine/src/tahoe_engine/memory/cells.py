"""The cells of large teams: learned once in a while, and filled by the upkeep, so that writing costs nothing more.

A memory in no cell is looked at by every search, and so is none the less found; cells are there for the time alone.
"""

import asyncio
import math
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import team_session
from tahoe_engine.db.repositories.memory_cells import Generation, MemoryCellRepository
from tahoe_engine.db.repositories.memory_search import LARGE_TEAM
from tahoe_engine.db.repositories.vector_codec import pack_vector

BATCH = 2_000
GROWTH = 4
"""Times as many memories as at the last time, and cells are learned again."""
_CELLS_OF_ROOT = 2
"""Cells a square root of the memories: twice as many make a search read fewer memories and more centroids."""
_SAMPLE_OF_CELL = 32
_LARGEST_SAMPLE = 50_000


class MemoryCells:
    """Learns cells and puts memories into them, a bounded piece at a time; every piece may be done again.

    Args:
        sessions: Of the application's role.
        smallest: From so many memories of one embedding model on, a team has cells.
    """

    def __init__(self, sessions: async_sessionmaker[AsyncSession], smallest: int = LARGE_TEAM) -> None:
        self._sessions = sessions
        self._smallest = smallest

    async def sort_some(self, team_id: UUID) -> int:
        """Learns, or puts one batch of memories into their cells; returns how many cells or memories changed."""
        async with team_session(self._sessions, team_id) as session:
            repository = MemoryCellRepository(session)
            newest = await repository.find_newest()
            memories = await repository.count_memories()
        if memories >= (self._smallest if newest is None else GROWTH * newest.memories):
            learned = await self._learn(team_id, newest)
            if learned:
                return learned
        if newest is None:
            return 0
        return await self._fill(team_id, newest) or await self._change_model(team_id, newest)

    async def _learn(self, team_id: UUID, newest: Generation | None) -> int:
        """Learns a generation from a sample, unless what is there will do; returns how many cells it has."""
        async with team_session(self._sessions, team_id) as session:
            repository = MemoryCellRepository(session)
            models = await repository.count_models()
            model, memories = next(iter(models.items()), ("", 0))
            is_enough = newest is not None and newest.model == model and memories < GROWTH * newest.memories
            if memories < self._smallest or is_enough:
                return 0
            cells = round(_CELLS_OF_ROOT * math.sqrt(memories))
            sample = await repository.sample(model, min(_SAMPLE_OF_CELL * cells, _LARGEST_SAMPLE))
        centroids = await asyncio.to_thread(_learn_from, sample, min(cells, len(sample)))
        async with team_session(self._sessions, team_id, "upkeep") as session:
            repository = MemoryCellRepository(session)
            if not await repository.try_lock() or await repository.find_newest() != newest:
                return 0  # somebody else has learned meanwhile
            await repository.add_generation(model, memories, centroids)
        return len(centroids)

    async def _fill(self, team_id: UUID, newest: Generation) -> int:
        """Puts memories that are new, or lie in older cells, into the newest ones; then takes older ones out of use."""
        async with team_session(self._sessions, team_id, "upkeep") as session:
            repository = MemoryCellRepository(session)
            # Held to the end: a cell into which something is put must not be taken out of use meanwhile.
            if not await repository.try_lock() or await repository.find_newest() != newest:
                return 0
            vectors = await repository.take_outside(newest.model, BATCH) or await repository.take_older(newest, BATCH)
            if not vectors:
                return await repository.retire(newest)
            centroids = await repository.list_centroids(newest.number)
            places = await asyncio.to_thread(_place, list(vectors.values()), list(centroids.values()))
            numbers = list(centroids)
            await repository.put({memory_id: numbers[place] for memory_id, place in zip(vectors, places, strict=True)})
        return len(vectors)

    async def _change_model(self, team_id: UUID, newest: Generation) -> int:
        """Learns for another model, once most memories have its vectors."""
        async with team_session(self._sessions, team_id) as session:
            outside = await MemoryCellRepository(session).count_outside(self._smallest)
        return await self._learn(team_id, newest) if outside >= self._smallest else 0


def _learn_from(sample: Sequence[bytes], cells: int) -> list[bytes]:
    from tahoe_engine.memory.clustering import learn_centroids, read_vectors  # noqa: PLC0415 - numpy takes its time

    return [pack_vector(centroid) for centroid in learn_centroids(read_vectors(sample), cells).tolist()]


def _place(vectors: Sequence[bytes], centroids: Sequence[bytes]) -> list[int]:
    from tahoe_engine.memory.clustering import find_nearest, read_vectors  # noqa: PLC0415 - as above

    return [int(place) for place in find_nearest(read_vectors(vectors), read_vectors(centroids))]
