"""Where the interactions are in a JSON document: one, a list of them, an object that holds a list or names each."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.draft import JsonObject
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.generic_turns import is_turn_list
from tahoe_engine.interactions.formats.near_names import did_you_mean

TURN_LISTS = (
    "turns messages utterances original conversation conversations transcript transcription dialogue dialog chat "
    "history log traj trajectory events exchanges segments interaction thread emails lines"
).split()
# Objects that wrap one interaction; their keys are no ids of conversations.
_ENVELOPES = frozenset({
    "input", "inputs", "output", "outputs", "request", "response", "result", "payload", "body", "data", "record",
    "conversation", "interaction", "call", "chat", "transcript", "dialogue", "dialog", "run", "trace",
})  # fmt: skip
_DEEPEST = 4
_LONGEST_SHOWN = 12


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


@dataclass(frozen=True, slots=True)
class TurnList:
    """The turns of a record: the list, or a transcript in one text.

    Attributes:
        path: Keys that lead to it.
        left_out: Paths of other lists of turns in the same record, which are not read.
    """

    path: tuple[str, ...]
    value: list[JsonValue] | str
    left_out: tuple[str, ...] = ()


def find_records(document: JsonValue, field_map: FieldMap) -> Iterator[Record]:
    """Yields each interaction of a document; what is wrong inside one is found when it is read.

    Raises:
        ReadError: There are none.
    """
    if isinstance(document, list):
        if not document:
            raise ReadError("The list is empty: there is no interaction in it.", cure="Give at least one interaction.")
        if not field_map.turns and is_turn_list(document, field_map):
            yield Record(document)
        else:
            yield from (Record(item, f"[{index}]") for index, item in enumerate(document))
    elif isinstance(document, dict):
        yield from _find_in_object(document, field_map)
    else:
        raise ReadError(
            "The document is a single JSON value, not an interaction.", cure="Give an object or a list."
        )


def find_turns(record: JsonValue, field_map: FieldMap) -> TurnList:
    """Returns the turns of one record.

    Raises:
        ReadError: It holds none; the message says what it does hold.
    """
    if isinstance(record, list):
        if not is_turn_list(record, field_map):
            raise ReadError("It is a list of something else than turns.", cure=_NAME_THEM)
        return TurnList((), record)
    if not isinstance(record, dict):
        raise ReadError(f"It is {_kind(record)}, not an interaction.", cure="An interaction is an object or a list.")
    if field_map.turns:
        return TurnList(tuple(field_map.turns.split(".")), _follow(record, field_map.turns))
    found = _direct_turns(record, field_map) or _nested_turns(record, field_map)
    if found is None:
        raise _no_turns(record)
    return found


_NAME_THEM = "Name the list with --map turns=path.to.list,speaker=FIELD,text=FIELD."


def _find_in_object(document: JsonObject, field_map: FieldMap) -> Iterator[Record]:
    if field_map.turns or _direct_turns(document, field_map) is not None:
        yield Record(document)
        return
    lists = {key: value for key, value in document.items() if _is_record_list(value, field_map)}
    if lists:
        for key, value in lists.items():
            yield from (Record(item, f"{key}[{index}]") for index, item in enumerate(value))
    elif _is_keyed_by_id(document, field_map):
        yield from (Record(value, key, key) for key, value in document.items())
    elif _nested_turns(document, field_map) is not None:
        yield Record(document)
    else:
        inner = [(key, value) for key, value in document.items() if isinstance(value, dict)]
        keyed = [(key, value) for key, value in inner if value and _is_keyed_by_id(value, field_map)]
        if not keyed:
            raise _no_turns(document)
        for key, value in keyed:
            yield from (Record(item, f"{key}.{identifier}", identifier) for identifier, item in value.items())


def _direct_turns(record: JsonObject, field_map: FieldMap) -> TurnList | None:
    """Returns the turns under a usual name, or else under the only key that holds a list of turns."""
    for key in TURN_LISTS:
        value = record.get(key)
        if isinstance(value, list) and (not value or is_turn_list(value, field_map)) and value != []:
            return TurnList((key,), value)
        if isinstance(value, str) and "\n" in value:
            return TurnList((key,), value)
    if record.get("turns") == [] or record.get("messages") == []:
        raise ReadError("The list of turns is empty.", cure="An interaction needs at least one turn.")
    lists = [
        (key, value)
        for key, value in record.items()
        if isinstance(value, list) and isinstance(value[:1], list) and value and isinstance(value[0], dict | list)
    ]
    turns = [(key, value) for key, value in lists if is_turn_list(value, field_map)]
    return TurnList((turns[0][0],), turns[0][1]) if len(turns) == 1 else None
