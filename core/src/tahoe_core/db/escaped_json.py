"""JSON as a text that Postgres keeps to the letter, whatever characters and numbers stand in it."""

import json
import re
from collections.abc import Mapping

from tahoe_core.errors import InvalidInputError

_HALVES = re.compile("[\ud800-\udfff]")


def to_escaped_json(value: object) -> str:
    """Returns JSON in which null bytes and halves of surrogate pairs are escapes; NaN and infinities keep their names.

    Two halves of one character that stand side by side come back as that character.

    Raises:
        TypeError: Something in it is no JSON.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _HALVES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def from_escaped_json(text: str) -> object:
    """Returns what `to_escaped_json` was given."""
    loaded: object = json.loads(text)
    return loaded


def refuse_broken_names(value: object) -> None:
    """Looks through mappings before Pydantic makes JSON of them: it replaces halves in names, and says nothing.

    Raises:
        InvalidInputError: A name holds half of a surrogate pair.
    """
    if isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(name, str) and (half := _HALVES.search(name)):
                raise InvalidInputError(
                    f"A name holds U+{ord(half[0]):04X}, half of a surrogate pair, which JSON cannot say.",
                    cure="Remove it.",
                )
            refuse_broken_names(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            refuse_broken_names(item)
