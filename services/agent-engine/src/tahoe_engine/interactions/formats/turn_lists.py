"""Where the turns are in one record: under a usual name, under the only list that can be meant, or deeper down."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from tahoe_core.errors import ReadError
from tahoe_core.near_names import did_you_mean
from tahoe_engine.interactions.formats.draft import JsonObject
from tahoe_engine.interactions.formats.field_map import FieldMap
from tahoe_engine.interactions.formats.generic_turns import is_turn_list
from tahoe_engine.interactions.formats.json_text import parse_json
from tahoe_engine.interactions.formats.plain_text import looks_like_plain_text

TURN_LISTS = (
    "turns", "messages", "utterances", "original", "conversation", "conversations", "transcript",
    "transcription", "dialogue", "dialog", "chat", "history", "log", "traj", "trajectory", "events",
    "exchanges", "segments", "interaction", "thread", "emails", "lines",
)  # fmt: skip
_NAME_THEM = "Name the list with --map turns=path.to.list,speaker=FIELD,text=FIELD."
_DEEPEST = 4
_SHOWN_KEYS = 12


@dataclass(frozen=True, slots=True)
class TurnList:
    """The turns of a record: a list, or a transcript in one text.

    Attributes:
        path: Keys that lead to it.
        left_out: Paths of other lists of turns in the same record, which are not read.
    """

    path: tuple[str, ...]
    value: list[JsonValue] | str
    left_out: tuple[str, ...] = ()


def holds_turns(value: JsonValue, field_map: FieldMap) -> bool:
    """Tells whether a value is a record: a list of turns, or an object with one directly inside, be it empty."""
    if field_map.turns:
        return isinstance(value, dict) and field_map.turns.split(".")[0] in value
    if isinstance(value, dict):
        return find_direct_turns(value, field_map) is not None or _empty_list(value) is not None
    return is_turn_list(value, field_map)


def get_turns(record: JsonValue, field_map: FieldMap) -> TurnList:
    """Returns the turns of one record.

    Raises:
        ReadError: It holds none; the message says what it does hold.
    """
    if isinstance(record, list) and is_turn_list(record, field_map):
        return TurnList((), record)
    if not isinstance(record, dict):
        raise ReadError(f"It is {_kind(record)}, not an interaction.", cure=f"{_NAME_THEM[:-1]} if it holds turns.")
    if field_map.turns:
        return _follow(record, field_map.turns)
    found = find_direct_turns(record, field_map) or find_nested_turns(record, field_map)
    if found is None:
        raise no_turns(record)
    return found


def find_direct_turns(record: JsonObject, field_map: FieldMap) -> TurnList | None:
    """Returns the turns that stand in the object itself, or None."""
    for key in TURN_LISTS:
        value = record.get(key)
        if isinstance(value, str) and looks_like_plain_text(value, field_map):
            return TurnList((key,), value)
        if isinstance(value, list) and is_turn_list(value, field_map):
            return TurnList((key,), value)
    others = [
        (key, value)
        for key, value in record.items()
        if isinstance(value, list) and value and isinstance(value[0], dict) and is_turn_list(value, field_map)
    ]
    return TurnList((others[0][0],), others[0][1]) if len(others) == 1 else None


def find_nested_turns(record: JsonObject, field_map: FieldMap) -> TurnList | None:
    """Returns the longest list of turns in the objects inside, for instance `inputs.messages`; None without one."""
    found = [
        TurnList((*path, *turns.path), turns.value)
        for path, inner in _objects_inside(record)
        if (turns := find_direct_turns(inner, field_map)) is not None
    ]
    if not found:
        return None
    longest = max(found, key=lambda turns: len(turns.value))
    left_out = tuple(".".join(turns.path) for turns in found if turns is not longest)
    return TurnList(longest.path, longest.value, left_out)


def no_turns(record: JsonObject) -> ReadError:
    """Says that an object holds no turns, and what it holds."""
    empty = _empty_list(record)
    if empty is not None:
        return ReadError(f"The list {empty!r} is empty.", cure="An interaction needs at least one turn.")
    keys = ", ".join(list(record)[:_SHOWN_KEYS]) + (", …" if len(record) > _SHOWN_KEYS else "")
    return ReadError(
        f"No turns found: the object has {keys or 'no keys'}; looked for {', '.join(TURN_LISTS[:8])} and the like.",
        cure=_NAME_THEM,
    )


def _empty_list(record: JsonObject) -> str | None:
    return next((key for key in TURN_LISTS if record.get(key) == []), None)


def _objects_inside(record: JsonObject) -> Iterator[tuple[tuple[str, ...], JsonObject]]:
    level: list[tuple[tuple[str, ...], JsonObject]] = [((), record)]
    for _ in range(_DEEPEST):
        level = [
            ((*path, key), value) for path, inner in level for key, value in inner.items() if isinstance(value, dict)
        ]
        yield from level


def _follow(record: JsonObject, dotted: str) -> TurnList:
    value: JsonValue = record
    path = tuple(dotted.split("."))
    for number, key in enumerate(path):
        if not isinstance(value, dict) or key not in value:
            names = list(value) if isinstance(value, dict) else []
            raise ReadError(
                f"--map turns={dotted}: there is no {'.'.join(path[: number + 1])!r}.{did_you_mean(key, names)}",
                cure=f"There it has {', '.join(names[:_SHOWN_KEYS])}." if names else "Correct the path.",
            )
        value = value[key]
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = parse_json(value)  # a list that was written as text, as in the column of a table
    if not isinstance(value, list | str):
        raise ReadError(f"--map turns={dotted}: that is {_kind(value)}, not a list.", cure="Correct the path.")
    return TurnList(path, value)


def _kind(value: JsonValue) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "a text", dict: "an object"}
    return kinds.get(type(value), "null" if value is None else "a list of something else than turns")
