"""What an error of a provider means, and what to do about it."""

import re
from http import HTTPStatus

import orjson

from tahoe_engine.runtime.model_errors import (
    ContextFullError,
    FailedModelError,
    ModelError,
    OutOfMoneyError,
    RateLimitedError,
    RequestRefusedError,
    UnknownModelError,
    UnreachableModelError,
    WrongKeyError,
)

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_KEY_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
# OpenAI has codes; the others say it in words: vLLM, llama.cpp, LM Studio, Ollama, Mistral, OpenRouter.
_CONTEXT_FULL = re.compile(
    r"context[ _-]?(length|window|size)|maximum context|exceeds? the (available )?context|too many tokens"
    r"|prompt is too long|too large for model",
    re.IGNORECASE,
)
_UNKNOWN_MODEL = re.compile(
    r"model[_ ]not[_ ]found|not a valid model|invalid[_ ]model|unknown model|no such model"
    r"|model .{0,200}(does not exist|not found|not exist)",
    re.IGNORECASE,
)
_BAD_KEY = re.compile(r"api[_ ]key[_ ](not[_ ]valid|invalid)|(invalid|incorrect)[_ ]api[_ ]key", re.IGNORECASE)
_OUT_OF_MONEY = re.compile(r"insufficient_quota|insufficient (credit|balance|funds)|billing_hard_limit", re.IGNORECASE)


class ProviderFault:
    """An answer that is an error.

    Args:
        place: How messages call the model and its provider.
        status: HTTP's; inside a stream, what the error says.
        body: What came with it. It is read, never repeated: it may hold what people said.
    """

    def __init__(self, place: str, status: int, body: bytes) -> None:
        self._place = place
        self.status = status
        self.words = body[:8192].decode(errors="replace")
        self._code = _find_code(body)

    def explain(self, *, has_key: bool) -> ModelError:
        """Returns the error that says what is wrong and what to do."""
        kind, what, cure = self._classify(has_key=has_key)
        code = f", {self._code}" if self._code else ""
        return kind(f"{self._place} {what} (status {self.status}{code}).", cure=cure)

    def _classify(self, *, has_key: bool) -> tuple[type[ModelError], str, str]:  # noqa: PLR0911 - one answer a case
        if _OUT_OF_MONEY.search(self.words) or self.status == HTTPStatus.PAYMENT_REQUIRED:
            return OutOfMoneyError, "has no money left on the account of the key", "Charge it, or use another key."
        if self.status in _KEY_REFUSED or (self.status == HTTPStatus.BAD_REQUEST and _BAD_KEY.search(self.words)):
            what = "does not take the API key" if has_key else "wants an API key, and its provider names none"
            return WrongKeyError, what, "Put a valid key into the variable that the provider's api_key_env_var names."
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            return RateLimitedError, "turns away so many requests", "Try again later, or raise the account's limits."
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR or self.status == HTTPStatus.REQUEST_TIMEOUT:
            return FailedModelError, "fails", "Try again later, and look at the provider's own log or status page."
        if self.status == HTTPStatus.NOT_FOUND or _UNKNOWN_MODEL.search(self.words):
            cure = "List what there is with `GET /v1/model-providers/{id}/models`; a base_url usually ends in /v1."
            return UnknownModelError, "is not there: the provider has no such model, or nothing at this path", cure
        if self.status == HTTPStatus.CONTENT_TOO_LARGE or _CONTEXT_FULL.search(self.words):
            cure = "Begin a new conversation, lower the agent's context_tokens, or use a model that reads more."
            return ContextFullError, "cannot read so much at once", cure
        if HTTPStatus.MULTIPLE_CHOICES <= self.status < HTTPStatus.BAD_REQUEST:
            return UnreachableModelError, "has moved, and Tahoe does not follow", "Set base_url to the final address."
        return RequestRefusedError, "does not take the request", "Check what the model can do: tools, temperature."


def read_stream_error(place: str, document: object) -> ProviderFault | None:
    """Returns the error that a stream ends with, which has status 200 itself; None: it is none."""
    error = document.get("error") if isinstance(document, dict) else None
    if not error:
        return None
    code = error.get("code") if isinstance(error, dict) else None
    body = orjson.dumps({"error": error})
    if isinstance(code, int) and HTTPStatus.BAD_REQUEST <= code < 600:  # noqa: PLR2004 - where HTTP's end
        return ProviderFault(place, code, body)
    return ProviderFault(place, _guess_status(body), body)


def _guess_status(body: bytes) -> int:
    words = body.decode(errors="replace")
    if _CONTEXT_FULL.search(words):
        return HTTPStatus.BAD_REQUEST
    return HTTPStatus.TOO_MANY_REQUESTS if "rate_limit" in words else HTTPStatus.BAD_GATEWAY


def _find_code(body: bytes) -> str:
    """Returns the provider's name of the error, or nothing; the message beside it may repeat what people said."""
    try:
        error = orjson.loads(body)["error"]
        names = [error.get("code"), error.get("type")]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return ""
    return next((name for name in names if isinstance(name, str) and _NAME.fullmatch(name)), "")
