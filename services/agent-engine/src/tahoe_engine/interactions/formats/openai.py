"""Chat messages as OpenAI, and those that follow it (Anthropic, LangChain, Gemini's `model`), write them."""

from pydantic import JsonValue

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.draft import CallDraft, JsonObject, TurnDraft
from tahoe_engine.interactions.formats.roles import find_role
from tahoe_engine.interactions.formats.tool_calls import as_text, read_call, read_calls
from tahoe_engine.models.interaction import Role

_SPOKEN_PARTS = ("text", "transcript", "refusal")  # not `thinking`: nobody heard it
_LANGCHAIN_TYPES = frozenset({"human", "ai", "system", "tool", "function", "AIMessageChunk"})
_MESSAGE_KEYS = frozenset({"content", "parts", "tool_calls", "function_call", "refusal"})
_ITEM_TYPES = {"function_call": "assistant", "function_call_output": "tool"}


def looks_like_message(item: JsonObject) -> bool:
    """Tells a message from another object that holds a turn: it has a role, and content or calls."""
    kind = item.get("type")
    if isinstance(kind, str) and kind in _ITEM_TYPES:
        return "arguments" in item or "output" in item
    return _role_name(item) is not None and bool(item.keys() & _MESSAGE_KEYS)


def read_message(item: JsonObject) -> TurnDraft:
    """Reads something that `looks_like_message`."""
    role_name = _role_name(item) or ""
    content = next((item[key] for key in ("content", "parts", "output") if key in item), None)
    said, calls, answers = _read_content(content)
    if not said and isinstance(item.get("refusal"), str):
        said = as_text(item["refusal"])
    name = item.get("name")
    is_call_item = item.get("type") == "function_call"
    turn = TurnDraft(
        speaker=name if isinstance(name, str) and name and not is_call_item else role_name,
        role_name=role_name,
        said=said,
        calls=[*calls, *read_calls(item)],
        tool_call_id=_call_id(item, answers) if role_name in ("tool", "function") or answers else None,
    )
    if answers:
        turn.role = Role.TOOL
    return turn


def check_messages(items: list[JsonValue]) -> None:
    """Holds `--format openai` to the format.

    Raises:
        ReadError: An item is no message, or its role is none of OpenAI's.
    """
    for index, item in enumerate(items):
        role_name = _role_name(item) if isinstance(item, dict) else None
        if role_name is None or find_role(role_name) is None:
            found = "no role" if role_name is None else f"the role {role_name!r}"
            raise ReadError(
                f"Turn {index} is no OpenAI message: it has {found}.",
                cure="The roles are system, developer, user, assistant, tool and function; "
                "leave --format out to read other shapes.",
            )


def link_answers(items: list[JsonValue], turns: list[TurnDraft]) -> None:
    """Puts results that share one message (Anthropic's parallel calls) beside the calls that they answer."""
    answers = {
        identifier: text
        for item in items
        if isinstance(item, dict) and len(found := _read_content(item.get("content"))[2]) > 1
        for identifier, text in found
    }
    for call in (call for turn in turns for call in turn.calls if answers):
        if call.id in answers and call.result is None:
            call.result = answers[call.id]


def _role_name(item: JsonObject) -> str | None:
    role = item.get("role")
    if isinstance(role, str):
        return role
    kind = item.get("type")
    if isinstance(kind, str) and (kind in _LANGCHAIN_TYPES or kind in _ITEM_TYPES):
        return _ITEM_TYPES.get(kind, kind)
    return None


def _call_id(item: JsonObject, answers: list[tuple[str, str]]) -> str | None:
    if answers:
        return answers[0][0] if len(answers) == 1 else None
    identifier = item.get("tool_call_id", item.get("call_id"))
    return identifier if isinstance(identifier, str) else None


def _read_content(content: JsonValue) -> tuple[str, list[CallDraft], list[tuple[str, str]]]:
    """Returns what was said (text parts on lines of their own), the calls, and the results with their call's id."""
    if not isinstance(content, list) or not all(map(_is_part, content)):
        return as_text(content), [], []
    said: list[str] = []
    calls: list[CallDraft] = []
    answers: list[tuple[str, str]] = []
    for part in content:
        if isinstance(part, str):
            said.append(part)
        elif isinstance(part, dict) and part.get("type") == "tool_use":
            calls.append(read_call(part))
        elif isinstance(part, dict) and part.get("type") == "tool_result":
            text = _read_content(part.get("content"))[0]
            answers.append((as_text(part.get("tool_use_id")), text))
            said.append(text)
        elif isinstance(part, dict):
            said.extend(as_text(part[key]) for key in _SPOKEN_PARTS if isinstance(part.get(key), str))
    return "\n".join(said), calls, answers


def _is_part(value: JsonValue) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and ("type" in value or "text" in value))
