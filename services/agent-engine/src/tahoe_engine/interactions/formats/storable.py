"""What PostgreSQL cannot keep is refused before anything is stored: NUL, and halves of surrogate pairs."""

from collections.abc import Iterator

from pydantic import JsonValue

from tahoe_core.errors import ReadError
from tahoe_engine.interactions.formats.json_text import dump_json

_NUL_CURE = "Remove it: PostgreSQL cannot store it in text."
_SURROGATE_CURE = "Write the whole character, or remove it: alone it is no character."


def refuse_unstorable_text(text: str, where: str) -> None:
    r"""Raises when the text holds a NUL character or half of a surrogate pair such as ``\ud800``.

    Raises:
        ReadError: It names `where` and the position in code points.
    """
    nul = text.find("\0")
    if nul >= 0:
        raise ReadError(f"A NUL character stands in {where} at position {nul}.", cure=_NUL_CURE)
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):04x}"
        raise ReadError(
            f"Half of a surrogate pair ({half}) stands in {where} at position {error.start}.", cure=_SURROGATE_CURE
        ) from None


def refuse_unstorable_json(value: JsonValue, where: str) -> None:
    """The same for every key and text inside a JSON value; also raises when it nests too deep to be stored.

    Raises:
        ReadError: It names `where`.
    """
    try:
        suspicious = b"\\u0000" in dump_json(value)
    except ReadError as error:
        if "surrogate" not in error.message:
            raise ReadError(f"{where}: {error.message}", cure=error.cure) from None
        suspicious = True
    if suspicious:
        for path, text in _texts(value, where):
            refuse_unstorable_text(text, path)


def _texts(value: JsonValue, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"a key of {path}", key
            yield from _texts(item, f"{path}.{key!s}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]")
