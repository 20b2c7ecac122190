"""Lists are pages, newest first, and a cursor says where the next one begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from tahoe_core.errors import InvalidInputError

DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True)
class Cursor:
    """The last row of a page."""

    created_at: datetime
    id: UUID

    def encode(self) -> str:
        """Returns it as text that means nothing to the outside."""
        return urlsafe_b64encode(f"{self.created_at.isoformat()}|{self.id}".encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """Reads what `encode` wrote.

        Raises:
            InvalidInputError: It did not.
        """
        try:
            padded = text + "=" * (-len(text) % 4)
            moment, _, row_id = urlsafe_b64decode(padded.encode("ascii")).decode("ascii").partition("|")
            created_at = datetime.fromisoformat(moment)
            cursor = cls(created_at, UUID(row_id))
            created_at.utctimetuple()  # the edge of the calendar may lie beyond it in UTC, where Postgres reads it
        except (ValueError, OverflowError):
            raise _wrong_cursor() from None
        if created_at.tzinfo is None:
            raise _wrong_cursor()
        return cursor


@dataclass(frozen=True)
class PageRequest:
    """Which part of a list is wanted.

    Raises:
        InvalidInputError: The limit is not between 1 and 200.
    """

    limit: int = DEFAULT_LIMIT
    after: Cursor | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise InvalidInputError(f"The limit must lie between 1 and {MAX_LIMIT}.", field="limit")

    @classmethod
    def of(cls, limit: int = DEFAULT_LIMIT, cursor: str | None = None) -> Self:
        """Builds it from what a query string says."""
        return cls(limit, Cursor.decode(cursor) if cursor else None)


@dataclass(frozen=True)
class Page[Item]:
    """One part of a list.

    Attributes:
        next_cursor: Where the next page begins; None on the last one.
    """

    items: Sequence[Item]
    next_cursor: str | None

    def map[Other](self, convert: Callable[[Item], Other]) -> "Page[Other]":
        """Returns the same page of other things."""
        return Page([convert(item) for item in self.items], self.next_cursor)


def _wrong_cursor() -> InvalidInputError:
    return InvalidInputError(
        "The cursor is none that a list gave.", cure="Leave it out to begin at the start.", field="cursor"
    )
