"""Conversations of an agent and a user, and their messages."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, JsonValue, StringConstraints, model_validator

from tahoe_engine.models.base import StrictModel

MAX_CONTENT_CHARACTERS = 1_000_000
MAX_TOOL_CALLS = 128
IDLE_AFTER = timedelta(hours=1)
SESSION_STATE = "adk_state"
EVENT_DOCUMENT = "adk_event"
"""Keys of the metadata of a session and of its messages: the state, and the event, each as JSON in a text.

They may be large, repeat what stands elsewhere, and are never shown.
"""
STATE_PLACE = "adk-state:"
"""How the external ids of conversations begin in which nobody speaks: they keep an application's or a user's state."""

CallId = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Metadata = Annotated[Mapping[str, JsonValue], Field(max_length=100)]
Milliseconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class MessageRole(StrEnum):
    """Who a message is from, as models have it."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


class ConversationStatus(StrEnum):
    """Whether somebody is talking. An idle one goes on with its next message, a closed one does not.

    One that is active is told as idle once nothing has happened in it for `IDLE_AFTER`.
    """

    ACTIVE = "active"
    IDLE = "idle"
    CLOSED = "closed"


class FeedbackRating(StrEnum):
    """What a reader thought of an answer."""

    UP = "up"
    DOWN = "down"


class ConversationCreate(StrictModel):
    """A conversation to begin.

    Attributes:
        agent_id: Who answers; None where it was imported and none of the team's agents did.
        user_id: Who talks to the agent; None: nobody whom auth knows.
        external_id: What the source calls it, where it was imported.
    """

    agent_id: UUID | None = None
    user_id: UUID | None = None
    external_id: str | None = Field(default=None, min_length=1, max_length=200)
    title: Title = ""
    metadata: Metadata = Field(default_factory=dict)


class Conversation(ConversationCreate):
    """A stored conversation.

    Attributes:
        last_message_at: UTC; None while it has no message.
        closed_at: UTC; None while it can go on.
        created_at: UTC.
        updated_at: UTC.
    """

    id: UUID
    status: ConversationStatus
    message_count: Count
    last_message_at: AwareDatetime | None
    closed_at: AwareDatetime | None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ConversationFilter(StrictModel):
    """Which conversations a list shows; what is left out does not matter."""

    agent_id: UUID | None = None
    user_id: UUID | None = None
    status: ConversationStatus | None = None
    external_id: str | None = None


class MessageToolCall(StrictModel):
    """A call of a tool that a model asked for.

    Attributes:
        arguments: None when what the model wrote is no JSON object.
        arguments_text: What the model wrote, to the letter.
    """

    id: CallId
    name: str = Field(min_length=1, max_length=200)
    arguments: Mapping[str, JsonValue] | None
    arguments_text: str = Field(max_length=MAX_CONTENT_CHARACTERS)


class ToolResult(StrictModel):
    """Which call a tool message answers; the answer itself is the message's content."""

    tool_call_id: CallId
    tool_name: str | None = Field(default=None, min_length=1, max_length=200)
    is_error: bool = False


class MessageUsage(StrictModel):
    """What the model calls behind a message took.

    Attributes:
        input_tokens: Cached ones included.
        latency_ms: From the request to the last byte of the answer, in milliseconds.
    """

    model: str = Field(min_length=1, max_length=200)
    input_tokens: Count
    cached_tokens: Count = 0
    output_tokens: Count
    latency_ms: Milliseconds

    @model_validator(mode="after")
    def _cached_is_a_part(self) -> Self:
        if self.cached_tokens > self.input_tokens:
            raise ValueError("cached_tokens is more than input_tokens, of which it is a part")
        return self


class MessageFeedback(StrictModel):
    """What somebody thought of a message.

    Attributes:
        given_at: UTC.
    """

    rating: FeedbackRating
    comment: str = Field(default="", max_length=4000)
    user_id: UUID | None = None
    given_at: AwareDatetime


class MessageCreate(StrictModel):
    """A message to add.

    Attributes:
        tool_calls: What an assistant's message asks for.
        tool_result: What a tool's message answers.
        usage: Of an assistant's message.
        is_complete: False for an answer that was cut off.
    """

    role: MessageRole
    content: str = Field(default="", max_length=MAX_CONTENT_CHARACTERS)
    tool_calls: tuple[MessageToolCall, ...] = Field(default=(), max_length=MAX_TOOL_CALLS)
    tool_result: ToolResult | None = None
    usage: MessageUsage | None = None
    is_complete: bool = True
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="after")
    def _keeps_to_its_role(self) -> Self:
        if self.role is not MessageRole.ASSISTANT and (self.tool_calls or self.usage or not self.is_complete):
            raise ValueError("tool_calls, usage and is_complete=false belong to the role assistant")
        if (self.role is MessageRole.TOOL) != (self.tool_result is not None):
            raise ValueError("tool_result belongs to the role tool, which always has one")
        if len({call.id for call in self.tool_calls}) < len(self.tool_calls):
            raise ValueError("two tool calls have the same id")
        return self

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        # A tool may answer with nothing, and an answer may be cut off before its first word.
        if self.role in {MessageRole.USER, MessageRole.SYSTEM}:
            is_empty = not self.content.strip()
        else:
            is_empty = self.role is MessageRole.ASSISTANT and self.is_complete and not (self.content or self.tool_calls)
        if is_empty:
            raise ValueError("the message says nothing")
        return self


class MessageRecord(MessageCreate):
    """A stored message.

    Attributes:
        position: 0-based place in the conversation.
        created_at: UTC.
    """

    id: UUID
    conversation_id: UUID
    position: Count
    feedback: MessageFeedback | None = None
    created_at: AwareDatetime
