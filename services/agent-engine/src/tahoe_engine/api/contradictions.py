"""Input that keeps to the schema and still makes no sense: 409, since a 422 says that the schema was broken."""

from collections.abc import Iterator
from contextlib import contextmanager

from tahoe_core.errors import ConflictError, InvalidInputError


@contextmanager
def contradictions_are_conflicts() -> Iterator[None]:
    """Turns what a capability finds wrong with well-formed input into a conflict, with the same words and field.

    What a model's own validator finds needs no such care: the kit answers 409 by itself.

    Raises:
        ConflictError: A category is missing, a regular expression does not compile, a time zone does not exist …
    """
    try:
        yield
    except InvalidInputError as error:
        raise ConflictError(error.message, cure=error.cure, field=error.field) from error
