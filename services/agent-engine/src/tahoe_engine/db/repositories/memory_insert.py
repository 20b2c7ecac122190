"""The statement that writes memories, one or many: one array a column, so that it is prepared once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_engine.db.repositories.memory_row import STORED_COLUMNS, NewMemory, to_record
from tahoe_engine.db.repositories.vector_codec import connect_with_vectors, pack_vector
from tahoe_engine.models.memory_models import MemoryRecord

NEAR_COSINE = 0.94
"""From here on two statements of one scope may be the same in other words (docs/guides/memory.md)."""
SMALL_TEAM = 1_000
"""Up to so many memories, near duplicates are looked for while one is added; beyond, the upkeep finds them."""

# Column → how an array of it travels, and what it is cast to then.
_TYPES: Mapping[str, tuple[str, str]] = {
    "id": ("uuid", ""),
    "root_id": ("uuid", ""),
    "version": ("integer", ""),
    "agent_id": ("uuid", ""),
    "user_id": ("uuid", ""),
    "memory_type": ("text", "memory_type_enum"),
    "status": ("text", "memory_status"),
    "source": ("text", "memory_source"),
    "importance": ("integer", "smallint"),
    "confidence": ("float8", ""),
    "is_pinned": ("boolean", ""),
    "position": ("integer", ""),
    "occurred_at": ("timestamptz", ""),
    "expires_at": ("timestamptz", ""),
    "source_conversation_id": ("uuid", ""),
    "content_hash": ("uuid", ""),
    "embedding": ("halfvec", ""),
    "embedding_model": ("text", ""),
    "lexemes": ("text", "sparsevec"),
    "author": ("text", ""),
    "subject": ("text", ""),
    "content": ("text", ""),
    "source_message_ids": ("text", "uuid[]"),
    "contradicts": ("text", "uuid[]"),
    "related_to": ("text", "uuid[]"),
    "extraction_model": ("text", ""),
    "metadata": ("text", "jsonb"),
}
_ID_LISTS = ("source_message_ids", "contradicts", "related_to")

# The same thing said again: the same words, of the same scope; or the same place of a conversation. An episode that
# happens again at another time is another episode: the upkeep consolidates those.
_SAME = """
    m.team_id = $1 AND m.status IN ('active', 'disputed') AND m.content_hash = b.content_hash
    AND m.agent_id IS NOT DISTINCT FROM b.agent_id AND m.user_id IS NOT DISTINCT FROM b.user_id
    AND m.position IS NOT DISTINCT FROM b.position
    AND (b.position IS NULL OR m.source_conversation_id = b.source_conversation_id)
    AND m.memory_type = CAST(b.memory_type AS memory_type_enum)
    AND (b.memory_type <> 'episodic' OR m.occurred_at IS NOT DISTINCT FROM b.occurred_at)
"""
_HAS_SUBJECT = "b.subject IS NOT NULL AND b.position IS NULL"
_SAME_SUBJECT = """
    m.team_id = $1 AND m.status IN ('active', 'disputed') AND m.subject = b.subject
    AND m.agent_id IS NOT DISTINCT FROM b.agent_id AND m.user_id IS NOT DISTINCT FROM b.user_id
"""
_IS_SMALL = f"coalesce((SELECT memories FROM memory_stat WHERE team_id = $1), 0) <= {SMALL_TEAM}"  # noqa: S608
_NEAR = f"""
    m.team_id = $1 AND m.erased_at IS NULL AND m.status IN ('active', 'disputed') AND m.position IS NULL
    AND m.memory_type = CAST(b.memory_type AS memory_type_enum) AND m.memory_type <> 'episodic'
    AND m.agent_id IS NOT DISTINCT FROM b.agent_id AND m.user_id IS NOT DISTINCT FROM b.user_id
    AND CASE WHEN m.embedding_model = b.embedding_model THEN m.embedding <#> b.embedding <= -{NEAR_COSINE} END
"""


async def write_memories(
    session: AsyncSession, team_id: UUID, rows: Sequence[NewMemory], *, guarded: bool, looks_near: bool
) -> dict[UUID, datetime]:
    """Writes rows by one statement, and returns when each was written; it writes no tags.

    Args:
        session: Of the team.
        team_id: Whose memories they are.
        rows: What to write.
        guarded: Whether what is known already, or contradicts what is known by its subject, is left out.
        looks_near: Whether the same in other words counts as known.
    """
    connection = await connect_with_vectors(session)
    statement = _build_insert(guarded=guarded, looks_near=looks_near)
    return {row.id: row.created_at for row in await connection.exec_driver_sql(statement, _bind(team_id, rows))}


async def write_memory(
    session: AsyncSession, team_id: UUID, row: NewMemory, *, looks_near: bool
) -> MemoryRecord | None:
    """Writes one row that has no tags unless it is known, as above; returns it as it is stored."""
    connection = await connect_with_vectors(session)
    statement = _build_insert_of_one(looks_near=looks_near)
    parameters = _bind(team_id, [row])
    values = (team_id, *(array[0] for array in parameters[1:]))
    written = (await connection.exec_driver_sql(statement, values)).one_or_none()
    return to_record(written, tags=[]) if written else None


def _bind(team_id: UUID, rows: Sequence[NewMemory]) -> tuple[Any, ...]:
    arrays = {name: [getattr(row, name) for row in rows] for name in _TYPES}
    arrays["embedding"] = [None if vector is None else pack_vector(vector) for vector in arrays["embedding"]]
    for name in _ID_LISTS:
        arrays[name] = ["{" + ",".join(map(str, ids)) + "}" for ids in arrays[name]]
    return (team_id, *arrays.values())


@cache
def _build_insert(*, guarded: bool, looks_near: bool) -> str:
    arrays = ", ".join(f"CAST(${number} AS {kind}[])" for number, (kind, _cast) in enumerate(_TYPES.values(), start=2))
    return _write_insert(
        source=f"unnest({arrays}) WITH ORDINALITY AS b ({', '.join(_TYPES)}, place)",
        where=_write_guard(looks_near=looks_near) if guarded else "",
        rest="ORDER BY place RETURNING m.id, m.created_at",
    )


@cache
def _build_insert_of_one(*, looks_near: bool) -> str:
    # Without arrays: one plan does for every row, since the planner need not guess how many there are. The type comes
    # as what it is, since such a plan would cast a text anew for every memory that it is compared with.
    kinds = {name: kind for name, (kind, _cast) in _TYPES.items()} | {"memory_type": "memory_type_enum"}
    values = ", ".join(f"CAST(${number} AS {kind}) AS {name}" for number, (name, kind) in enumerate(kinds.items(), 2))
    return _write_insert(
        source=f"(SELECT {values}) AS b",
        where=_write_guard(looks_near=looks_near),
        rest=f"RETURNING {STORED_COLUMNS}",
    )


def _write_insert(*, source: str, where: str, rest: str) -> str:
    values = ", ".join(f"CAST(b.{name} AS {cast})" if cast else f"b.{name}" for name, (_kind, cast) in _TYPES.items())
    names = ", ".join(_TYPES)
    return f"INSERT INTO memory AS m (team_id, {names}) SELECT $1, {values} FROM {source} {where} {rest}"  # noqa: S608


def _write_guard(*, looks_near: bool) -> str:
    # A CASE, since the planner would make NOT EXISTS a join, and on a table that was never analyzed a bad one.
    known = [
        f"WHEN EXISTS (SELECT FROM memory m WHERE {_SAME}) THEN false",
        f"WHEN {_HAS_SUBJECT} AND EXISTS (SELECT FROM memory m WHERE {_SAME_SUBJECT}) THEN false",
    ]
    if looks_near:
        known.append(
            f"WHEN b.position IS NULL AND {_IS_SMALL} AND EXISTS (SELECT FROM memory m WHERE {_NEAR}) THEN false"
        )
    return f"WHERE CASE {' '.join(known)} ELSE true END"
