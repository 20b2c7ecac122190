"""A request's body, read as its model: strictly, and out of the way of other requests when it is long."""

import asyncio
import json
from collections.abc import Sequence
from functools import reduce
from operator import getitem
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tahoe_core.http.strict_json import parse_json

LONG_BYTES = 64 * 1024
"""A longer body takes milliseconds, in which others want to be served, and is read in a thread."""

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
        errors = _list_errors(error)
    value = parse_json(body)
    if _write_integers(value, errors):
        try:
            return model.validate_json(json.dumps(value), strict=True)
        except ValidationError as error:
            errors = _list_errors(error)
    raise RequestValidationError(_locate(errors, value))


def _list_errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _write_integers(value: JsonValue, errors: Sequence[ErrorDetails]) -> bool:
    """Writes `5.0` as `5` where an integer is asked for: to JSON Schema they are the same number."""
    written = False
    for error in errors:
        path = find_path(error, value)
        if error["type"] == "int_type" and path:
            *way, last = path
            holder: Any = reduce(getitem, way, value)  # type: ignore[arg-type]  # the path leads through lists and dicts
            if isinstance(holder[last], float) and holder[last].is_integer():
                holder[last] = int(holder[last])
                written = True
    return written


def _locate(errors: Sequence[ErrorDetails], value: JsonValue) -> list[dict[str, Any]]:
    """Returns the errors under the paths of the input, without those that only follow from others.

    To Pydantic a list whose items are wrong is also too short, and what may be this or that is wrong in both ways.
    """
    located: list[dict[str, Any]] = [{**error, "loc": ("body", *find_path(error, value))} for error in errors]
    around = {error["loc"][:end] for error in located for end in range(len(error["loc"]))}
    return [error for error in located if error["loc"] not in around]


def find_path(error: ErrorDetails, value: JsonValue) -> Location:
    """Returns where in the input an error lies.

    Pydantic's own location also names the branches of unions that were tried; the input knows nothing of them.
    """
    path: list[str | int] = []
    here: Any = value
    for place, part in enumerate(error["loc"], start=1):
        if _leads_on(here, part):
            here = here[part]
        elif place < len(error["loc"]) or error["type"] != "missing":
            continue
        path.append(part)
    return tuple(path)


def _leads_on(value: JsonValue, part: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value
