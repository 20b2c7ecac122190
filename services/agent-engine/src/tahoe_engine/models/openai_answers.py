"""What OpenAI's clients are answered."""

from typing import Literal

from tahoe_engine.models.base import StrictModel


class ModelEntry(StrictModel):
    """An agent, as clients see a model.

    Attributes:
        id: Its slug.
        created: Unix time.
    """

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "tahoe"


class ModelList(StrictModel):
    """All agents that answer."""

    object: Literal["list"] = "list"
    data: list[ModelEntry]


class AskedFunction(StrictModel):
    """A function of the client's that is to be called; the arguments as the model wrote them."""

    name: str
    arguments: str


class AskedCall(StrictModel):
    """A call that the client is to make."""

    id: str
    type: Literal["function"] = "function"
    function: AskedFunction


class AnswerMessage(StrictModel):
    """What the agent says; null where it only asks for calls."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    tool_calls: list[AskedCall] | None = None


type FinishReason = Literal["stop", "length", "tool_calls"]


class Choice(StrictModel):
    """The answer, of which there is one."""

    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: None = None
    finish_reason: FinishReason


class PromptTokens(StrictModel):
    """What of the prompt was cached."""

    cached_tokens: int


class CompletionUsage(StrictModel):
    """What all model calls behind an answer took."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokens


class ChatCompletion(StrictModel):
    """An answer.

    Attributes:
        id: `chatcmpl-` and the id of the turn, under which `/v1/turns` has it.
        created: Unix time.
        model: The agent's slug.
    """

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: CompletionUsage
