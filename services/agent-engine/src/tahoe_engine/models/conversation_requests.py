"""What the HTTP API takes and gives of conversations."""

from pydantic import Field

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.conversation_models import (
    CallId,
    ConversationCreate,
    ConversationStatus,
    FeedbackRating,
    MessageRecord,
    Title,
)
from tahoe_engine.models.turn_models import Turn


class ConversationRequest(ConversationCreate):
    """A conversation to begin.

    Attributes:
        agent: Slug or id of who answers; wins over `agent_id`.
    """

    agent: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=100)


class ConversationUpdate(StrictModel):
    """What is to change; what is left out stays."""

    title: Title | None = None
    status: ConversationStatus | None = None


class SaidMessage(StrictModel):
    """What a user says."""

    content: str = Field(min_length=1, max_length=200_000, pattern=r"^[^\u0000]*[^\s\u0000][^\u0000]*$")


class GivenDecision(StrictModel):
    """What somebody decided about a call that waits.

    Attributes:
        note: What the model is told beside it; where a person was to act, what came of it.
    """

    call_id: CallId
    is_approved: bool
    note: str = Field(default="", max_length=20_000)


class Decisions(StrictModel):
    """About every call that waits."""

    decisions: list[GivenDecision] = Field(min_length=1, max_length=128)


class GivenFeedback(StrictModel):
    """What somebody thought of a message."""

    rating: FeedbackRating
    comment: str = Field(default="", max_length=4000)


class Answer(StrictModel):
    """A turn that has ended or waits, with its messages."""

    turn: Turn
    messages: list[MessageRecord]
