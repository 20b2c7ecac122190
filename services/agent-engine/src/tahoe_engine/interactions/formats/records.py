"""Where the interactions are in a JSON document: one, a list of them, an object that holds lists or names each."""

from dataclasses import dataclass

from pydantic import JsonValue

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.draft import JsonObject
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.generic_turns import is_turn_list
from tahoe_engine.interactions.formats.turn_lists import find_direct_turns, find_nested_turns, holds_turns, no_turns

# Keys that wrap one interaction, so that they are no ids of conversations.
_ENVELOPES = frozenset({
    "input", "inputs", "output", "outputs", "request", "response", "result", "payload", "body", "data",
    "record", "conversation", "interaction", "call", "chat", "transcript", "dialogue", "dialog", "run",
    "trace",
})  # fmt: skip
# Columns by which a table of turns is taken apart.
_CONVERSATION_IDS = (
    "interaction_id", "conversation_id", "convo_id", "dialogue_id", "dialog_id", "call_id", "chat_id",
    "session_id", "thread_id", "ticket_id",
)  # fmt: skip
_LOOKED_AT = 5
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Record:
    """One interaction in a document.

    Attributes:
        value: The object or the list that holds its turns.
        position: Where it is in the document, for instance `train[3]`; empty for the whole of it.
        key: The id that the document gives it, as the key of an object.
    """

    value: JsonValue
    position: str = ""
    key: str | None = None


def list_records(document: JsonValue, field_map: FieldMap) -> list[Record]:
    """Returns each interaction of a document; what is wrong inside one is found when it is read.

    Raises:
        ReadError: There are none.
    """
    if isinstance(document, list):
        if not document:
            raise ReadError("The list is empty: there is no interaction in it.", cure="Give at least one interaction.")
        if not field_map.turns and is_turn_list(document, field_map):
            return _group_turns(document)
        return [Record(item, f"[{index}]") for index, item in enumerate(document)]
    if isinstance(document, dict):
        records = _list_in_object(document, field_map, 0)
        if not records:
            raise no_turns(document)
        return records
    raise ReadError("The document is a single value, not an interaction.", cure="Give an object or a list.")


def _group_turns(turns: list[JsonValue]) -> list[Record]:
    """Takes a table of turns apart where each row names its conversation; otherwise the list is one conversation."""
    columns = [key for key in _CONVERSATION_IDS if all(isinstance(row, dict) and row.get(key) for row in turns)]
    if not columns:
        return [Record(turns)]
    groups: dict[str, list[JsonValue]] = {}
    for row in turns:
        if isinstance(row, dict):
            groups.setdefault(str(row[columns[0]]), []).append(row)
    return [Record(rows, f"[{columns[0]}={key}]", key) for key, rows in groups.items()]


def _list_in_object(document: JsonObject, field_map: FieldMap, depth: int) -> list[Record]:
    if field_map.turns:
        if holds_turns(document, field_map):
            return [Record(document)]
    elif find_direct_turns(document, field_map) is not None:
        return [Record(document)]
    listed = [
        Record(item, f"{key}[{index}]")
        for key, value in document.items()
        if isinstance(value, list) and any(holds_turns(item, field_map) for item in value[:_LOOKED_AT])
        for index, item in enumerate(value)
    ]
    if listed:
        return listed
    if _is_keyed_by_id(document, field_map):
        return [Record(value, key, key) for key, value in document.items()]
    if not field_map.turns and find_nested_turns(document, field_map) is not None:
        return [Record(document)]
    return [
        Record(record.value, f"{key}.{record.position}" if record.position else key, record.key)
        for key, value in document.items()
        if isinstance(value, dict) and depth < _DEEPEST
        for record in _list_in_object(value, field_map, depth + 1)
    ]


def _is_keyed_by_id(document: JsonObject, field_map: FieldMap) -> bool:
    """Tells `{"dlg-1": {…}, "dlg-2": {…}}` from an object with fields."""
    values = list(document.values())
    return (
        not _ENVELOPES & {key.casefold() for key in document}
        and all(isinstance(value, dict | list) for value in values)
        and any(holds_turns(value, field_map) for value in values[:_LOOKED_AT])
    )
