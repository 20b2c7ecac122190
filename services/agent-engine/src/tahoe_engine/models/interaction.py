"""Something that happened and can be judged."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, Field, JsonValue, model_validator

from tahoe_engine.models.base import StrictModel


class InteractionType(StrEnum):
    """What kind of thing happened."""

    CALL = "call"
    CHAT = "chat"
    EMAIL = "email"
    TRAJECTORY = "trajectory"


class Role(StrEnum):
    """Who a turn belongs to, whatever the source calls them."""

    AGENT = "agent"
    CUSTOMER = "customer"
    SYSTEM = "system"
    TOOL = "tool"
    ACTION = "action"
    OTHER = "other"


class ToolCall(StrictModel):
    """One call of a tool inside a turn.

    Attributes:
        arguments: Parsed arguments; None when the source's text is no JSON object.
        arguments_text: The arguments as the source wrote them.
        start: Offset of `arguments_text` in the turn's text, in code points.
        result: What the tool answered, where the source keeps it beside the call; results that are turns of their
            own refer to the call by `Turn.tool_call_id`.
    """

    id: str | None = None
    name: str
    arguments: Mapping[str, JsonValue] | None
    arguments_text: str
    start: int = Field(ge=0)
    result: str | None = None


class Turn(StrictModel):
    """One entry of the source, in its order.

    Attributes:
        speaker: The name in the source, as written there.
        text: What was said, followed by one line `name(arguments)` per tool call. Evidence offsets count code points
            of this text.
        spoken: How many code points of `text` were said; the rest renders tool calls.
        at: When the turn began.
        offset_seconds: Seconds from the start of the interaction to the start of the turn.
        tool_call_id: For a turn of role `tool`: the call that it answers.
    """

    role: Role
    speaker: str
    text: str
    spoken: int = Field(ge=0)
    at: AwareDatetime | None = None
    offset_seconds: float | None = Field(default=None, ge=0)
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def spoken_text(self) -> str:
        """What was said, without the rendered tool calls; offsets into it are offsets into `text`."""
        return self.text if self.spoken == len(self.text) else self.text[: self.spoken]

    @model_validator(mode="after")
    def _spoken_is_a_prefix(self) -> Self:
        if self.spoken > len(self.text):
            raise ValueError("spoken is longer than text")
        return self


class Participant(StrictModel):
    """Someone who took part.

    Attributes:
        time_zone: IANA name of the zone that the person was in, for checks on local hours.
    """

    name: str
    role: Role
    time_zone: str | None = None


class Interaction(StrictModel):
    """What is scored: turns in the source's order, action and tool turns included.

    Attributes:
        external_id: The source's own id.
        language: BCP 47 tag.
        time_zone: IANA name or offset in which `occurred_at` was given; the moment itself is stored as an instant.
    """

    external_id: str | None = None
    type: InteractionType = InteractionType.CHAT
    language: str | None = None
    occurred_at: AwareDatetime | None = None
    time_zone: str | None = None
    participants: tuple[Participant, ...] = ()
    turns: tuple[Turn, ...] = Field(min_length=1)
    metadata: Mapping[str, JsonValue] = Field(default_factory=dict)
