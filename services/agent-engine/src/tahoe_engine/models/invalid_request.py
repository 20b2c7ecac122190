"""The error that OpenAI's clients know for a request of theirs that makes no sense."""

from http import HTTPStatus

from tahoe_core.errors import InvalidInputError


class InvalidRequestError(InvalidInputError):
    """The request keeps to the schema and cannot be answered.

    Elsewhere that is a conflict; OpenAI's clients make a request again by themselves that ended in one.
    """

    status = HTTPStatus.BAD_REQUEST
    title = "Invalid request"
