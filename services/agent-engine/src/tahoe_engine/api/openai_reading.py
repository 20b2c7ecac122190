"""A request of OpenAI's clients in our words."""

from collections.abc import Iterator, Mapping, Sequence

import orjson
from pydantic import JsonValue

from tahoe_engine.chat.brought import Brought
from tahoe_engine.chat.openai_chat import OpenAIQuestion
from tahoe_engine.models.conversation_models import MessageCreate, MessageRole, MessageToolCall, ToolResult
from tahoe_engine.models.openai_requests import (
    AssistantMessage,
    ChatMessage,
    ChatRequest,
    FunctionCall,
    JsonObjectFormat,
    JsonSchemaFormat,
    NamedChoice,
    SystemMessage,
    ToolMessage,
    read_text,
)
from tahoe_engine.runtime.tool_port import CallersTool

_NO_ARGUMENTS: Mapping[str, JsonValue] = {"type": "object", "properties": {}}


def read_question(request: ChatRequest) -> OpenAIQuestion:
    """Returns what is asked, by whom, with what was brought along."""
    told = (read_text(one.content) for one in request.messages if isinstance(one, SystemMessage))
    return OpenAIQuestion(
        agent=request.model,
        user=request.user,
        messages=list(_read_messages(request.messages)),
        brought=Brought(
            context="\n\n".join(text for text in told if text.strip()),
            tools=_read_tools(request),
            must_call=_read_choice(request),
            answer_schema=_read_format(request),
        ),
    )


def _read_tools(request: ChatRequest) -> tuple[CallersTool, ...]:
    if request.tool_choice == "none":
        return ()
    functions = [tool.function for tool in request.tools or ()]
    return tuple(CallersTool(one.name, one.description or "", one.parameters or _NO_ARGUMENTS) for one in functions)


def _read_choice(request: ChatRequest) -> tuple[str, ...] | None:
    if isinstance(request.tool_choice, NamedChoice):
        return (request.tool_choice.function.name,)
    return () if request.tool_choice == "required" and request.tools else None


def _read_format(request: ChatRequest) -> Mapping[str, JsonValue] | None:
    match request.response_format:
        case JsonSchemaFormat(json_schema=wanted):
            return wanted.json_schema or {}
        case JsonObjectFormat():
            return {}
    return None


def _read_messages(messages: Sequence[ChatMessage]) -> Iterator[MessageCreate]:
    """Yields what says something."""
    names: dict[str, str] = {}
    for message in messages:
        if isinstance(message, SystemMessage):
            continue
        text = read_text(message.content)
        if isinstance(message, ToolMessage):
            result = ToolResult(tool_call_id=message.tool_call_id, tool_name=names.get(message.tool_call_id))
            yield MessageCreate(role=MessageRole.TOOL, content=text, tool_result=result)
        elif isinstance(message, AssistantMessage):
            calls = tuple(_read_call(call) for call in message.tool_calls or ())
            names |= {call.id: call.name for call in calls}
            if text or calls:
                yield MessageCreate(role=MessageRole.ASSISTANT, content=text, tool_calls=calls)
        elif text.strip():
            yield MessageCreate(role=MessageRole.USER, content=text)


def _read_call(call: FunctionCall) -> MessageToolCall:
    text = call.function.arguments
    try:
        read = orjson.loads(text) if text.strip() else {}
    except orjson.JSONDecodeError:
        read = None
    arguments = read if isinstance(read, dict) else None
    return MessageToolCall(id=call.id, name=call.function.name, arguments=arguments, arguments_text=text)
