from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from tahoe_core.db.base import TeamEntity
from tahoe_core.db.rls import MAY_ADD
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import json_object, within_team


class AgentVersionORM(TeamEntity, Base):
    """What an agent was from one moment on; a trigger writes it with each new version, and nobody changes it.

    Attributes:
        dna: AgentDNA of then, with slug and status.
        actor: Who made it, as the session said (`app.actor`).
    """

    __tablename__ = "agent_version"
    __table_args__ = (
        within_team("agent_id", "agent"),
        UniqueConstraint("team_id", "agent_id", "version"),
        CheckConstraint("version >= 1", name="version"),
        {"info": MAY_ADD},
    )

    agent_id: Mapped[UUID]
    version: Mapped[int]
    dna: Mapped[dict[str, object]] = json_object()
    actor: Mapped[str | None]
