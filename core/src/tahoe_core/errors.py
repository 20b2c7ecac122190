"""The errors that Tahoe raises on purpose.

TahoeError                       500  something of ours is wrong
├── InvalidInputError            422  what came in cannot be used; `field` says where
│   └── ReadError                422  a file or document could not be read
├── UnauthorizedError            401  no valid token
├── NotFoundError                404  no such thing, or not of this team
├── ConflictError                409  the thing changed, or exists already
│   └── CollisionError           409  a transaction gave way to another; it may run again
├── PayloadTooLargeError         413  more than the limit
└── UnavailableError             503  something we depend on does not answer
    └── EmbeddedPostgresError    503  the bundled Postgres could not be started or stopped

Services extend it: `tahoe_engine.scoring.problems` has ScorecardError, an InvalidInputError that lists every problem.
"""

from http import HTTPStatus
from typing import ClassVar


class TahoeError(Exception):
    """Root of the tree; one handler renders it over HTTP, one over the terminal.

    Args:
        message: What is wrong, for a person.
        cure: What to do about it, one sentence; empty when the message says it.
        field: Path of the input that is wrong, for instance ``requirements.3.check.pattern``.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.INTERNAL_SERVER_ERROR
    title: ClassVar[str] = "Internal error"

    def __init__(self, message: str, *, cure: str = "", field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.field = field

    def __str__(self) -> str:
        """The message and its cure in one line."""
        return f"{self.message} {self.cure}".strip()


class InvalidInputError(TahoeError):
    """What came in cannot be used."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Invalid input"


class ReadError(InvalidInputError):
    """A file or document could not be read.

    Args:
        message: What is wrong, for a person.
        path: The file, as the user named it.
        line: 1-based line of the fault, where known.
        cure: What to do about it.
    """

    title = "Unreadable document"

    def __init__(self, message: str, *, path: str | None = None, line: int | None = None, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.path = path
        self.line = line


class UnauthorizedError(TahoeError):
    """No valid token."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Unauthorized"


class NotFoundError(TahoeError):
    """No such thing, or not of this team: the two are never told apart."""

    status = HTTPStatus.NOT_FOUND
    title = "Not found"


class ConflictError(TahoeError):
    """The thing changed meanwhile, or exists already."""

    status = HTTPStatus.CONFLICT
    title = "Conflict"


class CollisionError(ConflictError):
    """A transaction gave way to another one that held what it wanted; nothing of it was kept, and it may run again."""

    title = "Collision"


class PayloadTooLargeError(TahoeError):
    """More than the limit."""

    status = HTTPStatus.CONTENT_TOO_LARGE
    title = "Payload too large"


class UnavailableError(TahoeError):
    """Something we depend on does not answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Unavailable"


class EmbeddedPostgresError(UnavailableError):
    """The bundled Postgres could not be started or stopped."""

    title = "Embedded Postgres"
