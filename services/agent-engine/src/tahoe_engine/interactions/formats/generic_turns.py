"""Turns of any JSON: `[speaker, text]` pairs, objects with a speaker and a text, lines with labels."""

from collections.abc import Sequence

from pydantic import JsonValue

from tahoe_core.errors import ReadError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.interactions.formats.draft import JsonObject, TurnDraft, refuse_too_many
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.labels import find_label
from tahoe_engine.interactions.formats.openai import link_answers, looks_like_message, read_message
from tahoe_engine.interactions.formats.plain_text import read_labelled_lines
from tahoe_engine.interactions.formats.times import read_offset, read_time
from tahoe_engine.interactions.formats.tool_calls import as_text, find_spoken_call, read_calls

SPEAKER_KEYS = (
    "speaker",
    "from",
    "author",
    "sender",
    "role",
    "participant",
    "speaker_role",
    "speaker_name",
    "who",
    "name",
)
TEXT_KEYS = ("text", "content", "value", "utterance", "message", "transcript", "body", "msg", "sentence", "response")
_ROLE_KEYS = ("role", "speaker_role", "participant_role")
_TIME_KEYS = ("at", "timestamp", "time", "created_at", "sent_at", "datetime", "date", "ts", "start_time", "start")
_OFFSET_KEYS = ("offset_seconds", "offset", "start_time", "start", "start_seconds", "timestamp", "time")
_ANY_TIME_KEYS = frozenset({*_TIME_KEYS, *_OFFSET_KEYS})
_PAIR = (2, 3)
_LOOKED_AT = 5


def is_turn_list(value: JsonValue, field_map: FieldMap) -> bool:
    """Tells whether the value is a list of turns, by its first items."""
    return isinstance(value, list) and any(_is_turn(item, field_map) for item in value[:_LOOKED_AT])


def read_turns(items: list[JsonValue], field_map: FieldMap) -> list[TurnDraft]:
    """Reads every item of the list, in its order.

    Raises:
        ReadError: An item is no turn, and the message names it; or there are too many.
    """
    refuse_too_many(len(items))
    if all(isinstance(item, str) for item in items):
        return _read_lines([item for item in items if isinstance(item, str)], field_map)
    turns = [_read_item(item, index, field_map) for index, item in enumerate(items)]
    link_answers(items, turns)
    return turns


def _is_turn(item: JsonValue, field_map: FieldMap) -> bool:
    if isinstance(item, list):
        return len(item) in _PAIR and isinstance(item[0], str) and isinstance(item[1], str)
    if isinstance(item, str):
        return find_label(item) is not None
    if not isinstance(item, dict):
        return False
    if looks_like_message(item) or any(isinstance(item.get(key), dict | list) for key in ("api", "tool_calls")):
        return True
    speaker = _find_key(item, SPEAKER_KEYS, field_map.speaker) or _find_key(item, SPEAKER_KEYS, None)
    text = _find_key(item, TEXT_KEYS, field_map.text) or _find_key(item, TEXT_KEYS, None, besides=speaker)
    return speaker is not None and text is not None and not isinstance(item[text], list | dict)


def _read_item(item: JsonValue, index: int, field_map: FieldMap) -> TurnDraft:
    if isinstance(item, dict):
        turn = _read_object(item, index, field_map)
    elif isinstance(item, list) and len(item) in _PAIR and isinstance(item[0], str):
        turn = TurnDraft(speaker=item[0], said=as_text(item[1]))
        if len(item) > _PAIR[0]:
            _read_times(turn, {"time": item[2]}, field_map)
    else:
        raise ReadError(
            f"Turn {index} is {_describe(item)}, neither a [speaker, text] pair nor an object.",
            cure='Write every turn in the same way; a turn in which nothing was said has the text "".',
        )
    if not turn.calls and (call := find_spoken_call(turn.speaker, turn.said)):
        turn.calls, turn.said = [call], ""
    return turn


def _read_object(item: JsonObject, index: int, field_map: FieldMap) -> TurnDraft:
    if not (field_map.speaker or field_map.text) and looks_like_message(item):
        turn = read_message(item)
    else:
        turn = _read_named_fields(item, index, field_map)
    _read_times(turn, item, field_map)
    return turn


def _read_named_fields(item: JsonObject, index: int, field_map: FieldMap) -> TurnDraft:
    speaker_key = _find_key(item, SPEAKER_KEYS, field_map.speaker)
    text_key = _find_key(item, TEXT_KEYS, field_map.text, besides=speaker_key)
    for mapped, found in ((field_map.speaker, speaker_key), (field_map.text, text_key)):
        if mapped and found is None:
            fields = ", ".join(item) or "no fields"
            raise ReadError(
                f"Turn {index} has no field {mapped!r}.{did_you_mean(mapped, item)} It has {fields}.",
                cure="Correct --map.",
            )
    calls = read_calls(item)
    if speaker_key is None and text_key is None and not calls:
        raise ReadError(
            f"Turn {index} has neither a speaker nor a text; it has {', '.join(item) or 'no fields'}.",
            cure="Name its fields with --map speaker=FIELD,text=FIELD.",
        )
    role_key = next((key for key in _ROLE_KEYS if key != speaker_key and isinstance(item.get(key), str)), None)
    call_id = item.get("tool_call_id")
    return TurnDraft(
        speaker=_name(item[speaker_key]) if speaker_key else "",
        said=_said(item[text_key]) if text_key else "",
        role_name=as_text(item[role_key]) if role_key else None,
        calls=calls,
        tool_call_id=call_id if isinstance(call_id, str) else None,
    )


def _find_key(item: JsonObject, usual: Sequence[str], mapped: str | None, *, besides: str | None = None) -> str | None:
    if mapped is not None:
        return mapped if mapped in item else None
    return next((key for key in usual if key in item and key != besides and item[key] is not None), None)


def _name(value: JsonValue) -> str:
    """Returns the name of a speaker, which may be an object such as `{"role": "agent", "name": "Dana"}`."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("role", "name", "displayName", "email", "id") if value.get(key)), None)
    return as_text(value)


def _said(value: JsonValue) -> str:
    if isinstance(value, dict):
        inner = next((value[key] for key in TEXT_KEYS if isinstance(value.get(key), str)), None)
        return as_text(value if inner is None else inner)
    return as_text(value)


def _read_times(turn: TurnDraft, item: JsonObject, field_map: FieldMap) -> None:
    if field_map.time is None and item.keys().isdisjoint(_ANY_TIME_KEYS):
        return
    keys = (field_map.time,) if field_map.time in item else _TIME_KEYS
    for key in keys:
        if key in item and turn.time is None:
            turn.time = read_time(item[key])
    if turn.time is None:
        offsets = (read_offset(item[key]) for key in (*keys, *_OFFSET_KEYS) if key in item)
        turn.offset_seconds = next((offset for offset in offsets if offset is not None), None)


def _read_lines(items: list[str], field_map: FieldMap) -> list[TurnDraft]:
    """Reads texts that carry their speaker as a label; one without a label is a turn of nobody known."""
    turns = []
    for item in items:
        label = find_label(item)
        turns.append(TurnDraft("", item) if label is None else TurnDraft(label.name, item[label.end :]))
    if not any(turn.speaker for turn in turns):
        read_labelled_lines([], field_map)  # says how to label
    return turns


def _describe(item: JsonValue) -> str:
    kind = {type(None): "null", bool: "true or false", int: "a number", float: "a number", str: "a text"}
    return kind.get(type(item), f"a list of {len(item)}" if isinstance(item, list) else "something else")
