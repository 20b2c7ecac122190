"""Lists are pages; an opaque cursor leads to the next one."""

import base64
import hashlib
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from tahoe_core.errors import NotFoundError

CHECK_BYTES = 4
MAX_CURSOR_CHARACTERS = 1024
DEFAULT_LIMIT = 50
MAX_LIMIT = 200

PageLimit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page may hold.")]
"""Parameter of a list route: `limit: PageLimit = DEFAULT_LIMIT`."""

PageCursor = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR_CHARACTERS, description="`next_cursor` of the page before; none: the first."),
]
"""Parameter of a list route: `cursor: PageCursor = None`."""


class Page[Item](BaseModel):
    """Part of a list."""

    items: list[Item]
    next_cursor: str | None = Field(None, description="Leads to the next page; null on the last one.")


def encode_cursor(position: BaseModel) -> str:
    """Returns the place after which the next page begins, as text that callers have no reason to look into.

    Args:
        position: The sort key of the last item, for instance its time and id.
    """
    body = position.model_dump_json().encode()
    check = hashlib.sha256(body).digest()[:CHECK_BYTES]
    return base64.urlsafe_b64encode(check + body).rstrip(b"=").decode()


def decode_cursor[Position: BaseModel](cursor: str, kind: type[Position]) -> Position:
    """Returns what `encode_cursor` was given.

    Raises:
        NotFoundError: We did not make this cursor, or for another list, so there is no such page. What does not even
            look like a cursor is a 422 before that, by the parameter's pattern. The check guards against accidents; no
            secret is needed, as a forged position reaches only rows that the caller may read anyway.
    """
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = kind.model_validate_json(packed[CHECK_BYTES:])
    except ValueError:
        raise _unusable() from None
    # Spelled again it must be the same: the last character has spare bits, JSON has spare spaces.
    if encode_cursor(position) != cursor:
        raise _unusable()
    return position


def _unusable() -> NotFoundError:
    return NotFoundError(
        "This cursor is none of ours, or of another list.",
        cure="Send next_cursor as it came, or none for the first page.",
        field="cursor",
    )
