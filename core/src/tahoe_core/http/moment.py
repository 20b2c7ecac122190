"""A moment as part of a query."""

import re
from datetime import MINYEAR, UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _written_as_published(value: object) -> object:
    """Refuses the other things that Pydantic takes for a moment, such as a number of seconds."""
    if isinstance(value, str) and not RFC_3339.fullmatch(value):
        raise PydanticCustomError("moment", "Input should be a moment with its offset, like 2026-11-03T10:02:00Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    """Takes a moment beyond the calendar, which an offset makes possible, for the calendar's own edge."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return FIRST if moment.year == MINYEAR else LAST


Moment = Annotated[AwareDatetime, BeforeValidator(_written_as_published), AfterValidator(_in_utc)]
"""A moment in a query: `async def list_things(created_from: Moment | None = None)`. In a URL, `+` is written `%2B`."""
