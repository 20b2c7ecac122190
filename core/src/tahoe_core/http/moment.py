"""A moment as part of a query."""

import re
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _written_as_published(value: object) -> object:
    """Refuses the other things that Pydantic takes for a moment, such as a number of seconds."""
    if isinstance(value, str) and not RFC_3339.fullmatch(value):
        raise PydanticCustomError("moment", "Input should be a moment with its offset, like 2026-11-03T10:02:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_as_published)]
"""A moment in a query: `async def list_things(created_from: Moment | None = None)`. In a URL, `+` is written `%2B`."""
