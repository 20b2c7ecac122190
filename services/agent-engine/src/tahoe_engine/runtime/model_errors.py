"""What can go wrong between an agent and its model.

UnavailableError                     503
└── ModelError                       503  the model did not do what it was asked to
    ├── NoModelError                 503  none is configured, lacks what it needs, or is where none can be
    ├── UnreachableModelError        503  nobody answers, or too late
    ├── WrongKeyError                503  the provider does not take the key
    ├── OutOfMoneyError              503  the account behind the key is empty
    ├── UnknownModelError            503  the provider has no such model
    ├── RateLimitedError             503  too many requests
    ├── FailedModelError             503  the provider fails
    ├── RequestRefusedError          503  the provider does not take the request
    ├── ContextFullError             503  more than the model can read at once
    ├── RefusalError                 503  the model declines to answer
    ├── BrokenAnswerError            503  the answer is not what the protocol, or the question, asks for
    └── StreamCutError               503  the answer broke off half-way
TahoeError                           500
├── RunCancelledError                409  somebody stopped the run, or its process ends
└── RunLimitError                    403  the run would go beyond the agent's boundaries
    └── UnknownPriceError            403  money is limited, and nobody knows what the model costs

No message repeats what people or models said, nor what the provider wrote, as that may repeat them.
"""

from http import HTTPStatus
from typing import ClassVar

from tahoe_core.errors import TahoeError, UnavailableError


class ModelError(UnavailableError):
    """The model did not do what it was asked to.

    Attributes:
        may_pass: Whether the same request may succeed a little later.
        helps_to_ask_another: Whether another model may be asked in its place.
    """

    title = "The model does not answer"
    may_pass: ClassVar[bool] = False
    helps_to_ask_another: ClassVar[bool] = True


class NoModelError(ModelError):
    """No model is configured, the extra that it needs is not installed, or no model can be at its address."""

    title = "No model"


class UnreachableModelError(ModelError):
    """Nobody answers, or too late."""

    title = "The model is not reached"
    may_pass = True


class WrongKeyError(ModelError):
    """The provider does not take the key."""

    title = "Wrong key"


class OutOfMoneyError(ModelError):
    """The account behind the key is empty."""

    title = "Out of money"


class UnknownModelError(ModelError):
    """The provider has no such model."""

    title = "Unknown model"


class RateLimitedError(ModelError):
    """The provider turns away so many requests."""

    title = "Too many requests to the model"
    may_pass = True


class FailedModelError(ModelError):
    """The provider fails."""

    title = "The model fails"
    may_pass = True


class RequestRefusedError(ModelError):
    """The provider does not take the request."""

    title = "The model does not take the request"


class ContextFullError(ModelError):
    """More than the model can read at once."""

    title = "Context full"


class RefusalError(ModelError):
    """The model declines to answer; another is not asked instead, as that would undo what the provider decided."""

    title = "The model refuses"
    helps_to_ask_another = False


class BrokenAnswerError(ModelError):
    """The answer is not what the protocol, or the question, asks for."""

    title = "Broken answer"


class StreamCutError(ModelError):
    """The answer broke off half-way."""

    title = "Answer cut off"


class RunCancelledError(TahoeError):
    """Somebody stopped the run, or its process ends."""

    status = HTTPStatus.CONFLICT
    title = "Cancelled"


class RunLimitError(TahoeError):
    """The run would go beyond the agent's boundaries."""

    status = HTTPStatus.FORBIDDEN
    title = "Limit reached"


class UnknownPriceError(RunLimitError):
    """Money is limited, and nobody knows what the model costs."""

    title = "Unknown price"
