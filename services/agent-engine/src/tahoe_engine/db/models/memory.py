from datetime import datetime
from uuid import UUID

from pgvector import SparseVector
from pgvector.sqlalchemy import HALFVEC, SPARSEVEC
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Identity,
    Index,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from tahoe_core.db.base import TeamEntity, TeamMixin
from tahoe_core.db.rls import MAY_READ
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import json_object, one_of, within_team
from tahoe_engine.db.models.enums import MEMORY_SOURCE, MEMORY_STATUS, MEMORY_TIER, MEMORY_TYPE
from tahoe_engine.models.memory_models import MemoryEvent, MemorySource, MemoryStatus, MemoryTier, MemoryType

__all__ = [
    "MemoryLogORM",
    "MemoryORM",
    "MemorySource",
    "MemoryStatus",
    "MemoryTagORM",
    "MemoryTier",
    "MemoryType",
]

LIVE = "status IN ('active', 'disputed')"
SEARCHABLE = f"erased_at IS NULL AND {LIVE}"
"""The condition of the indexes that a search scans.

An erasure archives, so it says no more than `LIVE`; but the planner does not know, and so cannot take this index, the
smallest, where another looks up a hash: on a table that was never analyzed it did, at the cost of the whole team.
"""
TYPE_NUMBERS = {kind: number for number, kind in enumerate(MemoryType)}
TYPE_NUMBER = (
    "CASE memory_type"
    + "".join(f" WHEN '{kind}'::memory_type_enum THEN {number}" for kind, number in TYPE_NUMBERS.items())
    + " ELSE NULL::integer END"
)


def uuid_array() -> Mapped[list[UUID]]:
    """A list of ids, empty unless said otherwise."""
    return mapped_column(ARRAY(Uuid), server_default=text("'{}'::uuid[]"))


class MemoryORM(TeamEntity, Base):
    """One version of something remembered. A trigger refuses to change what it says; another logs every event.

    What may change is its state: status, tier, pin, scores, expiry, use, and the derived columns embedding, lexemes and
    cell.

    Attributes:
        root_id: The first version's id, which all versions share.
        type_number: The type's place in the enum, from 0: under row-level security an index may look up numbers, which
            are leakproof, but no enum.
        content_hash: MD5 of the content, for finding the same again; no protection.
        embedding: Of the content alone, scaled to length 1. Undimensioned, so that two models can live side by side;
            half precision, which halves the scan and costs no recall (docs/decisions/0010).
        lexemes: BM25's part of the document, by hashed stem (`tahoe_engine.memory.lexemes`).
        cell: Where it lies among the vectors of a large team (`MemoryCellORM`); None: nowhere yet, so that every search
            looks at it.
        position: Place in the source conversation.
        contradicts: The memories that say otherwise.
        erased_at: When the content was replaced by a tombstone.
    """

    __tablename__ = "memory"
    __table_args__ = (
        within_team("agent_id", "agent"),
        within_team("source_conversation_id", "conversation"),
        UniqueConstraint("team_id", "id"),
        UniqueConstraint("team_id", "root_id", "version"),
        Index("ix_memory_live", "team_id", "cell", "type_number", postgresql_where=text(SEARCHABLE)),
        Index("ix_memory_live_hash", "team_id", "content_hash", postgresql_where=text(LIVE)),
        Index("ix_memory_live_subject", "team_id", "subject", postgresql_where=text(f"subject IS NOT NULL AND {LIVE}")),
        Index(
            "ix_memory_place",
            "team_id",
            "source_conversation_id",
            "position",
            postgresql_where=text("source_conversation_id IS NOT NULL"),
        ),
        Index(None, "team_id", "created_at", "id"),
        Index(
            "ix_memory_pinned", "team_id", postgresql_where=text(f"(is_pinned OR memory_type = 'identity') AND {LIVE}")
        ),
        Index(
            "ix_memory_expires", "team_id", "expires_at", postgresql_where=text(f"expires_at IS NOT NULL AND {LIVE}")
        ),
        CheckConstraint("content <> ''", name="content"),
        CheckConstraint("importance BETWEEN 1 AND 10", name="importance"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
        CheckConstraint("access_count >= 0", name="access_count"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("position >= 0", name="position"),
        CheckConstraint(f"cell IS NULL OR embedding IS NOT NULL AND {SEARCHABLE}", name="cell"),
        CheckConstraint("(embedding IS NULL) = (embedding_model IS NULL)", name="embedding"),
        CheckConstraint(
            "agent_id IS NOT NULL OR memory_type NOT IN ('procedural', 'agent_private', 'identity')", name="agent"
        ),
        CheckConstraint(
            "erased_at IS NULL OR num_nonnulls(embedding, lexemes, content_hash, subject, author) = 0"
            " AND content = '[erased]' AND metadata = '{}'",
            name="erased",
        ),
        {"postgresql_with": {"toast_tuple_target": "8160", "fillfactor": "90"}},
    )

    root_id: Mapped[UUID]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    agent_id: Mapped[UUID | None]
    user_id: Mapped[UUID | None]
    memory_type: Mapped[MemoryType] = mapped_column(MEMORY_TYPE)
    type_number: Mapped[int] = mapped_column(SmallInteger, Computed(TYPE_NUMBER, persisted=True))
    status: Mapped[MemoryStatus] = mapped_column(MEMORY_STATUS, server_default=text("'active'"))
    tier: Mapped[MemoryTier] = mapped_column(MEMORY_TIER, server_default=text("'warm'"))
    source: Mapped[MemorySource] = mapped_column(MEMORY_SOURCE, server_default=text("'explicit'"))
    importance: Mapped[int] = mapped_column(SmallInteger, server_default=text("5"))
    confidence: Mapped[float] = mapped_column(server_default=text("1"))
    is_pinned: Mapped[bool] = mapped_column(server_default=text("false"))
    position: Mapped[int | None]
    access_count: Mapped[int] = mapped_column(server_default=text("0"))
    last_accessed_at: Mapped[datetime | None]
    occurred_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    source_conversation_id: Mapped[UUID | None]
    superseded_by: Mapped[UUID | None]
    content_hash: Mapped[UUID | None]
    embedding: Mapped[list[float] | None] = mapped_column(HALFVEC)
    lexemes: Mapped[SparseVector | None] = mapped_column(SPARSEVEC)
    cell: Mapped[int | None]
    embedding_model: Mapped[str | None]
    author: Mapped[str | None]
    subject: Mapped[str | None]
    content: Mapped[str]
    source_message_ids: Mapped[list[UUID]] = uuid_array()
    contradicts: Mapped[list[UUID]] = uuid_array()
    related_to: Mapped[list[UUID]] = uuid_array()
    extraction_model: Mapped[str | None]
    metadata_json: Mapped[dict[str, object]] = json_object("metadata")


# Of what lies in a cell alone, so that a memory is written without it.
Index(
    "ix_memory_stems",
    func.hash_stems(MemoryORM.team_id, MemoryORM.lexemes),
    postgresql_using="gin",
    postgresql_with={"fastupdate": "off"},
    postgresql_where=text(f"cell IS NOT NULL AND {SEARCHABLE}"),
)


class MemoryLogORM(TeamMixin, Base):
    """What happened to memories, written by triggers alone; never what they say, so that an erasure reaches all of it.

    No foreign key, so that it outlives whatever it speaks of. The state is that after the event.

    Attributes:
        id: Counts in the order of writing.
        memory_ids: The memories of an access, which are logged together; `memory_id` is None then.
        actor: Who did it, as the session said (`app.actor`).
        reason: Why, as the session said (`app.reason`).
    """

    __tablename__ = "memory_log"
    __table_args__ = (
        Index(None, "team_id", "memory_id", "id"),
        Index("ix_memory_log_accesses", "team_id", "id", postgresql_where=text("memory_ids IS NOT NULL")),
        one_of("event", MemoryEvent),
        {"info": MAY_READ},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, sort_order=-3)
    memory_id: Mapped[UUID | None]
    memory_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    event: Mapped[str]
    version: Mapped[int | None]
    status: Mapped[MemoryStatus | None] = mapped_column(MEMORY_STATUS)
    tier: Mapped[MemoryTier | None] = mapped_column(MEMORY_TIER)
    importance: Mapped[int | None] = mapped_column(SmallInteger)
    confidence: Mapped[float | None]
    is_pinned: Mapped[bool | None]
    expires_at: Mapped[datetime | None]
    superseded_by: Mapped[UUID | None]
    actor: Mapped[str | None]
    reason: Mapped[str | None]
    logged_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class MemoryTagORM(TeamEntity, Base):
    """A word by which one version of a memory is found; taken away by `removed_at`, never deleted.

    Given again later, it is another row: a search as of the time between does not find it.
    """

    __tablename__ = "memory_tag"
    __table_args__ = (
        within_team("memory_id", "memory"),
        Index(None, "team_id", "memory_id"),
        Index(
            "uq_memory_tag_given",
            "team_id",
            "memory_id",
            "tag",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index(None, "team_id", "tag"),
    )

    memory_id: Mapped[UUID]
    tag: Mapped[str]
    removed_at: Mapped[datetime | None]
