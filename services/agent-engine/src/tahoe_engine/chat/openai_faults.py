"""Why a turn gave no answer, as an error of the class, and so the status, that OpenAI's clients know."""

from http import HTTPStatus

from tahoe_core.errors import ConflictError, NotFoundError, PayloadTooLargeError, TahoeError, UnavailableError
from tahoe_engine.models.invalid_request import InvalidRequestError
from tahoe_engine.models.turn_models import Turn, TurnStatus


class TooManyRequestsError(TahoeError):
    """The model's provider turns away so many requests, or its account is empty."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many requests"


class AgentLimitError(TahoeError):
    """The answer would go beyond the agent's boundaries."""

    status = HTTPStatus.FORBIDDEN
    title = "Limit reached"


# What is not named here may be better a moment later, and clients ask again by themselves.
_KINDS: dict[str, type[TahoeError]] = {
    "RateLimitedError": TooManyRequestsError,
    "OutOfMoneyError": TooManyRequestsError,
    "RunLimitError": AgentLimitError,
    "UnknownPriceError": AgentLimitError,
    "ContextFullError": InvalidRequestError,
    "RequestRefusedError": InvalidRequestError,
    "RefusalError": InvalidRequestError,
    "InvalidInputError": InvalidRequestError,
    "ReadError": InvalidRequestError,
    "NotFoundError": NotFoundError,
    "ConflictError": ConflictError,
    "PayloadTooLargeError": PayloadTooLargeError,
    "TahoeError": TahoeError,
}


def explain_turn(turn: Turn) -> TahoeError | None:
    """Returns why there is no answer; None: there is one, or what it has of one waits for the caller."""
    match turn.status:
        case TurnStatus.FAILED:
            kind, _, message = (turn.error or "").partition(": ")
            return _KINDS.get(kind, UnavailableError)(message or "The answer failed.")
        case TurnStatus.CANCELLED:
            return ConflictError("The answer was cancelled.")
        case TurnStatus.UNFINISHED | TurnStatus.RUNNING:
            return UnavailableError("The answer broke off: its process was stopped.", cure="Ask again.")
    return None
