from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from tahoe_core.db.base import TeamEntity
from tahoe_core.db.rls import MAY_ADD
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import one_of, within_team
from tahoe_engine.models.model_call import ModelCallPurpose


class ModelCallORM(TeamEntity, Base):
    """A model call that no message shows.

    Attributes:
        latency_ms: From the request to the last byte of the answer, in milliseconds.
        cost_usd: None: the price is not known.
        error: Why nothing came of it.
    """

    __tablename__ = "model_call"
    __table_args__ = (
        within_team("conversation_id", "conversation"),
        within_team("agent_id", "agent"),
        Index(None, "team_id", "conversation_id", "created_at", "id"),
        one_of("purpose", ModelCallPurpose),
        CheckConstraint("input_tokens >= 0 AND cached_tokens >= 0 AND output_tokens >= 0", name="tokens"),
        {"info": MAY_ADD},
    )

    conversation_id: Mapped[UUID]
    agent_id: Mapped[UUID | None]
    purpose: Mapped[str]
    provider: Mapped[str]
    model: Mapped[str]
    input_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    output_tokens: Mapped[int]
    latency_ms: Mapped[float]
    cost_usd: Mapped[Decimal | None] = mapped_column(Numeric(20, 10))
    error: Mapped[str | None]
