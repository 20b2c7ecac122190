"""The one place where a turn is made."""

from datetime import datetime

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.draft import CallDraft, TurnDraft
from tahoe_engine.interactions.formats.json_text import find_json_object, render_json
from tahoe_engine.interactions.formats.storable import refuse_unstorable_json, refuse_unstorable_text
from tahoe_engine.models.interaction import Role, ToolCall, Turn


def build_turn(draft: TurnDraft, index: int, role: Role, at: datetime | None, offset_seconds: float | None) -> Turn:
    """Makes turn number `index`: what was said, then one line `name(arguments)` per tool call.

    Raises:
        ReadError: Something in it cannot be stored; the message names the turn.
    """
    text = draft.said
    calls: list[ToolCall] = []
    for number, call in enumerate(draft.calls):
        if not call.name:
            raise ReadError(f"Turn {index}: tool call {number} has no name.", cure="Give each call a name.")
        start_of_line = f"{text}\n{call.name}(" if text else f"{call.name}("
        calls.append(_build_call(call, len(start_of_line), f"turn {index}, tool call {number}"))
        text = f"{start_of_line}{calls[-1].arguments_text})"
    refuse_unstorable_text(text, f"the text of turn {index}")
    refuse_unstorable_text(draft.speaker, f"the speaker of turn {index}")
    # Only what differs from the default is passed: a long transcript keeps a set of the passed names per turn.
    turn = {"role": role, "speaker": draft.speaker, "text": text, "spoken": len(draft.said)}
    if at is not None:
        turn["at"] = at
    if offset_seconds is not None:
        turn["offset_seconds"] = offset_seconds
    if calls:
        turn["tool_calls"] = tuple(calls)
    if draft.tool_call_id is not None:
        refuse_unstorable_text(draft.tool_call_id, f"the tool_call_id of turn {index}")
        turn["tool_call_id"] = draft.tool_call_id
    return Turn.model_validate(turn)


def _build_call(draft: CallDraft, start: int, where: str) -> ToolCall:
    written = draft.arguments
    text = written if isinstance(written, str) else "" if written is None else render_json(written)
    arguments = {} if not text.strip() else find_json_object(text)
    if arguments:
        refuse_unstorable_json(arguments, f"the arguments of {where}")
    for part, name in ((draft.id, "id"), (draft.result, "result")):
        if part is not None:
            refuse_unstorable_text(part, f"the {name} of {where}")
    return ToolCall(
        id=draft.id, name=draft.name, arguments=arguments, arguments_text=text, start=start, result=draft.result
    )
