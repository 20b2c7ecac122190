"""One turn of a conversation: a message of a user, and all that was done to answer it."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.conversation_models import CallId, Count, MessageRecord
from tahoe_engine.models.memory_models import UsedMemory

Dollars = Annotated[Decimal, Field(ge=0, max_digits=20, decimal_places=10)]


class TurnStatus(StrEnum):
    """How far a turn has come.

    running: the answer is being written. waiting: a tool call waits for somebody's approval. complete: answered.
    failed: a model or a limit ended it. cancelled: somebody did. unfinished: its process died, or the call that waited
    for approval was passed over by a new message.
    """

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNFINISHED = "unfinished"


class PendingApproval(StrictModel):
    """A tool call that waits for somebody's word.

    Attributes:
        call_id: As the assistant's message has it.
        is_callers: The tool is one that whoever asked brought along, and does: its result is waited for, no approval.
    """

    call_id: CallId
    tool_name: str = Field(min_length=1, max_length=200)
    arguments: Mapping[str, JsonValue]
    is_callers: bool = False


class TurnUsage(StrictModel):
    """What the runs of a turn took; it may wait for decisions in between.

    Attributes:
        cached_tokens: A part of `input_tokens`.
        seconds: In which it ran.
    """

    model_calls: Count
    tool_calls: Count
    input_tokens: Count
    cached_tokens: Count
    output_tokens: Count
    seconds: float = Field(ge=0, allow_inf_nan=False)


class Turn(StrictModel):
    """A stored turn.

    Attributes:
        agent_version: Which version of the agent answers. One that was changed while a decision was awaited goes on as
            it is by then, and that one stands here. None: the turn began before versions were kept.
        pending: What waits for approval.
        error: What ended it, where it failed: the kind of error and what to do, never what was said.
        retrieval_ms: How long the memory was searched, in milliseconds.
        memory_tokens: What the context block took.
        usage: Of all its model calls; None until it ends or waits, and where it broke off.
        cost_usd: Of its model calls; None where a model's price is not known.
        created_at: UTC.
        finished_at: UTC.
    """

    id: UUID
    conversation_id: UUID
    agent_id: UUID | None
    agent_version: int | None
    status: TurnStatus
    pending: tuple[PendingApproval, ...]
    error: str | None
    retrieval_ms: float | None
    memory_tokens: int | None
    usage: TurnUsage | None = None
    cost_usd: Dollars | None
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


class TurnTrace(StrictModel):
    """Everything that was done in a turn: its messages in their order, and the memories put before the model."""

    turn: Turn
    messages: list[MessageRecord]
    memories: list[UsedMemory]
