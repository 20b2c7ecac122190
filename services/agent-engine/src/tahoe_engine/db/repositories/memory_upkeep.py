"""Queries of the upkeep of `memory`: each touches a bounded number of rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    REAL,
    CursorResult,
    Integer,
    Interval,
    Text,
    TextClause,
    Uuid,
    bindparam,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.session import get_team
from tahoe_engine.db.models.memory import LIVE, MemoryORM
from tahoe_engine.db.models.memory_statistics import MemoryStatORM
from tahoe_engine.db.repositories.memory_row import select_records, to_record
from tahoe_engine.models.memory_models import MemoryRecord, MemoryStatus, MemoryType

type Mark = Literal["compared_until", "consolidated_until"]

_TEAM = bindparam("team", type_=Uuid())
# Those in use come first; versions of the past follow, since a search as of then looks for them.
_UNEMBEDDED = text(
    f"""
    SELECT id, content FROM memory
    WHERE team_id = :team AND erased_at IS NULL AND embedding_model IS DISTINCT FROM :model
    ORDER BY {LIVE} DESC, created_at DESC LIMIT :limit
    """  # noqa: S608 - made of constants
).bindparams(_TEAM, bindparam("model", type_=Text()), bindparam("limit", type_=Integer()))
# Not where it was erased meanwhile.
_EMBED = text(
    """
    UPDATE memory m SET embedding_model = :model, embedding = CAST(
        (CAST(:vectors AS real[]))[(place - 1) * :dimensions + 1 : place * :dimensions] AS halfvec)
    FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS made (id, place)
    WHERE m.team_id = :team AND m.id = made.id AND m.erased_at IS NULL
    """
).bindparams(
    _TEAM,
    bindparam("model", type_=Text()),
    bindparam("vectors", type_=ARRAY(REAL)),
    bindparam("dimensions", type_=Integer()),
    bindparam("ids", type_=ARRAY(Uuid)),
)
_EXPIRE = text(
    f"""
    UPDATE memory SET status = 'archived' WHERE team_id = :team AND id IN (
        SELECT id FROM memory WHERE team_id = :team AND {LIVE} AND expires_at <= now()
        ORDER BY expires_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    """  # noqa: S608 - made of constants
).bindparams(_TEAM, bindparam("limit", type_=Integer()))
_MOVE = text(
    f"""
    WITH judged AS (
        SELECT id, CASE
            WHEN access_count >= :often AND last_accessed_at > now() - :lately THEN 'hot'
            WHEN NOT is_pinned AND memory_type <> 'identity' AND importance < :important
                AND coalesce(last_accessed_at, created_at) < now() - :long_ago THEN 'cold'
            ELSE 'warm' END AS tier
        FROM memory WHERE team_id = :team AND {LIVE}
    )
    UPDATE memory m SET tier = CAST(j.tier AS memory_tier)
    FROM (SELECT j.* FROM judged j JOIN memory m ON m.team_id = :team AND m.id = j.id
        WHERE CAST(m.tier AS text) <> j.tier ORDER BY m.id LIMIT :limit) j
    WHERE m.team_id = :team AND m.id = j.id
    """  # noqa: S608 - made of constants
).bindparams(
    _TEAM,
    bindparam("often", type_=Integer()),
    bindparam("lately", type_=Interval()),
    bindparam("important", type_=Integer()),
    bindparam("long_ago", type_=Interval()),
    bindparam("limit", type_=Integer()),
)


@dataclass(frozen=True)
class TierRules:
    """When a memory moves.

    Attributes:
        often: Accesses from which on a memory that was used lately is hot.
        lately: How long ago the last use of a hot one may lie.
        long_ago: Unused for so long, a memory is cold.
        important: From this importance on it never is.
    """

    often: int = 3
    lately: timedelta = timedelta(days=7)
    long_ago: timedelta = timedelta(days=90)
    important: int = 8


class MemoryUpkeepRepository:
    """Queries of a team's upkeep, within the session it is given; it never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._team_id = get_team(session)

    async def list_unembedded(self, model: str, limit: int) -> Mapping[UUID, str]:
        """Returns contents that have no vector of this model."""
        rows = await self._session.execute(_UNEMBEDDED, {"team": self._team_id, "model": model, "limit": limit})
        return {row.id: row.content for row in rows}

    async def set_embeddings(self, model: str, vectors: Mapping[UUID, list[float]]) -> None:
        """Writes vectors of one length."""
        flat = [value for vector in vectors.values() for value in vector]
        dimensions = len(flat) // len(vectors)
        await self._session.execute(
            _EMBED,
            {
                "team": self._team_id,
                "model": model,
                "vectors": flat,
                "dimensions": dimensions,
                "ids": list(vectors),
            },
        )

    async def expire(self, limit: int) -> int:
        """Archives what has expired; returns how many."""
        return await self._count(_EXPIRE, {"limit": limit})

    async def move(self, rules: TierRules, limit: int) -> int:
        """Promotes and demotes by the rules; returns how many."""
        parameters = {
            "often": rules.often,
            "lately": rules.lately,
            "long_ago": rules.long_ago,
            "important": rules.important,
            "limit": limit,
        }
        return await self._count(_MOVE, parameters)

    async def list_since(
        self, mark: Mark, limit: int, *, episodic: bool, before: datetime | None = None
    ) -> list[MemoryRecord]:
        """Returns live memories without a place that were written after the mark, oldest first.

        Args:
            mark: How far the upkeep has come.
            limit: At most so many.
            episodic: Only episodes, or all but them.
            before: Only what was written before.
        """
        model = MemoryORM
        reached = select(getattr(MemoryStatORM, mark)).where(MemoryStatORM.team_id == self._team_id).scalar_subquery()
        query = select_records().where(
            model.team_id == self._team_id,
            model.status == MemoryStatus.ACTIVE,
            model.position.is_(None),
            (model.memory_type == MemoryType.EPISODIC) == episodic,
            reached.is_(None) | (model.created_at > reached),
        )
        if before is not None:
            query = query.where(model.created_at < before)
        rows = await self._session.execute(query.order_by(model.created_at, model.id).limit(limit))
        return [to_record(row) for row in rows]

    async def set_mark(self, mark: Mark, reached: datetime) -> None:
        """Notes how far the upkeep has come; without counts there is nowhere to note it, and it looks again."""
        statement = update(MemoryStatORM).where(MemoryStatORM.team_id == self._team_id).values({mark: reached})
        await self._session.execute(statement)

    async def _count(self, statement: TextClause, parameters: Mapping[str, object]) -> int:
        result = await self._session.execute(statement, {"team": self._team_id, **parameters})
        return cast("CursorResult[Any]", result).rowcount
