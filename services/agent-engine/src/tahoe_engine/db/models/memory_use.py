from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from tahoe_core.db.base import TeamEntity
from tahoe_core.db.rls import MAY_ADD
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import within_team


class MemoryUseORM(TeamEntity, Base):
    """One memory that was put before a model: the exact answer to "what did it know when it said that?".

    Attributes:
        answer_id: What the memories were found for: the message that answers, or whatever the caller names.
        version: The memory's, at that moment.
        rank: From 1, in the order in which they stood before the model.
    """

    __tablename__ = "memory_use"
    __table_args__ = (
        within_team("memory_id", "memory"),
        UniqueConstraint("team_id", "answer_id", "rank"),
        Index(None, "team_id", "memory_id"),
        CheckConstraint("rank >= 1", name="rank"),
        {"info": MAY_ADD},
    )

    answer_id: Mapped[UUID]
    agent_id: Mapped[UUID | None]
    memory_id: Mapped[UUID]
    version: Mapped[int]
    rank: Mapped[int]
    score: Mapped[float | None]
