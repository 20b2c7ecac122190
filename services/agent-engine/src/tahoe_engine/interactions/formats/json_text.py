"""Strict JSON: what the standard leaves open is refused or kept, never lost.

The standard library's parser, not orjson: it costs 15 µs more for a chat of thirty turns, a tenth of reading it, and
only it can notice a key that stands twice or a number that does not fit.
"""

import json
import math

import orjson
from pydantic import JsonValue

from tahoe_core.errors import ReadError

_LARGEST = 2**63
_SAFE_DIGITS = 18
_EXCERPT = 60


def parse_json(text: str, *, first_line: int = 1) -> JsonValue:
    """Parses one JSON document, or one line of a JSONL file, which begins at `first_line` of its file.

    Numbers beyond 64 bits or beyond a double become their own text: an order number keeps its digits.

    Raises:
        ReadError: It is no JSON (with line and column), a key stands twice in one object, or it nests too deep.
    """
    try:
        value: JsonValue = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        line = error.lineno + first_line - 1
        raise ReadError(
            f"Broken JSON at line {line}, column {error.colno}: {_lower_first(error.msg)}{_near(text, error)}.",
            line=line,
            cure=_cure(text, error),
        ) from None
    except _NoJsonValueError as error:
        raise _no_json_value(str(error), text, first_line) from None
    except RecursionError:
        raise _too_deep() from None
    return value


def find_json_object(text: str) -> dict[str, JsonValue] | None:
    """Returns the object that the text of an agent is, or None when it is not exactly one JSON object.

    Of a key that stands twice the last value counts, as for the tools that take such text; it stays visible in the
    text itself, which is kept.
    """
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = _LENIENT_DECODER.decode(text)
    except (json.JSONDecodeError, RecursionError, _NoJsonValueError):
        return None
    return value if isinstance(value, dict) else None


def json_size(value: JsonValue) -> int:
    """Returns the length of the value as compact JSON, in bytes.

    Raises:
        ReadError: It nests too deep to be stored, or holds half of a surrogate pair.
    """
    return len(dump_json(value))


def dump_json(value: JsonValue) -> bytes:
    """Returns the value as compact JSON.

    Raises:
        ReadError: It nests too deep to be stored, or holds half of a surrogate pair.
    """
    try:
        return orjson.dumps(value)
    except TypeError as error:
        if "surrogates" in str(error):
            raise ReadError(
                "Half of a surrogate pair (such as \\ud800) stands in it, which is no character.",
                cure="Write the whole character, or remove it.",
            ) from None
        if "64-bit" in str(error):  # orjson writes no longer integers; over HTTP they come as numbers
            return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
        raise _too_deep() from None


def render_json(value: JsonValue) -> str:
    """Writes a value as a reader likes it, characters as they are."""
    return json.dumps(value, ensure_ascii=False)


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add returns None, which is falsy: the usual idiom
        raise ReadError(
            f"The key {twice!r} stands twice in one object: {render_json(result)[:_EXCERPT]}…",
            cure="Keep one of them: JSON has no rule for which of the two counts.",
        )
    return result


def _integer(digits: str) -> int | str:
    if len(digits) <= _SAFE_DIGITS:
        return int(digits)
    if len(digits) > _SAFE_DIGITS + 2:
        return digits
    value = int(digits)
    return value if -_LARGEST <= value < _LARGEST else digits


def _float(digits: str) -> float | str:
    value = float(digits)
    return value if math.isfinite(value) else digits


class _NoJsonValueError(Exception):
    """Python's parser met NaN or an infinity, which it alone takes for a number."""


def _constant(name: str) -> JsonValue:
    raise _NoJsonValueError(name)


_LENIENT_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_constant)
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)


def _no_json_value(name: str, text: str, first_line: int) -> ReadError:
    cure = "Write null, or the number as text."
    try:
        orjson.loads(text)  # Python's parser does not say where it stands; this one stumbles over it
    except orjson.JSONDecodeError as error:
        line = error.lineno + first_line - 1
        message = f"{name} is no JSON value: line {line}, column {error.colno}."
        return ReadError(message, line=line, cure=cure)
    return ReadError(f"{name} is no JSON value.", cure=cure)


def _lower_first(message: str) -> str:
    return message[:1].lower() + message[1:]


def _near(text: str, error: json.JSONDecodeError) -> str:
    after = text[error.pos : error.pos + 20].partition("\n")[0].strip()
    return f", near {after!r}" if after else ""


def _cure(text: str, error: json.JSONDecodeError) -> str:
    if error.pos >= len(text.rstrip()):
        return "The document ends too early: it was probably cut off."
    if error.msg == "Extra data":
        return "One document a file; for one document a line use the extension .jsonl, or --format jsonl."
    return "Correct it there; `python -m json.tool FILE` shows the same place."


def _too_deep() -> ReadError:
    return ReadError("It nests too deep to be an interaction.", cure="Flatten it to at most 200 levels.")
