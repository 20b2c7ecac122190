"""How a memory becomes a row, and a row a record again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tahoe_engine.db.models.memory import MemoryORM, MemoryTagORM
from tahoe_engine.models.memory_models import MemoryRecord, MemorySource, MemoryStatus, MemoryType


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMemory:
    """A row to be written.

    Attributes:
        embedding: Scaled to length 1; None: it is made later.
        lexemes: As pgvector writes a `sparsevec`; None where the content has no word.
        metadata: JSON text.
    """

    id: UUID
    root_id: UUID
    version: int
    agent_id: UUID | None
    user_id: UUID | None
    memory_type: MemoryType
    status: MemoryStatus
    source: MemorySource
    importance: int
    confidence: float
    is_pinned: bool
    position: int | None
    occurred_at: datetime | None
    expires_at: datetime | None
    source_conversation_id: UUID | None
    content_hash: UUID
    embedding: list[float] | None
    embedding_model: str | None
    lexemes: str | None
    author: str | None
    subject: str | None
    content: str
    source_message_ids: list[UUID]
    contradicts: list[UUID]
    related_to: list[UUID]
    extraction_model: str | None
    metadata: str
    tags: list[str] = field(default_factory=list)


_LEFT_OUT = {"team_id", "type_number", "embedding", "lexemes", "content_hash", "cell"}
_TABLE = MemoryORM.metadata.tables[MemoryORM.__tablename__]
_TAGS = (
    select(func.array_agg(aggregate_order_by(MemoryTagORM.tag, MemoryTagORM.tag)))
    .where(
        MemoryTagORM.team_id == MemoryORM.team_id,
        MemoryTagORM.memory_id == MemoryORM.id,
        MemoryTagORM.removed_at.is_(None),
    )
    .correlate(MemoryORM)
    .scalar_subquery()
)

STORED_COLUMNS = ", ".join(
    [
        *(f"m.{column.name}" for column in _TABLE.columns if column.name not in _LEFT_OUT),
        "m.embedding IS NOT NULL AS is_embedded",
    ]
)
"""The same for a statement that the driver takes as it is, where memory is `m`; the tags are not among them."""
RECORD_COLUMNS = f"""{STORED_COLUMNS}, ARRAY(
    SELECT t.tag FROM memory_tag t WHERE t.team_id = m.team_id AND t.memory_id = m.id AND t.removed_at IS NULL
    ORDER BY t.tag) AS tags"""  # noqa: S608 - made of constants


def select_records() -> Select[*tuple[Any, ...]]:
    """Begins a query whose rows `to_record` takes; the derived columns, which are long, stay behind."""
    columns = [column for column in _TABLE.columns if column.name not in _LEFT_OUT]
    is_embedded = _TABLE.c.embedding.is_not(None).label("is_embedded")
    return select(*columns, is_embedded, _TAGS.label("tags"))


def to_record(row: Row[Any], **changed: Any) -> MemoryRecord:  # noqa: ANN401 - columns of the row, by name
    """Returns the record of a row; `changed` are columns that were otherwise at another moment."""
    names, pick = _find_fields(row._fields)
    values = dict(zip(names, pick(row), strict=True)) | changed
    values["tags"] = values["tags"] or []
    return MemoryRecord.model_validate(values)


@cache
def _find_fields(columns: tuple[str, ...]) -> tuple[Sequence[str], Callable[[Row[Any]], tuple[Any, ...]]]:
    """Returns which fields of a record rows with these columns have, and what takes them out, a search's forty fast."""
    names = [name for name in MemoryRecord.model_fields if name in columns]
    return names, itemgetter(*map(columns.index, names))
