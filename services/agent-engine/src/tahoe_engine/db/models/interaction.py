from datetime import datetime

from sqlalchemy import CheckConstraint, Computed, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import json_array, json_object, one_of
from tahoe_engine.models.interaction import InteractionType

MAX_EXTERNAL_ID_CHARACTERS = 500
"""What an index entry of Postgres (2,704 bytes) can hold beside a team, whatever the characters."""


class InteractionORM(TeamEntity, Base):
    """One version of something that happened; other content under the same external id makes a new row.

    Attributes:
        source_key: The external id; the content hash stands for it where there is none.
        version: Counts what came under one external id, in the order in which it came.
        time_zone: In which `occurred_at` was given; the column itself keeps the instant.
        content_hash: SHA-256 in hexadecimal, see `tahoe_engine.interactions.store`.
    """

    __tablename__ = "interactions"
    __table_args__ = (
        UniqueConstraint("team_id", "source_key", "content_hash"),
        UniqueConstraint("team_id", "source_key", "version"),
        UniqueConstraint("team_id", "id"),
        Index(None, "team_id", "created_at", "id"),
        Index(None, "team_id", "type", "created_at", "id"),
        one_of("type", InteractionType),
        CheckConstraint(f"char_length(external_id) <= {MAX_EXTERNAL_ID_CHARACTERS}", name="external_id"),
        CheckConstraint("version >= 1", name="version"),
    )

    external_id: Mapped[str | None]
    source_key: Mapped[str] = mapped_column(Computed("coalesce(external_id, content_hash)", persisted=True))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    type: Mapped[str]
    language: Mapped[str | None]
    occurred_at: Mapped[datetime | None]
    time_zone: Mapped[str | None]
    participants: Mapped[list[object]] = json_array()
    turns: Mapped[list[object]] = json_array()
    metadata_json: Mapped[dict[str, object]] = json_object("metadata")
    content_hash: Mapped[str]
