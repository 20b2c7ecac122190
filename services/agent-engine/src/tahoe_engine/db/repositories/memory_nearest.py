"""The search by cosine alone: over the team's live memories, in a large team over those in the nearest cells."""

from collections.abc import Collection, Sequence
from functools import cache
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_engine.db.models.memory import LIVE, TYPE_NUMBERS
from tahoe_engine.db.repositories.memory_probe import probe
from tahoe_engine.db.repositories.memory_row import RECORD_COLUMNS, to_record
from tahoe_engine.db.repositories.memory_search import HAS_CELLS, LARGE_TEAM, SCAN_TOGETHER
from tahoe_engine.db.repositories.vector_codec import connect_with_vectors, pack_vector
from tahoe_engine.models.memory_models import MemoryRecord, MemoryType

_PREPARE = f"""
    SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
        s.memories >= {LARGE_TEAM} AND ({HAS_CELLS}) AS has_cells
    FROM memory_stat s WHERE s.team_id = $1
"""  # noqa: S608 - made of constants
_VISIBLE = f"m.team_id = $1 AND m.erased_at IS NULL AND m.{LIVE} AND m.embedding_model = $3"
_OF_TYPES = " AND m.type_number = ANY (CAST($5 AS smallint[]))"
_COSINE = "-(m.embedding <#> CAST($2 AS halfvec))"
_NEAREST = f"""
    WITH {{cells}} nearest AS MATERIALIZED (
        SELECT m.id, m.f FROM ({{candidates}}) m ORDER BY f DESC LIMIT $4
    )
    SELECT n.f AS cosine, {RECORD_COLUMNS}
    FROM nearest n JOIN memory m ON m.team_id = $1 AND m.id = n.id ORDER BY n.f DESC
"""  # noqa: S608 - made of constants


@cache
def _build(*, of_types: bool, cells: bool) -> str:
    visible = _VISIBLE + (_OF_TYPES if of_types else "")
    if not cells:
        candidates = f"SELECT m.id, {_COSINE} AS f FROM memory m WHERE {visible}"  # noqa: S608 - made of constants
        return _NEAREST.format(cells="", candidates=candidates)
    parts = {
        "team": "$1",
        "limit": "$4",
        "visible": visible,
        "f": _COSINE,
        "of_memory": f"-({_COSINE})",
        "of_cell": "CASE WHEN c.embedding_model = $3 THEN c.centroid <#> CAST($2 AS halfvec) END",
    }
    probed, candidates = probe(parts)
    return _NEAREST.format(cells=probed, candidates=candidates)


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
    team = (await connection.exec_driver_sql(_PREPARE, (team_id,))).one_or_none()
    has_cells = team is not None and team.has_cells
    if not has_cells:
        await connection.exec_driver_sql(SCAN_TOGETHER)
    parameters: tuple[object, ...] = (team_id, pack_vector(embedding), embedding_model, limit)
    if types is not None:
        parameters = (*parameters, [TYPE_NUMBERS[kind] for kind in types])
    rows = await connection.exec_driver_sql(_build(of_types=types is not None, cells=has_cells), parameters)
    return [(to_record(row), row.cosine) for row in rows]
