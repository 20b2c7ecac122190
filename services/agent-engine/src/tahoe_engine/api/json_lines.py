"""A body of JSON lines, which FastAPI knows nothing of."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request

from tahoe_core.errors import InvalidInputError

JSON_LINES = "application/x-ndjson"
_TAKEN = frozenset({JSON_LINES, "application/jsonl"})

JSON_LINES_BODY: dict[str, Any] = {
    "required": True,
    "content": {JSON_LINES: {"schema": {"type": "string", "minLength": 1, "description": "One JSON document a line."}}},
}
"""The body as OpenAPI has it."""


async def read_json_lines(request: Request) -> bytes:
    """Returns the body of a request that says that it is JSON lines.

    Raises:
        InvalidInputError: There is none.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if body and media_type not in _TAKEN:
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Send the body as JSON lines, with Content-Type: {JSON_LINES}.",
            {"Accept": JSON_LINES},
        )
    if not body:
        raise InvalidInputError("The body is empty.", cure="Send a memory a line.", field="body")
    return body


JsonLines = Annotated[bytes, Depends(read_json_lines)]
