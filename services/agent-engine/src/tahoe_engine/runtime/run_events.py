"""What a run tells of itself while it runs.

The last event is `AnswerFinished`, `ApprovalRequested` or `AnswerFailed`, and none comes after it.
"""

from dataclasses import dataclass
from decimal import Decimal

from tahoe_core.errors import TahoeError
from tahoe_engine.models.conversation_models import MessageToolCall, MessageUsage


@dataclass(frozen=True, slots=True)
class MemoriesRecalled:
    """What the agent remembers was found, and is put before the model.

    Attributes:
        milliseconds: How long that took.
        tokens: Of the block that the model is shown.
    """

    milliseconds: float
    tokens: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The answer grew."""

    text: str


@dataclass(frozen=True, slots=True)
class ThoughtDelta:
    """The model thought aloud; no part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ModelCallFinished:
    """A model answered; this and the results of its calls are what a conversation keeps.

    Attributes:
        text: What it said; it came in deltas before.
        is_complete: False: it was cut off at its limit of tokens.
        first_byte_ms: From the request to the first delta, in milliseconds; None: it had none.
        is_estimated: The server counted no tokens, and they were counted by the length of what was sent.
        cost_usd: None: the price is not known.
    """

    provider: str
    text: str
    calls: tuple[MessageToolCall, ...]
    usage: MessageUsage
    is_complete: bool
    first_byte_ms: float | None
    is_estimated: bool
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class ModelCallFailed:
    """A model did not answer, or not as it was asked to; the next one is asked, if there is one.

    Attributes:
        usage: What it took all the same; None: nothing, as far as is known.
        cost_usd: None: it took nothing, or the price is not known.
    """

    provider: str
    model: str
    error: TahoeError
    usage: MessageUsage | None = None
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ToolCallStarted:
    """A tool begins."""

    call: MessageToolCall


@dataclass(frozen=True, slots=True)
class ToolCallFinished:
    """A call of a tool has its result, whether the tool ran or not.

    Attributes:
        content: As the model is told.
        is_error: It failed, or was not allowed.
        duration_ms: How long it ran, in milliseconds.
    """

    call_id: str
    name: str
    content: str
    is_error: bool
    duration_ms: float


@dataclass(frozen=True, slots=True)
class RunUsage:
    """What a run took.

    Attributes:
        cost_usd: None: the price of one of its models is not known.
    """

    model_calls: int
    tool_calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    seconds: float
    cost_usd: Decimal | None

    def __add__(self, more: "RunUsage") -> "RunUsage":
        return RunUsage(
            model_calls=self.model_calls + more.model_calls,
            tool_calls=self.tool_calls + more.tool_calls,
            input_tokens=self.input_tokens + more.input_tokens,
            cached_tokens=self.cached_tokens + more.cached_tokens,
            output_tokens=self.output_tokens + more.output_tokens,
            seconds=self.seconds + more.seconds,
            cost_usd=None if self.cost_usd is None or more.cost_usd is None else self.cost_usd + more.cost_usd,
        )


NOTHING_SPENT = RunUsage(0, 0, 0, 0, 0, 0.0, Decimal(0))


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """The answer is whole.

    Attributes:
        text: What the last model call said.
        is_complete: False: it was cut off at the model's limit of tokens.
    """

    text: str
    is_complete: bool
    usage: RunUsage


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """The run stands until a person decides; it goes on from the conversation and the decisions.

    Attributes:
        calls: What is to be decided, or done by whoever asked.
        person_acts: The agent only suggests: a person does it, and tells what came of it.
        callers: Ids of the calls of a `CallersTool`.
    """

    calls: tuple[MessageToolCall, ...]
    person_acts: bool
    usage: RunUsage
    callers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    """There is no answer, or no whole one."""

    error: TahoeError
    usage: RunUsage


RunEvent = (
    MemoriesRecalled
    | TextDelta
    | ThoughtDelta
    | ModelCallFinished
    | ModelCallFailed
    | ToolCallStarted
    | ToolCallFinished
    | AnswerFinished
    | ApprovalRequested
    | AnswerFailed
)
