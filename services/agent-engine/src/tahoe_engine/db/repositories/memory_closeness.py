"""What says nearly the same, found by its vector."""

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.session import get_team
from tahoe_engine.db.models.memory import LIVE, TYPE_NUMBERS, MemoryORM
from tahoe_engine.db.repositories.memory_row import RECORD_COLUMNS, NewMemory, to_record
from tahoe_engine.db.repositories.vector_codec import connect_with_vectors, pack_vector
from tahoe_engine.models.memory_models import MemoryRecord

_NEAREST_CELLS = 16
"""What is as near as a repetition lies in one of them; a search, which looks farther, begins with as many."""
# One plan does for every row, by the index of what is searched; left to itself, Postgres would come to read the table.
_PLAN_ONCE = "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)"
# Without a cosine where the model is another: vectors of two lengths cannot be compared.
_COMPARED = f"""
        SELECT m.id, CASE WHEN m.embedding_model = $3 THEN -(m.embedding <#> CAST($2 AS halfvec)) END AS cosine
        FROM memory m
        WHERE m.team_id = $1 AND m.erased_at IS NULL AND m.{LIVE} AND m.position IS NULL
            AND m.type_number = CAST($6 AS smallint) AND m.id <> $9
            AND m.agent_id IS NOT DISTINCT FROM CAST($7 AS uuid) AND m.user_id IS NOT DISTINCT FROM CAST($8 AS uuid)
"""  # noqa: S608 - made of constants
# Two scans, as each is one of the index; one with an OR would read the whole team.
_CLOSE = f"""
    WITH nearest AS MATERIALIZED (
        SELECT ARRAY(
            SELECT c.cell FROM (
                SELECT c.cell, row_number() OVER (
                    PARTITION BY c.generation ORDER BY c.centroid <#> CAST($2 AS halfvec)) AS place
                FROM memory_cell c
                WHERE c.team_id = $1 AND c.embedding_model = $3 AND c.centroid IS NOT NULL
            ) c WHERE c.place <= {_NEAREST_CELLS}
        ) AS cells
    ), compared AS ({_COMPARED} AND m.cell IS NULL
        UNION ALL {_COMPARED} AND m.cell = ANY (CAST((SELECT cells FROM nearest) AS integer[]))
    ), close AS MATERIALIZED (
        SELECT id, cosine FROM compared WHERE cosine >= $4 ORDER BY cosine DESC LIMIT $5
    )
    SELECT {RECORD_COLUMNS} FROM close c JOIN memory m ON m.team_id = $1 AND m.id = c.id
    ORDER BY c.cosine DESC, m.created_at
"""  # noqa: S608 - made of constants


async def list_close(
    session: AsyncSession, row: NewMemory | MemoryORM, threshold: float, limit: int
) -> list[MemoryRecord]:
    """Returns what is live, has no place, and is of the same type, agent and user and that near, nearest first.

    Args:
        session: Of the team.
        row: Not among what is returned; without a vector nothing is near.
        threshold: The least cosine.
        limit: At most so many.
    """
    if row.embedding is None:
        return []
    connection = await connect_with_vectors(session)
    await connection.exec_driver_sql(_PLAN_ONCE)
    vector = pack_vector(row.embedding)
    whose = (TYPE_NUMBERS[row.memory_type], row.agent_id, row.user_id, row.id)
    parameters = (get_team(session), vector, row.embedding_model, threshold, limit, *whose)
    return [to_record(one) for one in await connection.exec_driver_sql(_CLOSE, parameters)]
