"""Tool calls in the shapes that agents' logs use."""

from pydantic import JsonValue

from tahoe_engine.interactions.formats.draft import CallDraft, JsonObject
from tahoe_engine.interactions.formats.json_text import find_json_object, render_json

_CALL_KEYS = frozenset({"tool_calls", "tool_call", "function_call", "type", "api", "annotations"})
_ARGUMENT_KEYS = ("arguments", "args", "input", "parameters", "params", "kwargs")
_RESULT_KEYS = ("result", "output", "response", "observation")
_ID_KEYS = ("id", "call_id", "tool_call_id")
_CALL_SPEAKERS = ("function_call", "tool_call")


def read_calls(item: JsonObject) -> list[CallDraft]:
    """Returns the calls that stand beside what was said: OpenAI's, Anthropic's, LangChain's and Taskmaster's."""
    calls: list[CallDraft] = []
    if item.keys().isdisjoint(_CALL_KEYS):
        return calls
    for key in ("tool_calls", "tool_call", "function_call"):
        value = item.get(key)
        entries = value if isinstance(value, list) else [value]
        calls.extend(read_call(entry) for entry in entries if isinstance(entry, dict))
    if item.get("type") == "function_call" and isinstance(item.get("name"), str):  # OpenAI's Responses API
        calls.append(read_call(item))
    api = item.get("api")
    if isinstance(api, dict):  # {"api": {"get_menu": {"query": "tea"}}}
        calls.extend(CallDraft(name=name, arguments=arguments) for name, arguments in api.items())
    annotations = item.get("annotations")
    if isinstance(annotations, list) and annotations:
        calls.extend(_read_annotations(annotations))
    return calls


def read_call(entry: JsonObject) -> CallDraft:
    """Reads one call, flat or under `function`; an empty name is left for the builder to refuse."""
    function = entry.get("function")
    body: JsonObject = function if isinstance(function, dict) else entry
    name = body.get("name") or (function if isinstance(function, str) else "")
    arguments = next((body[key] for key in _ARGUMENT_KEYS if key in body), "")
    identifier = next((entry[key] for key in _ID_KEYS if entry.get(key) is not None), None)
    result = next((entry[key] for key in _RESULT_KEYS if entry.get(key) is not None), None)
    return CallDraft(
        name=name if isinstance(name, str) else "",
        arguments=arguments,
        id=None if identifier is None else as_text(identifier),
        result=None if result is None else as_text(result),
    )


def find_spoken_call(speaker: str, said: str) -> CallDraft | None:
    """Returns the call that a turn of a speaker named `function_call` is (ShareGPT's way), or None."""
    if speaker.casefold() not in _CALL_SPEAKERS:
        return None
    entry = find_json_object(said)
    return read_call(entry) if entry and entry.get("name") else None


def as_text(value: JsonValue) -> str:
    """Returns a text as it is and any other value as JSON; null says nothing."""
    return value if isinstance(value, str) else "" if value is None else render_json(value)


def _read_annotations(annotations: list[JsonValue]) -> list[CallDraft]:
    """Pairs Taskmaster's `api_call`, `request`, `api_response`, `response`, in which the first and third may be alone.

    A response belongs to the earliest call of its name that has none yet.
    """
    calls: list[CallDraft] = []
    answered: CallDraft | None = None
    for annotation in annotations:
        if not isinstance(annotation, dict):
            continue
        kind, value = annotation.get("name"), annotation.get("value")
        if kind == "api_call" and isinstance(value, str):
            calls.append(CallDraft(name=value))
        elif kind == "request" and calls:
            calls[-1].arguments = value
        elif kind == "api_response":
            answered = next((call for call in calls if call.name == value and call.result is None), None)
        elif kind == "response" and calls:
            (answered or calls[-1]).result = as_text(value)
            answered = None
    return calls
