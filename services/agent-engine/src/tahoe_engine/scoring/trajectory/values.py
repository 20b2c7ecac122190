"""The plain values in JSON, and which of them name something."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from tahoe_engine.scoring.trajectory.words import folded, words

type Path = tuple[str | int, ...]
"""The keys and indices that lead from the arguments to a value."""

_ID_NAME = re.compile(r"(?:^|[_\-.])(?:id|ids|uuid|guid)$|(?<=[a-z])(?:Id|ID|Ids|IDs|Uuid)$")
_ID_VALUE = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[\w.:/#-]{6,256}")
_DATE_VALUE = re.compile(
    r"\d{4}-\d{2}(?:-\d{2})?(?:[T ]\d{2}:\d{2}.*)?|\d{1,2}:\d{2}(?::\d{2})?\s*(?:[ap]m)?", re.IGNORECASE
)
# Possessive, and begun only where white space begins: a megabyte of spaces must not take quadratic time.
_OPERATORS = re.compile(r"(?<!\s)\s++(?:OR|AND|NOT)\s++|(?<![^\S\n])[^\S\n]*+(?:\|++|&&|[;,\n])\s*+")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_AROUND = ".,;:!?#()\"'`*"
_MOST_DEEP = 100
"""Levels of nesting. What lies deeper is not looked at."""


@dataclass(frozen=True, slots=True)
class Value:
    """A plain value, as text, under the name of the argument or field that holds it."""

    name: str
    text: str
    path: Path


@dataclass(frozen=True, slots=True)
class Item:
    """One object among the arguments with its plain values; lists of plain values are spread."""

    values: list[Value]
    path: Path


def plain_text(value: object) -> str | None:
    """Returns a text or a number as text; None for anything else, true, false and null among it."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def is_date(text: str) -> bool:
    """Whether it is a date or a time of day, as software writes them."""
    return bool(_DATE_VALUE.fullmatch(text))


def is_identifier(name: str, text: str) -> bool:
    """Whether the field is called `…_id`, or the value is of letters and digits without spaces (`ord-0042`)."""
    return bool(_ID_NAME.search(name) or _ID_VALUE.fullmatch(text)) and not is_date(text)


def key_of(text: str) -> str:
    """Returns the form in which whole values are compared: folded, `4.50` as `4.5`, no punctuation around it."""
    key = folded(text)
    if "." in key and _DECIMAL.fullmatch(key):
        return key.rstrip("0").rstrip(".")
    return key.strip(_AROUND) or key


def phrases(text: str) -> list[tuple[str, list[str]]]:
    """Returns the parts that a search expression joins by OR, AND, commas or bars, each with its words."""
    return [(part, found) for part in _OPERATORS.split(text) if (found := words(part))]


def parse(text: str) -> JsonValue:
    """Returns the JSON in a text, or the text itself where it is none."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value


def objects(value: JsonValue | Mapping[str, JsonValue], path: Path = ()) -> Iterator[tuple[Path, dict[str, JsonValue]]]:
    """Yields every object in a value with its path, outermost first."""
    if len(path) > _MOST_DEEP:
        return
    if isinstance(value, Mapping):
        yield path, value if isinstance(value, dict) else dict(value)
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                yield from objects(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if isinstance(inner, dict | list):
                yield from objects(inner, (*path, index))


def items(value: JsonValue | Mapping[str, JsonValue]) -> list[Item]:
    """Returns the objects of a call's arguments; arguments that are no object count as one value without a name."""
    if isinstance(value, Mapping):
        return [Item(list(_values_of(found, path)), path) for path, found in objects(value)]
    lone = Item(list(_spread("", value, ())), ())
    return [lone, *(Item(list(_values_of(found, path)), path) for path, found in objects(value))]


def _values_of(found: dict[str, JsonValue], path: Path) -> Iterator[Value]:
    for name, given in found.items():
        yield from _spread(name, given, (*path, name))


def _spread(name: str, given: JsonValue, path: Path) -> Iterator[Value]:
    text = plain_text(given)
    if text is not None:
        yield Value(name, text, path)
    elif isinstance(given, list) and len(path) <= _MOST_DEEP:
        for index, inner in enumerate(given):
            yield from _spread(name, inner, (*path, index))
