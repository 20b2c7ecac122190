"""JSON from outside, read strictly: only what the database can store and what other readers would read the same."""

import json
import math
import re
from typing import Any, NoReturn

from tahoe_core.db.storable import refuse_unstorable
from tahoe_core.errors import InvalidInputError, PayloadTooLargeError

MAX_DEPTH = 100
MAX_PARTS = 2_500_000
"""Commas and opening brackets of a body, those in its texts included: there are never more values than these.

An empty object takes 3 bytes as JSON and several hundred as Python's, the more when something is wrong with it. A
transcript of 200,000 turns and 50 MB has some 1,500,000.
"""
ESCAPE_TO_LOOK_AT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - JSON is anything; the caller's model says what it must be
    """Returns the value.

    Raises:
        InvalidInputError: Not UTF-8, not JSON (the message has line and column), NaN, infinite or overflowing numbers,
            nested more than `MAX_DEPTH` deep, or text that PostgreSQL cannot store: U+0000, halves of surrogate pairs.
        PayloadTooLargeError: More than `MAX_PARTS` values.
    """
    parts = body.count(b",") + body.count(b"[") + body.count(b"{")
    if parts > MAX_PARTS:
        raise PayloadTooLargeError(
            f"The body has {parts:,} commas and opening brackets; {MAX_PARTS:,} are read.", cure="Send less at once."
        )
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise _unreadable(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # Python reads no integer of more than 4300 digits
        raise _unreadable("The body holds a number of more digits than can be read.") from None
    _require_depth(value)
    if ESCAPE_TO_LOOK_AT.search(text):  # only an escape brings such a character past the steps above
        refuse_unstorable(value)
    return value


def _require_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _refuse_constant(name: str) -> NoReturn:
    raise _unreadable(f"The body holds {name}, which is no number in JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _unreadable(f"The body holds a number that is too large: {text[:40]}.")
    return number


def _too_deep() -> InvalidInputError:
    return _unreadable(f"The body is nested more than {MAX_DEPTH} deep.")


def _unreadable(message: str) -> InvalidInputError:
    return InvalidInputError(message, field="body")
