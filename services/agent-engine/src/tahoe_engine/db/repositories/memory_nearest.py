"""The search by cosine alone: exact, over the team's live memories."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_engine.db.models.memory import LIVE, TYPE_NUMBERS
from tahoe_engine.db.repositories.memory_row import RECORD_COLUMNS, to_record
from tahoe_engine.db.repositories.memory_search import SCAN_TOGETHER
from tahoe_engine.db.repositories.vector_codec import connect_with_vectors, pack_vector
from tahoe_engine.models.memory_models import MemoryRecord, MemoryType

_NEAREST = f"""
    WITH nearest AS MATERIALIZED (
        SELECT m.id, m.embedding <#> CAST($2 AS halfvec) AS distance FROM memory m
        WHERE m.team_id = $1 AND m.erased_at IS NULL AND m.{LIVE} AND m.embedding_model = $3 {{of_types}}
        ORDER BY distance LIMIT $4
    )
    SELECT -n.distance AS cosine, {RECORD_COLUMNS}
    FROM nearest n JOIN memory m ON m.team_id = $1 AND m.id = n.id ORDER BY n.distance
"""  # noqa: S608 - made of constants
_OF_ALL_TYPES = _NEAREST.format(of_types="")
_OF_SOME_TYPES = _NEAREST.format(of_types="AND m.type_number = ANY (CAST($5 AS smallint[]))")


async def list_nearest(
    session: AsyncSession,
    team_id: UUID,
    embedding: Sequence[float],
    embedding_model: str,
    limit: int,
    types: Collection[MemoryType] | None,
) -> list[tuple[MemoryRecord, float]]:
    """Returns the nearest live memories of a team, nearest first, with their cosine."""
    connection = await connect_with_vectors(session)
    await connection.exec_driver_sql(SCAN_TOGETHER)
    parameters = (team_id, pack_vector(embedding), embedding_model, limit)
    rows = await (
        connection.exec_driver_sql(_OF_ALL_TYPES, parameters)
        if types is None
        else connection.exec_driver_sql(_OF_SOME_TYPES, (*parameters, [TYPE_NUMBERS[kind] for kind in types]))
    )
    return [(to_record(row), row.cosine) for row in rows]
