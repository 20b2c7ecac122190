"""What whoever asks brings along, for one answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tahoe_engine.models.conversation_models import MessageRecord
from tahoe_engine.models.turn_models import PendingApproval
from tahoe_engine.runtime.tool_port import CallersTool

type Sign = Callable[[Sequence[MessageRecord], Sequence[PendingApproval]], str | None]


@dataclass(frozen=True)
class Brought:
    """What is added to what the agent has by itself.

    Attributes:
        context: What the agent is told beside its instructions.
        tools: What the caller can do; where one has the name of a tool of the agent, it stands in its place.
        must_call: As `RunRequest` has it.
        answer_schema: As `RunRequest` has it.
        sign: Makes the conversation's new external id of what was answered since the caller spoke, and of the calls
            that wait; None, or where it makes none:
            it keeps the one that it has. It is written with the end of the answer, so that nobody
            who was told the end finds the conversation under its old name.
    """

    context: str = ""
    tools: tuple[CallersTool, ...] = ()
    must_call: Sequence[str] | None = None
    answer_schema: Mapping[str, Any] | None = None
    sign: Sign | None = None


NOTHING_BROUGHT = Brought()
