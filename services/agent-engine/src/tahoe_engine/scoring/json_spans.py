"""Where a value stands in the text of a JSON document."""

import json
import re
from collections.abc import Sequence

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*+")


def find_json_span(text: str, path: Sequence[str | int]) -> tuple[int, int] | None:
    """Returns (start, end) of the value that the keys and indexes of `path` lead to; None where there is none.

    Of equal keys the last counts, as everywhere in Python.
    """
    try:
        start = _skip(text, 0)
        for step in path:
            start = _inside(text, start, step)
        return start, _DECODER.raw_decode(text, start)[1]
    except (ValueError, LookupError, RecursionError):
        return None


def _inside(text: str, start: int, step: str | int) -> int:
    """Returns where the entry `step` of the object or array at `start` begins.

    Raises:
        LookupError: There is no such entry.
        ValueError: The text is no JSON.
    """
    is_object = text[start] == "{"
    if text[start] not in "{[" or isinstance(step, str) != is_object:
        raise LookupError(step)
    found = None
    place = _skip(text, start + 1)
    index = 0
    while text[place] not in "}]":
        key: str | int = index
        if is_object:
            key, place = _DECODER.raw_decode(text, place)
            place = _skip(text, _skip(text, place) + 1)  # past the colon
        if key == step:
            found = place
        place = _skip(text, _DECODER.raw_decode(text, place)[1])
        if text[place] == ",":
            place = _skip(text, place + 1)
        index += 1
    if found is None:
        raise LookupError(step)
    return found


def _skip(text: str, place: int) -> int:
    space = _SPACE.match(text, place)
    return space.end() if space else place
