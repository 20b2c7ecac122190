"""A request's body, read as its model: strictly, and out of the way of other requests when it is long."""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from itertools import islice
from operator import getitem
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tahoe_core.errors import InvalidInputError
from tahoe_core.http.strict_json import parse_json

LONG_BYTES = 64 * 1024
"""A longer body takes milliseconds, in which others want to be served, and is read in a thread of its own."""

MANY_ERRORS = 10_000
"""Beyond these, only the beginning of the body is looked at for what is wrong: the list of all would take gigabytes."""

SHOWN_ITEMS = 10
SHOWN_KEYS = 100

_READERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="read-body")
"""Two at a time, since the worst of what is allowed takes 2 GB while it is read and refused."""

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
        return await asyncio.get_running_loop().run_in_executor(_READERS, _read, body, model)
    return _read(body, model)


def _read(body: bytes, model: TypeAdapter[Any]) -> Any:  # noqa: ANN401 - as above
    parse_json(body)  # refuses what the model would let pass; its value is not kept, for strictness needs the text
    try:
        return model.validate_json(body, strict=True)
    except ValidationError as error:
        count = error.error_count()
        errors = _list_errors(error) if count <= MANY_ERRORS else []
    value = parse_json(body)
    if not errors:
        value = _shorten(value)
        errors = _find_errors(value, model)
    elif _write_integers(value, errors):
        errors = _find_errors(value, model)
        if not errors:
            return model.validate_json(json.dumps(value), strict=True)
    if not errors:
        raise InvalidInputError(f"The body breaks the schema in {count:,} places.", field="body")
    raise RequestValidationError(_locate(errors, value))


def _find_errors(value: JsonValue, model: TypeAdapter[Any]) -> list[ErrorDetails]:
    try:
        model.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        return _list_errors(error)
    return []


def _list_errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)


def _shorten(value: JsonValue) -> JsonValue:
    """Returns the value with the beginning of each list and object: enough to see what is wrong with all of it."""
    match value:
        case list():
            return [_shorten(item) for item in value[:SHOWN_ITEMS]]
        case dict():
            return {key: _shorten(item) for key, item in islice(value.items(), SHOWN_KEYS)}
        case _:
            return value


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
