"""Calls of models that no message shows."""

from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, Field

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.conversation_models import MessageUsage
from tahoe_engine.models.turn_models import Dollars


class ModelCallPurpose(StrEnum):
    """What a model was asked for: to answer, where nothing came of it; or to read a conversation for memories."""

    ANSWER = "answer"
    EXTRACTION = "extraction"


class ModelCallCreate(StrictModel):
    """A call to write down.

    Attributes:
        conversation_id: In which it was asked, or which it read.
        agent_id: For whom.
        cost_usd: None: the price is not known.
        error: The kind of error that it ended with.
    """

    conversation_id: UUID
    agent_id: UUID | None
    purpose: ModelCallPurpose
    provider: str = Field(min_length=1, max_length=200)
    usage: MessageUsage
    cost_usd: Dollars | None = None
    error: str | None = Field(default=None, min_length=1, max_length=200)


class ModelCall(ModelCallCreate):
    """A stored call.

    Attributes:
        created_at: UTC.
    """

    id: UUID
    created_at: AwareDatetime
