"""What `memory_scale.py` writes: one add beside a raw INSERT, bulk, eight writers; and the embedding of texts."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import numpy as np
from memory_scale_data import DIMENSIONS, MODEL, MadeUp
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_engine.composition import build_memory_embedding
from tahoe_engine.db.repositories.vector_codec import pack_vector
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory.memories import Memories
from tahoe_engine.memory.preparing import prepare
from tahoe_engine.models.memory_models import MemoryCreate
from tahoe_engine.settings import load_settings

ADDS = 300
BULK = 20_000
WRITERS = 8
WRITTEN_EACH = 1_000
TOGETHER = 50
"""Memories a call of one of the eight writers."""

# The same columns and the same indexes, but neither log nor guards, policies nor foreign keys.
RAW_TABLE = """
    CREATE TABLE raw_memory (LIKE memory INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS INCLUDING INDEXES
        INCLUDING STORAGE) WITH (toast_tuple_target = 8160, fillfactor = 90)
"""
RAW_INSERT = """
    INSERT INTO raw_memory (team_id, id, root_id, agent_id, memory_type, source, author, content, content_hash,
        embedding, embedding_model, lexemes)
    VALUES ($1, $2, $2, $3, CAST($4 AS text)::memory_type_enum, CAST($5 AS text)::memory_source, $6, $7, $8, $9, $10,
        CAST($11 AS text)::sparsevec)
"""


class GivenAlone:
    """Stands for an embedder where every vector is given."""

    model = MODEL
    dimensions = DIMENSIONS

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Is never asked."""
        raise NotImplementedError(texts)


async def measure_writes(
    sessions: async_sessionmaker[AsyncSession], owner: asyncpg.Connection, data: MadeUp, agent_of: dict[UUID, UUID]
) -> dict[str, Any]:
    """Writes into teams of their own.

    Args:
        sessions: Of the application's role.
        owner: A connection of the tables' owner.
        data: Makes the memories.
        agent_of: Teams that have no memory yet, and an agent of each: three are needed.
    """
    (one, its_agent), (bulk, bulk_agent), (shared, shared_agent) = list(agent_of.items())[:3]
    embedding = MemoryEmbedding(GivenAlone(), GivenAlone())
    add_ms, raw_ms = await _measure_adds(
        Memories(sessions, one, embedding), owner, data.make_memories(ADDS, its_agent), one
    )
    given = data.make_memories(BULK, bulk_agent)
    start = time.perf_counter()
    await Memories(sessions, bulk, embedding).add_many(given)
    bulk_per_s = BULK / (time.perf_counter() - start)
    given = data.make_memories(WRITERS * WRITTEN_EACH, shared_agent)
    memories = Memories(sessions, shared, embedding)
    return {
        "add_ms": add_ms,
        "raw_insert_ms": raw_ms,
        "add_ratio": round(add_ms / raw_ms, 2),
        "bulk_per_s": round(bulk_per_s),
        "writers_single_per_s": await _measure_writers(memories, given[: WRITERS * 100], 1),
        "writers_per_s": await _measure_writers(memories, given[WRITERS * 100 :], TOGETHER),
        "embed_100_s": await asyncio.to_thread(_measure_embedding),
    }


async def _measure_adds(
    memories: Memories, owner: asyncpg.Connection, given: Sequence[MemoryCreate], team_id: UUID
) -> tuple[float, float]:
    """Returns the medians of an add and of a raw INSERT, in milliseconds; they take turns."""
    await owner.execute(RAW_TABLE)
    await owner.set_type_codec("halfvec", schema="public", encoder=bytes, decoder=bytes, format="binary")
    raw = await owner.prepare(RAW_INSERT)
    adds, raws = [], []
    for memory in given:
        row = prepare(memory)
        values = (
            team_id,
            uuid4(),
            row.agent_id,
            row.memory_type,
            row.source,
            row.author,
            row.content,
            row.content_hash,
            pack_vector(row.embedding or []),
            row.embedding_model,
            row.lexemes,
        )
        start = time.perf_counter()
        await raw.fetch(*values)
        between = time.perf_counter()
        await memories.add(memory)
        raws.append(1000 * (between - start))
        adds.append(1000 * (time.perf_counter() - between))
    await owner.execute("DROP TABLE raw_memory")
    return round(float(np.median(adds)), 2), round(float(np.median(raws)), 2)


async def _measure_writers(memories: Memories, given: Sequence[MemoryCreate], together: int) -> int:
    """Returns how many memories a second eight tasks write into one team, so many a call."""

    async def write(mine: Sequence[MemoryCreate]) -> None:
        for first in range(0, len(mine), together):
            batch = mine[first : first + together]
            await (memories.add_many(batch) if together > 1 else memories.add(batch[0]))

    start = time.perf_counter()
    await asyncio.gather(*(write(given[writer::WRITERS]) for writer in range(WRITERS)))
    return round(len(given) / (time.perf_counter() - start))


def _measure_embedding() -> float:
    """Returns the CPU seconds that the local model takes for 100 short texts."""
    embedder = build_memory_embedding(load_settings({})).documents
    texts = [f"Ann met Ben number {number} in the town where they both had lived before." for number in range(100)]
    embedder.embed(texts[:2])
    start = time.process_time()
    embedder.embed(texts)
    return round(time.process_time() - start, 2)
