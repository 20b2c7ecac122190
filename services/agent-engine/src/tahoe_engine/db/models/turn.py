from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import json_array, one_of, within_team
from tahoe_engine.models.turn_models import TurnStatus


class TurnORM(TeamEntity, Base):
    """One turn of a conversation; of each conversation at most one is running.

    Attributes:
        agent_version: Which ran last; None: the turn is older than the record of versions.
        leased_until: While it runs, its process renews this; a turn whose lease has run out is unfinished.
        pending: Tool calls that wait for approval.
        usage: What its runs took so far.
    """

    __tablename__ = "turn"
    __table_args__ = (
        within_team("conversation_id", "conversation"),
        within_team("agent_id", "agent"),
        ForeignKeyConstraint(
            ["team_id", "agent_id", "agent_version"],
            ["agent_version.team_id", "agent_version.agent_id", "agent_version.version"],
            name="fk_turn_team_id_agent_id_agent_version",
        ),
        UniqueConstraint("team_id", "id"),
        Index(None, "team_id", "conversation_id", "created_at", "id"),
        Index(
            "uq_turn_running",
            "team_id",
            "conversation_id",
            unique=True,
            postgresql_where=text("status = 'running'"),
        ),
        one_of("status", TurnStatus),
        CheckConstraint("(status = 'running') = (leased_until IS NOT NULL)", name="lease"),
    )

    conversation_id: Mapped[UUID]
    agent_id: Mapped[UUID | None]
    agent_version: Mapped[int | None]
    status: Mapped[str] = mapped_column(server_default=text("'running'"))
    leased_until: Mapped[datetime | None]
    pending: Mapped[list[object]] = json_array()
    error: Mapped[str | None]
    retrieval_ms: Mapped[float | None]
    memory_tokens: Mapped[int | None]
    usage: Mapped[dict[str, object] | None] = mapped_column(JSONB(none_as_null=True))
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    finished_at: Mapped[datetime | None]
