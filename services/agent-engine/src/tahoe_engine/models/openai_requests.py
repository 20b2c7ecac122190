"""What OpenAI's clients send to `/v1/chat/completions`, as far as an agent heeds it."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from tahoe_engine.models.answer_schema import check_answer_schema
from tahoe_engine.models.conversation_models import MAX_CONTENT_CHARACTERS, CallId
from tahoe_engine.models.invalid_request import InvalidRequestError

MAX_MESSAGES = 2_000
MAX_TEXT = 200_000
MAX_PARTS = 100
MAX_TOOLS = 128

Text = Annotated[str, Field(max_length=MAX_TEXT)]
FunctionName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]


class OpenAIModel(BaseModel):
    """A value whose unknown keys are left out: clients send many settings, and an agent has its own."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class TextPart(OpenAIModel):
    """A part of a message; images and sounds are not read."""

    type: Literal["text"]
    text: Text


class RefusalPart(OpenAIModel):
    """A part of an answer in which a model declined."""

    type: Literal["refusal"]
    refusal: Text


Parts = Annotated[list[TextPart], Field(min_length=1, max_length=MAX_PARTS)]
AnswerParts = Annotated[
    list[Annotated[TextPart | RefusalPart, Field(discriminator="type")]], Field(max_length=MAX_PARTS)
]


class SystemMessage(OpenAIModel):
    """What the client tells the agent beside what the user says."""

    role: Literal["system", "developer"]
    content: Text | Parts


class UserMessage(OpenAIModel):
    """What the user says."""

    role: Literal["user"]
    content: Text | Parts


class CalledFunction(OpenAIModel):
    """Which function was called."""

    name: FunctionName
    arguments: Text


class FunctionCall(OpenAIModel):
    """A call that an answer asked for."""

    id: CallId
    type: Literal["function"]
    function: CalledFunction


class AssistantMessage(OpenAIModel):
    """What the agent answered before."""

    role: Literal["assistant"]
    content: Text | AnswerParts | None = None
    tool_calls: Annotated[list[FunctionCall], Field(max_length=MAX_TOOLS)] | None = None


class ToolMessage(OpenAIModel):
    """What came of a call."""

    role: Literal["tool"]
    tool_call_id: CallId
    content: Text | Parts


ChatMessage = Annotated[SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")]


class Function(OpenAIModel):
    """A function of the client's.

    Attributes:
        parameters: JSON schema of its arguments.
    """

    name: FunctionName
    description: Annotated[str, Field(max_length=10_000)] | None = None
    parameters: Mapping[str, JsonValue] | None = None


class FunctionTool(OpenAIModel):
    """Something that the client can do."""

    type: Literal["function"]
    function: Function


class NamedFunction(OpenAIModel):
    """Which function is meant."""

    name: FunctionName


class NamedChoice(OpenAIModel):
    """The function that has to be called."""

    type: Literal["function"]
    function: NamedFunction


class JsonSchema(OpenAIModel):
    """How an answer has to look; without a schema, as any JSON object."""

    json_schema: Annotated[Mapping[str, JsonValue] | None, Field(alias="schema")] = None


class TextFormat(OpenAIModel):
    """An answer in words."""

    type: Literal["text"]


class JsonObjectFormat(OpenAIModel):
    """An answer that is a JSON object: OpenAI's JSON mode."""

    type: Literal["json_object"]


class JsonSchemaFormat(OpenAIModel):
    """An answer that follows a schema."""

    type: Literal["json_schema"]
    json_schema: JsonSchema


class StreamOptions(OpenAIModel):
    """What a stream holds beside the answer."""

    include_usage: bool | None = None


class ChatRequest(OpenAIModel):
    """A question of OpenAI's clients.

    Attributes:
        model: An agent's slug.
        messages: All that was said so far; the last, but for those of the system, is a user's, or the results of calls.
        user: What the client calls who asks; what the agent remembers of somebody belongs to this name.
        n: Only one answer is given.
        tools: What the client can do beside what the agent can; it is told of the calls, and sends their results.
    """

    model: str = Field(min_length=1, max_length=200)
    messages: list[ChatMessage] = Field(min_length=1, max_length=MAX_MESSAGES)
    user: Annotated[str, Field(max_length=200)] | None = None
    n: Literal[1] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=MAX_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    response_format: Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")] | None = (
        None
    )

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        # Chat interfaces send a last word to the agent behind what the user says.
        last = next((one for one in reversed(self.messages) if not isinstance(one, SystemMessage)), None)
        if last is None or isinstance(last, AssistantMessage):
            raise _refusal("The last message, but for those of the system, has to be a user's or a tool's.", "messages")
        if any(len(read_text(message.content)) > MAX_CONTENT_CHARACTERS for message in self.messages):
            raise _refusal(f"A message has more than {MAX_CONTENT_CHARACTERS} characters.", "messages")
        if isinstance(last, UserMessage) and not read_text(last.content).strip():
            raise _refusal("The last message says nothing.", "messages")
        return self

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        names = [tool.function.name for tool in self.tools or ()]
        if len(set(names)) < len(names):
            raise _refusal("Two tools have the same name.", "tools")
        if isinstance(self.tool_choice, NamedChoice) and self.tool_choice.function.name not in names:
            raise _refusal("tool_choice names a function that is not among the tools.", "tool_choice")
        for message in self.messages:
            calls = message.tool_calls or () if isinstance(message, AssistantMessage) else ()
            if len({call.id for call in calls}) < len(calls):
                raise _refusal("Two calls of one message have the same id.", "messages")
        return self

    @model_validator(mode="after")
    def _brings_results_of_calls(self) -> Self:
        # Only what is new is looked at: who sends the end of a long conversation may have cut off the calls before.
        called: set[str] = set()
        stray: str | None = None
        for message in self.messages:
            if isinstance(message, AssistantMessage):
                called |= {call.id for call in message.tool_calls or ()}
                stray = None
            elif isinstance(message, ToolMessage) and message.tool_call_id not in called:
                stray = message.tool_call_id
        if stray is not None:
            raise _refusal(f"No message before asks for the call {stray!r}, whose result is given.", "messages")
        return self

    @model_validator(mode="after")
    def _wants_what_can_be(self) -> Self:
        wanted = self.response_format
        if isinstance(wanted, JsonSchemaFormat) and wanted.json_schema.json_schema is not None:
            check_answer_schema(wanted.json_schema.json_schema, "response_format.json_schema.schema")
        return self


def _refusal(message: str, field: str) -> InvalidRequestError:
    """Makes an error that passes Pydantic: a ValueError would be rendered as a conflict."""
    return InvalidRequestError(message, field=field)


def read_text(content: Any) -> str:  # noqa: ANN401 - as each kind of message has it
    """Returns what a message's content says."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n\n".join(part.refusal if isinstance(part, RefusalPart) else part.text for part in content)
