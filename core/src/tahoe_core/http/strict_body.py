"""A request's body, read as its model: strictly, and out of the way of other requests when it is long."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tahoe_core.http.strict_json import parse_json

LONG_BYTES = 64 * 1024
"""A longer body takes milliseconds, in which others want to be served, and is read in a thread."""

KEY_ITSELF = "[key]"
"""What Pydantic says after a key that is wrong itself."""

type Location = tuple[str | int, ...]


async def read_body(body: bytes, model: TypeAdapter[Any]) -> Any:  # noqa: ANN401 - whatever the model makes of it
    """Returns what the model makes of the body.

    JSON has types of its own, so none is guessed from another: `"1"` is no number, `1` is no boolean. A time or an id
    is a text in JSON, and is read as one.

    Raises:
        InvalidInputError: The body is no JSON that can be kept (see `parse_json`).
        RequestValidationError: The JSON does not fit the model.
    """
    if len(body) > LONG_BYTES:
        return await asyncio.to_thread(_read, body, model)
    return _read(body, model)


def _read(body: bytes, model: TypeAdapter[Any]) -> Any:  # noqa: ANN401 - as above
    parse_json(body)  # refuses what the model would let pass; its value is not kept, for strictness needs the text
    try:
        return model.validate_json(body, strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
    raise RequestValidationError(locate_errors(errors, parse_json(body)))


def locate_errors(errors: Sequence[ErrorDetails], value: object) -> list[dict[str, Any]]:
    """Returns the errors under the paths of the input, without those that only follow from others.

    To Pydantic a list whose items are wrong is also too short, and what may be this or that is wrong in both ways.
    """
    located = [{**error, "loc": ("body", *find_path(error["loc"], value))} for error in errors]
    around = {error["loc"][:end] for error in located for end in range(len(error["loc"]))}
    return [error for error in located if error["loc"] not in around]


def find_path(location: Sequence[str | int], value: Any) -> Location:  # noqa: ANN401 - any JSON
    """Returns where in the input an error lies.

    Pydantic's locations also name the branch of a union that was tried; of such a part the input knows nothing. The
    last part may be a key that is missing.

    Args:
        location: As Pydantic says it.
        value: The input.
    """
    path: list[str | int] = []
    for place, part in enumerate(location):
        match value:
            case dict() if part in value:
                value = value[part]
            case list() if isinstance(part, int) and part < len(value):
                value = value[part]
            case dict() if place == len(location) - 1 and part != KEY_ITSELF:
                pass
            case _:
                continue
        path.append(part)
    return tuple(path)
