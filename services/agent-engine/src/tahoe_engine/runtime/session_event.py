"""Events of ADK: written whole, and as the message that the rest of Tahoe reads."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from google.adk.events.event import Event
from google.genai import types
from pydantic_core import to_jsonable_python

from tahoe_core.db.escaped_json import from_escaped_json, refuse_broken_names, to_escaped_json
from tahoe_core.db.storable import refuse_unstorable, replace_unstorable
from tahoe_core.errors import InvalidInputError
from tahoe_engine.models.conversation_models import (
    MAX_CONTENT_CHARACTERS,
    MAX_TOOL_CALLS,
    MessageCreate,
    MessageRole,
    MessageToolCall,
    ToolResult,
)

_MAX_NAME_CHARACTERS = 200
_USER = "user"
# What Pydantic puts in the place of halves in some names; in others it fails.
_REPLACED = "\ufffd"
# What ADK puts a tool's plain answer under, and what the genai API says it may be.
_WRAPPERS = ("result", "output")


def write_event(event: Event) -> str:
    """Returns an event as JSON, from which `read_event` makes an equal one.

    Raises:
        InvalidInputError: Something in it is no JSON, or it has no time.
    """
    if not isfinite(event.timestamp):
        raise InvalidInputError("The event's timestamp is no moment.", field="timestamp")
    try:
        document = to_escaped_json(event.model_dump(mode="json", exclude_none=True))
    except (ValueError, TypeError) as error:
        refuse_broken_names(event.model_dump())
        raise InvalidInputError("The event holds something that cannot be written as JSON.") from error
    if _REPLACED in document:
        refuse_broken_names(event.model_dump())
    return document


def read_event(document: str) -> Event:
    """Returns the event that `write_event` wrote."""
    return Event.model_validate(from_escaped_json(document))


def to_message(event: Event) -> MessageCreate:
    """Returns what the rest of Tahoe reads of an event; what a reader could not store or bear is replaced or cut."""
    said = "\n".join(_say(event))
    answers = event.get_function_responses()
    if answers:
        return MessageCreate(
            role=MessageRole.TOOL,
            content=_show("\n".join([*([said] if said else []), *_list_results(answers)])),
            tool_result=ToolResult(
                tool_call_id=_name(answers[0].id, f"{event.id}:0"),
                tool_name=_name(answers[0].name, "unnamed"),
                is_error=any("error" in (one.response or {}) for one in answers),
            ),
        )
    calls = tuple(_list_calls(event))
    if calls or (said and event.author != _USER):
        return MessageCreate(
            role=MessageRole.ASSISTANT, content=_show(said), tool_calls=calls, is_complete=not event.interrupted
        )
    if said:
        return MessageCreate(role=MessageRole.USER, content=_show(said))
    return MessageCreate(role=MessageRole.SYSTEM, content=_show(_describe(event)))


def _say(event: Event) -> Iterator[str]:
    for part in _list_parts(event):
        if (text := _read_part(part)).strip():
            yield text
    for heard in (event.input_transcription, event.output_transcription):
        if heard is not None and heard.text and heard.text.strip():
            yield heard.text
    if event.error_code or event.error_message:
        yield f"[{': '.join(str(one) for one in (event.error_code, event.error_message) if one)}]"


def _list_parts(event: Event) -> list[types.Part]:
    return event.content.parts or [] if event.content else []


def _read_part(part: types.Part) -> str:
    if part.text and not part.thought:
        return part.text
    if part.inline_data is not None:
        return f"[{part.inline_data.mime_type or 'data'}, {len(part.inline_data.data or b'')} bytes]"
    if part.file_data is not None:
        return f"[{part.file_data.mime_type or 'file'} at {part.file_data.file_uri}]"
    if part.executable_code is not None:
        return part.executable_code.code or ""
    if part.code_execution_result is not None:
        return part.code_execution_result.output or ""
    return ""


def _list_results(answers: list[types.FunctionResponse]) -> Iterator[str]:
    for answer in answers:
        text = _read_result(_to_plain(answer.response or {}))
        yield text if len(answers) == 1 else f"{answer.name}: {text}"


def _read_result(response: Mapping[str, Any]) -> str:
    result: object = response
    if len(response) == 1 and (key := next(iter(response))) in _WRAPPERS:
        result = response[key]
    return result if isinstance(result, str) else to_escaped_json(result)


def _list_calls(event: Event) -> Iterator[MessageToolCall]:
    known: set[str] = set()
    for place, call in enumerate(event.get_function_calls()[:MAX_TOOL_CALLS]):
        call_id = _name(call.id, f"{event.id}:{place}")
        if call_id in known:
            call_id = f"{event.id}:{place}"[:_MAX_NAME_CHARACTERS]
        known.add(call_id)
        arguments = _to_plain(call.args or {})
        text = to_escaped_json(arguments)
        yield MessageToolCall(
            id=call_id,
            name=_name(call.name, "unnamed"),
            arguments=arguments if _is_storable(arguments) and len(text) <= MAX_CONTENT_CHARACTERS else None,
            arguments_text=text[:MAX_CONTENT_CHARACTERS],
        )


def _describe(event: Event) -> str:
    actions = event.actions
    happened = {
        "State changed": ", ".join(actions.state_delta),
        "Artifacts changed": ", ".join(actions.artifact_delta),
        "Handed over to": actions.transfer_to_agent,
        "Earlier events were summed up": actions.compaction and "as a summary",
        "Rewound to before": actions.rewind_before_invocation_id,
        "Thought of an answer": any(part.thought for part in _list_parts(event)) and "in private",
    }
    return " ".join(f"{what}: {which}." for what, which in happened.items() if which) or "Nothing was said."


def _to_plain(value: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = to_jsonable_python(dict(value), serialize_unknown=True, bytes_mode="base64")
    return plain


def _is_storable(value: object) -> bool:
    try:
        refuse_unstorable(value)
    except InvalidInputError:
        return False
    return True


def _name(name: str | None, otherwise: str) -> str:
    return replace_unstorable(name or otherwise)[:_MAX_NAME_CHARACTERS]


def _show(text: str) -> str:
    return replace_unstorable(text[:MAX_CONTENT_CHARACTERS])
