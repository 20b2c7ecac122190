"""JSON from outside, read strictly: only what the database can store and what other readers would read the same."""

import json
import math
import re
from typing import Any, NoReturn

from tahoe_core.errors import InvalidInputError

SUSPICIOUS_ESCAPE = re.compile(r"\\u(?:0000|[dD][89abAB])")
NUL = "\x00"


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - JSON is anything; the caller's model says what it must be
    """Returns the value.

    Raises:
        InvalidInputError: Not UTF-8, not JSON (the message has line and column), NaN, infinite or overflowing numbers,
            nested too deeply, or text that PostgreSQL cannot store: U+0000 and halves of surrogate pairs.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"The body is not UTF-8: byte {error.start} cannot be read.", field="body") from None
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        message = f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        raise InvalidInputError(message, field="body") from None
    except RecursionError:
        raise InvalidInputError("The body is nested too deeply.", field="body") from None
    except ValueError as error:  # an integer of more than 4300 digits
        raise InvalidInputError(f"The body holds a number that cannot be read: {error}.", field="body") from None
    if SUSPICIOUS_ESCAPE.search(text):  # only an escape can bring such a character past the two steps above
        _require_storable(value)
    return value


def require_storable(text: str, field: str) -> None:
    """Refuses text that PostgreSQL cannot store.

    Raises:
        InvalidInputError: It names the field.
    """
    if NUL in text:
        raise InvalidInputError("The text holds the character U+0000, which cannot be stored.", field=field)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInputError(
            "The text holds half of a surrogate pair, which is no character.", field=field
        ) from None


def _require_storable(value: object) -> None:
    """Walks the value without recursion: it may be as deep as the reader allows."""
    todo: list[tuple[str, object]] = [("", value)]
    while todo:
        path, item = todo.pop()
        match item:
            case str():
                require_storable(item, path or "body")
            case dict():
                for key, inner in item.items():
                    require_storable(key, path or "body")
                    todo.append((f"{path}.{key}".lstrip("."), inner))
            case list():
                todo.extend((f"{path}.{index}".lstrip("."), inner) for index, inner in enumerate(item))


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidInputError(f"The body holds {name}, which is no number in JSON.", field="body")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidInputError(f"The body holds a number that is too large: {text[:40]}.", field="body")
    return number
