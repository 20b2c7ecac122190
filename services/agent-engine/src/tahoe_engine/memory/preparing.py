"""From what is to be remembered to a row: checked, embedded, its words weighed; needs no database."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated
from uuid import UUID, uuid4

from pydantic import Field, TypeAdapter, ValidationError

from tahoe_core.db.storable import refuse_unstorable, to_json_text
from tahoe_core.errors import InvalidInputError, PayloadTooLargeError, UnavailableError
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.embedding.port import Embedder
from tahoe_engine.memory.lexemes import weigh
from tahoe_engine.memory.search_text import text_to_weigh
from tahoe_engine.models.memory_models import MAX_TAGS, MemoryCreate, MemoryRecord, MemoryStatus, Tag

MAX_METADATA_BYTES = 64 * 1024


def prepare(create: MemoryCreate) -> NewMemory:
    """Makes the first version of a memory; a vector that was given is scaled to length 1.

    Raises:
        InvalidInputError: A text holds what cannot be stored, or the vector is none; `field` says where.
        PayloadTooLargeError: The metadata is too long.
    """
    for field in ("content", "subject", "author", "metadata", "embedding_model", "extraction_model"):
        refuse_unstorable(getattr(create, field), field)
    metadata = to_json_text(create.metadata)
    if len(metadata.encode()) > MAX_METADATA_BYTES:
        raise PayloadTooLargeError(
            f"The metadata has more than {MAX_METADATA_BYTES // 1024} KiB.", cure="Keep a reference there.",
            field="metadata",
        )  # fmt: skip
    memory_id = uuid4()
    return NewMemory(
        id=memory_id,
        root_id=memory_id,
        version=1,
        status=MemoryStatus.ACTIVE,
        content_hash=UUID(bytes=hashlib.md5(create.content.encode(), usedforsecurity=False).digest()),
        embedding=_scale(create.embedding) if create.embedding is not None else None,
        lexemes=weigh(text_to_weigh(create.content, create.author, create.occurred_at)),
        contradicts=[],
        metadata=metadata,
        **{name: getattr(create, name) for name in _TAKEN_OVER},
    )


def to_create(record: MemoryRecord) -> MemoryCreate:
    """Returns what would make such a memory anew, without its vector."""
    kept = {name: getattr(record, name) for name in MemoryCreate.model_fields if name in MemoryRecord.model_fields}
    # Not held to the limits of what comes in: merging may have gathered more.
    return MemoryCreate.model_construct(**kept | {"embedding": None, "embedding_model": None})


def embed(rows: Sequence[NewMemory], embedder: Embedder, retiring: Sequence[Embedder] = ()) -> list[NewMemory]:
    """Returns the rows with the vectors that they lack; where the embedder does not answer, without: words find them.

    A vector of a model that nobody asks with would only be in the way: one of another length stops every comparison.
    It is made anew.

    Args:
        rows: Their vectors, where they have any, are scaled to length 1.
        embedder: What makes vectors.
        retiring: Models whose vectors are found still.

    Raises:
        InvalidInputError: A vector has another length than those of its model.
    """
    in_use = {one.model: one for one in (*retiring, embedder)}
    rows = [_check_vector(row, in_use) for row in rows]
    missing = [row for row in rows if row.embedding is None]
    if not missing:
        return rows
    try:
        vectors = embedder.embed([row.content for row in missing])
    except UnavailableError:
        return rows
    made = {row.id: vector.tolist() for row, vector in zip(missing, vectors, strict=True)}
    return [
        replace(row, embedding=made[row.id], embedding_model=embedder.model) if row.id in made else row for row in rows
    ]


def _check_vector(row: NewMemory, in_use: Mapping[str, Embedder]) -> NewMemory:
    if row.embedding is None or row.embedding_model is None:
        return row
    embedder = in_use.get(row.embedding_model)
    if embedder is None:
        return replace(row, embedding=None, embedding_model=None)
    if len(row.embedding) != embedder.dimensions:
        raise InvalidInputError(
            f"The embedding has {len(row.embedding)} dimensions, {embedder.model} has {embedder.dimensions}.",
            field="embedding",
        )
    return row


_TAGS = TypeAdapter(Annotated[list[Tag], Field(max_length=MAX_TAGS)])
_TAKEN_OVER = (
    "agent_id",
    "user_id",
    "memory_type",
    "source",
    "importance",
    "confidence",
    "is_pinned",
    "position",
    "occurred_at",
    "expires_at",
    "source_conversation_id",
    "embedding_model",
    "author",
    "subject",
    "content",
    "source_message_ids",
    "related_to",
    "extraction_model",
    "tags",
)


def check_tags(tags: Sequence[str]) -> list[str]:
    """Returns the tags, each once.

    Raises:
        InvalidInputError: One of them cannot be a tag, or they are too many.
    """
    try:
        return list(dict.fromkeys(_TAGS.validate_python(list(tags))))
    except ValidationError as error:
        what = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInputError(
            f"The tags cannot be given: {what['msg']}.",
            cure="A tag begins with no space and holds no comma or line break; 64 characters at most.",
            field=".".join(str(part) for part in ("tags", *what["loc"])),
        ) from None


_UNSEEN = 1e-4
"""A difference in length that half precision does not show; most vectors come with length 1."""


def _scale(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    if not vector or not math.isfinite(length) or length == 0:
        raise InvalidInputError("The embedding holds a number that is none, or nothing but zeros.", field="embedding")
    if abs(length - 1) < _UNSEEN:
        return vector
    return [value / length for value in vector]
