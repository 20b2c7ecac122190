"""What Postgres cannot keep, found before Postgres sees it: null bytes and halves of surrogate pairs."""

import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic_core import PydanticSerializationError, from_json, to_json

from tahoe_core.errors import InvalidInputError

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def to_json_text(value: object) -> str:
    """Returns JSON as `jsonb` takes it; integers stay exact however long, NaN and infinities become null.

    Raises:
        InvalidInputError: A text in it cannot be stored; `field` says which.
    """
    try:
        text = to_json(value, inf_nan_mode="null").decode()
    except PydanticSerializationError:
        refuse_unstorable(value)
        raise
    if "\\u0000" in text:
        refuse_unstorable(from_json(text))  # not every backslash before u0000 is an escape
    return text


def from_json_text(text: str | bytes) -> object:
    """Returns what the JSON says; integers stay exact however long."""
    return from_json(text)


def replace_unstorable(text: str) -> str:
    """Returns the text with U+FFFD for each null byte and half of a surrogate pair."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def refuse_unstorable(value: object, field: str = "") -> None:
    """Looks through texts, lists and mappings.

    Args:
        value: What is to be stored.
        field: Path of `value` in the input, for the error.

    Raises:
        InvalidInputError: A text holds a null byte or half of a surrogate pair.
    """
    for path, found in _list_unstorable(value, field):
        what = "a null byte" if found == "\0" else f"U+{ord(found):04X}, half of a surrogate pair"
        place = f" at {path}" if path else ""
        raise InvalidInputError(
            f"The text{place} holds {what}, which cannot be stored.", cure="Remove it.", field=path or None
        )


def _list_unstorable(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if found := _UNSTORABLE.search(value):
            yield path, found.group()
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _list_unstorable(key, path)
            yield from _list_unstorable(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        for number, item in enumerate(value):
            yield from _list_unstorable(item, f"{path}.{number}" if path else str(number))
