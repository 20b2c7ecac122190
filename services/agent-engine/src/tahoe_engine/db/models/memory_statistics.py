from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import text_array


class MemoryStatORM(Base):
    """What was counted over a team's live memories, when it was last done, and how far the upkeep has come.

    Attributes:
        authors: Who said them, the most frequent ones.
        spreads: Embedding model → standard deviation of the cosines of questions with its vectors.
        compared_until: Memories written up to then were compared with those before, for near duplicates.
        consolidated_until: Episodes written up to then were looked at for consolidation.
    """

    __tablename__ = "memory_stat"
    __table_args__ = (CheckConstraint("memories >= 0", name="memories"),)

    team_id: Mapped[UUID] = mapped_column(primary_key=True)
    memories: Mapped[int]
    authors: Mapped[list[str]] = text_array()
    spreads: Mapped[dict[str, float]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    counted_at: Mapped[datetime]
    compared_until: Mapped[datetime | None]
    consolidated_until: Mapped[datetime | None]


class MemoryTermORM(Base):
    """In how many of a team's live memories a stem stood when they were last counted.

    Attributes:
        term: The stem's hash, as in `MemoryORM.lexemes`.
        memories: 0 where it stands in none any more.
    """

    __tablename__ = "memory_term"
    __table_args__ = (CheckConstraint("memories >= 0", name="memories"),)

    team_id: Mapped[UUID] = mapped_column(primary_key=True)
    term: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    memories: Mapped[int]
