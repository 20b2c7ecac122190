"""Lists are pages over HTTP; how a cursor is made is `tahoe_core.db.page`'s affair."""

from collections.abc import Callable
from typing import Annotated, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from tahoe_core.db.page import DEFAULT_LIMIT, MAX_LIMIT, PageRequest
from tahoe_core.db.page import Page as RowPage
from tahoe_core.errors import InvalidInputError, NotFoundError

CURSOR_PATTERN = r"^[A-Za-z0-9_-]{6,512}$"


class Page[Item](BaseModel):
    """Part of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Leads to the next page; null on the last one.")

    @classmethod
    def of[Row](cls, page: RowPage[Row], convert: Callable[[Row], Item]) -> Self:
        """Returns a page of rows as a page of what the API shows."""
        return cls(items=[convert(row) for row in page.items], next_cursor=page.next_cursor)


async def read_page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page may hold.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None,
        Query(pattern=CURSOR_PATTERN, description="`next_cursor` of the page before; none: the first page."),
    ] = None,
) -> PageRequest:
    """Returns which part of a list is asked for; `async`, as FastAPI sends any other dependency through a thread.

    Raises:
        NotFoundError: The cursor is none that a list gave, so there is no such page. What does not even look like one
            is a 422 before that: a 422 says that the schema was broken, and this schema cannot say more.
    """
    try:
        return PageRequest.of(limit, cursor)
    except InvalidInputError as error:
        raise NotFoundError(error.message, cure=error.cure, field=error.field) from None


RequestedPage = Annotated[PageRequest, Depends(read_page_request)]
"""Which part of a list is asked for, as a parameter of a route: `async def list_things(page: RequestedPage)`."""
