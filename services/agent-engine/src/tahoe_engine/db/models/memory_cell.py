from uuid import UUID

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.orm import Mapped, mapped_column

from tahoe_engine.db.base import Base


class MemoryCellORM(Base):
    """A part of a large team's memory: what lies nearer to its centroid than to any other of its generation.

    Attributes:
        cell: Counts on over the generations, so that a number means one cell for ever.
        generation: Those that were learned together, from 1.
        memories: How many the team had when they were learned.
        embedding_model: Whose vectors lie in it.
        centroid: Of length 1; None once nothing lies in its generation any more.
    """

    __tablename__ = "memory_cell"
    __table_args__ = ({"postgresql_with": {"toast_tuple_target": "8160"}},)

    team_id: Mapped[UUID] = mapped_column(primary_key=True)
    cell: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    generation: Mapped[int]
    memories: Mapped[int]
    embedding_model: Mapped[str]
    centroid: Mapped[list[float] | None] = mapped_column(HALFVEC)
