"""Queries of `memory_cell`, and of where memories lie: each touches a bounded number of rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, CursorResult, Integer, Text, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.session import get_team
from tahoe_engine.db.models.memory import SEARCHABLE
from tahoe_engine.db.models.memory_cell import MemoryCellORM
from tahoe_engine.db.models.memory_statistics import MemoryStatORM
from tahoe_engine.db.repositories.vector_codec import connect_with_vectors

_TEAM = bindparam("team", type_=Uuid())
_MODEL = bindparam("model", type_=Text())
_LIMIT = bindparam("limit", type_=Integer())
_FIRST = bindparam("first", type_=Integer())
_KEY = func.hashtextextended(bindparam("key"), 2)
_OUTSIDE = text(
    f"""
    SELECT count(*) FROM (
        SELECT FROM memory WHERE team_id = :team AND {SEARCHABLE} AND cell IS NULL AND embedding IS NOT NULL
        LIMIT :limit
    ) outside
    """  # noqa: S608 - made of constants
).bindparams(_TEAM, _LIMIT)
_MODELS = text(
    f"""
    SELECT embedding_model, count(*) AS memories FROM memory
    WHERE team_id = :team AND {SEARCHABLE} AND embedding_model IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1
    """  # noqa: S608 - made of constants
).bindparams(_TEAM)
# Ids are random, so the first are a sample, the same one every time.
_SAMPLE = text(
    f"""
    SELECT halfvec_send(embedding) FROM memory
    WHERE team_id = :team AND {SEARCHABLE} AND embedding_model = :model ORDER BY id LIMIT :limit
    """  # noqa: S608 - made of constants
).bindparams(_TEAM, _MODEL, _LIMIT)
# Whoever holds a row has it; the next batch comes by again. It waits for nobody, so nobody waits for each other.
_TAKE = """
    SELECT id, halfvec_send(embedding) AS vector FROM memory
    WHERE team_id = :team AND {searchable} AND embedding_model = :model AND {where}
    LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
"""
_TAKE_OUTSIDE, _TAKE_OLDER = (
    text(_TAKE.format(searchable=SEARCHABLE, where=where)).bindparams(_TEAM, _MODEL, _LIMIT)
    for where in ("cell IS NULL", "cell < :first")
)
_PUT = text(
    """
    UPDATE memory m SET cell = made.cell
    FROM unnest(CAST(:ids AS uuid[]), CAST(:cells AS integer[])) AS made (id, cell)
    WHERE m.team_id = :team AND m.id = made.id
    """
).bindparams(_TEAM, bindparam("ids", type_=ARRAY(Uuid)), bindparam("cells", type_=ARRAY(Integer)))
_RETIRE = text(
    f"""
    UPDATE memory_cell SET centroid = NULL
    WHERE team_id = :team AND cell < :first AND centroid IS NOT NULL AND NOT EXISTS (
        SELECT FROM memory WHERE team_id = :team AND {SEARCHABLE} AND cell < :first
    )
    """  # noqa: S608 - made of constants
).bindparams(_TEAM, _FIRST)
_AROUND = text(
    """
    SELECT DISTINCT n.cell FROM memory m CROSS JOIN LATERAL (
        SELECT DISTINCT ON (c.generation) c.cell FROM memory_cell c
        WHERE c.team_id = :team AND c.embedding_model = m.embedding_model AND c.centroid IS NOT NULL
        ORDER BY c.generation, c.centroid <#> m.embedding
    ) n
    WHERE m.team_id = :team AND m.id = ANY (:ids)
    """
).bindparams(_TEAM, bindparam("ids", type_=ARRAY(Uuid)))
_AVERAGE = text(
    f"""
    UPDATE memory_cell c SET centroid = (
        SELECT l2_normalize(avg(m.embedding)) FROM memory m
        WHERE m.team_id = :team AND {SEARCHABLE} AND m.cell = c.cell
    )
    WHERE c.team_id = :team AND c.cell = ANY (:cells)
    """  # noqa: S608 - made of constants
).bindparams(_TEAM, bindparam("cells", type_=ARRAY(Integer)))
# As the driver takes it: its array of vectors travels as bytes.
_ADD = """
    INSERT INTO memory_cell (team_id, cell, generation, memories, embedding_model, centroid)
    SELECT $1, known.cell + made.place, known.generation + 1, $2, $3, made.centroid
    FROM unnest(CAST($4 AS halfvec[])) WITH ORDINALITY AS made (centroid, place), (
        SELECT coalesce(max(cell), 0) AS cell, coalesce(max(generation), 0) AS generation
        FROM memory_cell WHERE team_id = $1
    ) known
"""


@dataclass(frozen=True)
class Generation:
    """Cells that were learned together.

    Attributes:
        memories: How many the team had then.
        first: Its smallest number; all cells of later generations have larger ones.
    """

    number: int
    memories: int
    model: str
    first: int


class MemoryCellRepository:
    """Queries of a team's cells, within the session it is given; it never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._team_id = get_team(session)

    async def try_lock(self) -> bool:
        """Whether nobody else changes the team's cells; nobody does, then, until the transaction ends."""
        return bool(await self._session.scalar(select(func.pg_try_advisory_xact_lock(_KEY)), {"key": self._lock_key}))

    async def lock(self) -> None:
        """Waits until nobody else changes the team's cells, for less than a second: until a batch is done."""
        await self._session.execute(select(func.pg_advisory_xact_lock(_KEY)), {"key": self._lock_key})

    async def count_memories(self) -> int:
        """Returns how many live memories there were at the last count."""
        query = select(MemoryStatORM.memories).where(MemoryStatORM.team_id == self._team_id)
        return await self._session.scalar(query) or 0

    async def count_outside(self, most: int) -> int:
        """Returns how many memories with a vector lie in no cell; it counts no further than to `most`."""
        return await self._session.scalar(_OUTSIDE, {"team": self._team_id, "limit": most}) or 0

    async def count_models(self) -> Mapping[str, int]:
        """Returns how many live memories each embedding model has, the most frequent model first."""
        rows = await self._session.execute(_MODELS, {"team": self._team_id})
        return {row.embedding_model: row.memories for row in rows}

    async def find_newest(self) -> Generation | None:
        """Returns the newest generation, if there is any."""
        cell = MemoryCellORM
        query = (
            select(cell.generation, cell.memories, cell.embedding_model, func.min(cell.cell))
            .where(cell.team_id == self._team_id, cell.centroid.is_not(None))
            .group_by(cell.generation, cell.memories, cell.embedding_model)
            .order_by(cell.generation.desc())
            .limit(1)
        )
        row = (await self._session.execute(query)).one_or_none()
        return None if row is None else Generation(*row)

    async def list_centroids(self, generation: int) -> Mapping[int, bytes]:
        """Returns cells of a generation, and their centroids as pgvector sends them."""
        cell = MemoryCellORM
        query = select(cell.cell, func.halfvec_send(cell.centroid)).where(
            cell.team_id == self._team_id, cell.generation == generation, cell.centroid.is_not(None)
        )
        return {row[0]: row[1] for row in await self._session.execute(query)}

    async def sample(self, model: str, limit: int) -> list[bytes]:
        """Returns some vectors of live memories as pgvector sends them."""
        return list(await self._session.scalars(_SAMPLE, {"team": self._team_id, "model": model, "limit": limit}))

    async def add_generation(self, model: str, memories: int, centroids: Sequence[bytes]) -> None:
        """Writes cells; `centroids` are as `pack_vector` makes them, and nothing lies in them yet."""
        connection = await connect_with_vectors(self._session)
        await connection.exec_driver_sql(_ADD, (self._team_id, memories, model, list(centroids)))

    async def take_outside(self, model: str, limit: int) -> Mapping[UUID, bytes]:
        """Locks live memories of this model that lie in no cell; returns their vectors."""
        return await self._take(_TAKE_OUTSIDE, model=model, limit=limit)

    async def take_older(self, generation: Generation, limit: int) -> Mapping[UUID, bytes]:
        """Locks live memories of its model that lie in a cell of an older generation; returns their vectors."""
        return await self._take(_TAKE_OLDER, model=generation.model, first=generation.first, limit=limit)

    async def put(self, cells: Mapping[UUID, int]) -> None:
        """Says where memories lie that are locked."""
        parameters = {"team": self._team_id, "ids": list(cells), "cells": list(cells.values())}
        await self._session.execute(_PUT, parameters)

    async def retire(self, before: Generation) -> int:
        """Takes older generations out of use once nothing lies in them any more; returns how many cells."""
        result = await self._session.execute(_RETIRE, {"team": self._team_id, "first": before.first})
        return cast("CursorResult[Any]", result).rowcount

    async def list_around(self, memory_ids: Collection[UUID]) -> list[int]:
        """Returns the cells, of every generation in use, nearest to these memories' vectors: what they were part of."""
        return list(await self._session.scalars(_AROUND, {"team": self._team_id, "ids": list(memory_ids)}))

    async def average(self, cells: Sequence[int]) -> None:
        """Makes centroids anew, of nothing but what lies in their cells now; a cell in which nothing lies has none."""
        await self._session.execute(_AVERAGE, {"team": self._team_id, "cells": list(cells)})

    async def _take(self, statement: Any, **parameters: object) -> Mapping[UUID, bytes]:  # noqa: ANN401 - bound text
        rows = await self._session.execute(statement, {"team": self._team_id, **parameters})
        return {row.id: row.vector for row in rows}

    @property
    def _lock_key(self) -> str:
        return f"agent_engine memory cells {self._team_id}"
