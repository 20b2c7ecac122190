"""The statement that writes memories, one or many: one array a column, so that it is prepared once."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, REAL, TIMESTAMP, Boolean, Double, Float, Integer, Text, TextClause, Uuid, bindparam, text
from sqlalchemy.types import TypeEngine

from tahoe_engine.db.repositories.memory_row import NewMemory

NEAR_COSINE = 0.94
"""From here on two statements of one scope may be the same in other words (docs/guides/memory.md)."""
SMALL_TEAM = 1_000
"""Up to so many memories, near duplicates are looked for while one is added; beyond, the upkeep finds them."""

# Column → how it travels. What has no type of its own in an array travels as text.
_TYPES: Mapping[str, tuple[TypeEngine[Any], str]] = {
    "id": (Uuid(), ""),
    "root_id": (Uuid(), ""),
    "version": (Integer(), ""),
    "agent_id": (Uuid(), ""),
    "user_id": (Uuid(), ""),
    "memory_type": (Text(), "memory_type_enum"),
    "status": (Text(), "memory_status"),
    "source": (Text(), "memory_source"),
    "importance": (Integer(), "smallint"),
    "confidence": (Double(), ""),
    "is_pinned": (Boolean(), ""),
    "position": (Integer(), ""),
    "occurred_at": (TIMESTAMP(timezone=True), ""),
    "expires_at": (TIMESTAMP(timezone=True), ""),
    "source_conversation_id": (Uuid(), ""),
    "content_hash": (Uuid(), ""),
    "embedding_model": (Text(), ""),
    "lexemes": (Text(), "sparsevec"),
    "author": (Text(), ""),
    "subject": (Text(), ""),
    "content": (Text(), ""),
    "source_message_ids": (Text(), "uuid[]"),
    "contradicts": (Text(), "uuid[]"),
    "related_to": (Text(), "uuid[]"),
    "extraction_model": (Text(), ""),
    "metadata": (Text(), "jsonb"),
}
_ID_LISTS = ("source_message_ids", "contradicts", "related_to")

# The same thing said again: the same words, of the same scope; or the same place of a conversation. An episode that
# happens again at another time is another episode: the upkeep consolidates those.
SAME = """
    m.team_id = :team AND m.status IN ('active', 'disputed') AND m.content_hash = b.content_hash
    AND m.agent_id IS NOT DISTINCT FROM b.agent_id AND m.user_id IS NOT DISTINCT FROM b.user_id
    AND m.position IS NOT DISTINCT FROM b.position
    AND (b.position IS NULL OR m.source_conversation_id = b.source_conversation_id)
    AND m.memory_type = CAST(b.memory_type AS memory_type_enum)
    AND (b.memory_type <> 'episodic' OR m.occurred_at IS NOT DISTINCT FROM b.occurred_at)
"""
_SAME_SUBJECT = """
    m.team_id = :team AND m.status IN ('active', 'disputed') AND m.subject = b.subject
    AND m.agent_id IS NOT DISTINCT FROM b.agent_id AND m.user_id IS NOT DISTINCT FROM b.user_id
"""
_NEAR = """
    m.team_id = :team AND m.status IN ('active', 'disputed') AND m.position IS NULL
    AND m.memory_type = CAST(b.memory_type AS memory_type_enum) AND m.memory_type <> 'episodic'
    AND m.agent_id IS NOT DISTINCT FROM b.agent_id AND m.user_id IS NOT DISTINCT FROM b.user_id
    AND CASE WHEN m.embedding_model = b.embedding_model THEN m.embedding <#> b.vector <= -:near END
"""


def _statement() -> TextClause:
    kinds = {"Uuid": "uuid", "Integer": "integer", "Text": "text", "Double": "double precision", "Boolean": "boolean"}
    arrays = ", ".join(
        f"CAST(:{name} AS {kinds.get(type(kind).__name__, 'timestamptz')}[])" for name, (kind, _cast) in _TYPES.items()
    )
    names = ", ".join(_TYPES)
    values = ", ".join(f"CAST(b.{name} AS {cast})" if cast else f"b.{name}" for name, (_kind, cast) in _TYPES.items())
    sql = f"""
        WITH batch AS (
            SELECT u.*, CASE WHEN slot >= 0 THEN
                CAST((CAST(:vectors AS real[]))[slot * :dimensions + 1 : (slot + 1) * :dimensions] AS halfvec)
                END AS vector
            FROM unnest({arrays}, CAST(:slot AS integer[]), CAST(:guarded AS boolean[]))
                WITH ORDINALITY AS u ({names}, slot, guarded, place)
        )
        INSERT INTO memory (team_id, embedding, {names})
        SELECT :team, b.vector, {values}
        FROM batch b
        WHERE NOT b.guarded OR NOT (
            EXISTS (SELECT FROM memory m WHERE {SAME})
            OR b.subject IS NOT NULL AND b.position IS NULL AND EXISTS (SELECT FROM memory m WHERE {_SAME_SUBJECT})
            OR :looks_near AND b.position IS NULL AND EXISTS (SELECT FROM memory m WHERE {_NEAR})
        )
        ORDER BY place
        RETURNING id, created_at
    """  # noqa: S608 - column names alone
    parameters: list[Any] = [bindparam(name, type_=ARRAY(kind)) for name, (kind, _cast) in _TYPES.items()]
    parameters += [
        bindparam("team", type_=Uuid()),
        bindparam("vectors", type_=ARRAY(REAL)),
        bindparam("dimensions", type_=Integer()),
        bindparam("slot", type_=ARRAY(Integer)),
        bindparam("guarded", type_=ARRAY(Boolean)),
        bindparam("looks_near", type_=Boolean()),
        bindparam("near", type_=Float()),
    ]
    return text(sql).bindparams(*parameters)


INSERT = _statement()


def bind(team_id: UUID, rows: Sequence[NewMemory], *, guarded: bool, looks_near: bool) -> dict[str, Any]:
    """Returns the parameters of `INSERT`.

    Args:
        team_id: Whose memories they are.
        rows: Their embeddings have one length.
        guarded: Whether what is known already, or contradicts what is known by its subject, is left out.
        looks_near: Whether the same in other words counts as known.
    """
    arrays: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in _TYPES if name not in _ID_LISTS}
    for name in _ID_LISTS:
        arrays[name] = ["{" + ",".join(map(str, getattr(row, name))) + "}" for row in rows]
    vectors: list[float] = []
    slots: list[int] = []
    dimensions = 1
    for row in rows:
        if row.embedding is None:
            slots.append(-1)
            continue
        dimensions = len(row.embedding)
        slots.append(len(vectors) // dimensions)
        vectors.extend(row.embedding)
    return arrays | {
        "team": team_id,
        "vectors": vectors,
        "dimensions": dimensions,
        "slot": slots,
        "guarded": [guarded] * len(rows),
        "looks_near": looks_near,
        "near": NEAR_COSINE,
    }
