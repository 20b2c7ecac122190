import logging
import re
import time
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import orjson
from pydantic import SecretStr

from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_core.retry import RetryPolicy, read_retry_after
from tahoe_core.settings import LOOPBACK

_CONNECT_TIMEOUT_S = 5.0
_PASSES = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_ERROR_CODE = re.compile(r"[a-z_]{1,64}")
_OUT_OF_MONEY = "insufficient_quota"  # OpenAI's 429 that no wait helps against
_IS_IT_RIGHT = "Check EMBEDDING_BASE_URL, which usually ends in /v1, and that the endpoint runs."
_KEY_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_NOTHING_THERE = (
    "has no such model, or nothing at this path",
    "Check EMBEDDING_MODEL, and EMBEDDING_BASE_URL, which usually ends in /v1.",
)
_REFUSALS: dict[int, tuple[str, str]] = {
    HTTPStatus.NOT_FOUND: _NOTHING_THERE,
    HTTPStatus.METHOD_NOT_ALLOWED: _NOTHING_THERE,
    HTTPStatus.TOO_MANY_REQUESTS: (
        "turns away so many requests",
        "Try again later, or raise the limits of the account.",
    ),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        retry_after_s: The wait that the endpoint asks for, if it does.
    """

    status: int
    body: bytes
    retry_after_s: float | None = None

    @property
    def error_code(self) -> str:
        """OpenAI's name of the error, or nothing; the message beside it may repeat what people said."""
        try:
            error = orjson.loads(self.body)["error"]
            names = [error.get("code"), error.get("type")]
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return ""
        return next((name for name in names if isinstance(name, str) and _ERROR_CODE.fullmatch(name)), "")

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed a little later."""
        if self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return True
        return self.status in _PASSES and self.error_code != _OUT_OF_MONEY


class EndpointClient:
    """Posts JSON to one path of an endpoint, again where that may help. Threads may share one client.

    Args:
        url: Where to; a user and password in it are sent as such, and shown nowhere.
        api_key: Sent as a bearer token.
        retry: When to try again.
        timeout_s: How long one answer may take.

    Raises:
        InvalidInputError: The environment names a proxy that cannot be used.
    """

    def __init__(self, url: httpx.URL, api_key: SecretStr | None, retry: RetryPolicy, timeout_s: float) -> None:
        self._url = url.copy_with(userinfo=b"")
        self._has_key = api_key is not None
        self._retry = retry
        self._timeout_s = timeout_s
        self.place = f"The embedding endpoint {url.scheme}://{url.netloc.decode('ascii')}"
        self._client = _open_client(url, api_key, timeout_s)

    def close(self) -> None:
        """Closes the connections that were kept for the next request."""
        self._client.close()

    def post(self, request: dict[str, object], max_answer_bytes: int) -> Answer:
        """Returns the endpoint's answer; one that may pass only when trying again did not help.

        Raises:
            UnavailableError: The endpoint is not reached, or answers with more than it may.
        """
        content = orjson.dumps(request)
        failures = 0
        while True:
            try:
                answer = self._post_once(content, max_answer_bytes)
            except httpx.TransportError as error:
                failures += 1
                wait_s = self._retry.find_wait_s(failures)
                reason = type(error).__name__
                if wait_s is None:
                    raise self._unreached(error, failures) from error
            else:
                if not answer.may_pass:
                    return answer
                failures += 1
                wait_s = self._retry.find_wait_s(failures, answer.retry_after_s)
                reason = f"status {answer.status}"
                if wait_s is None:
                    return answer
            log.warning("embedding endpoint failed", extra={"reason": reason, "again_in_s": round(wait_s, 2)})
            time.sleep(wait_s)

    def refusal(self, answer: Answer) -> UnavailableError:
        """Returns the error that says why there are no embeddings, and what to do."""
        what, cure = self._explain(answer)
        code = f", {answer.error_code}" if answer.error_code else ""
        return UnavailableError(f"{self.place} {what} (status {answer.status}{code}).", cure=cure)

    def _explain(self, answer: Answer) -> tuple[str, str]:
        if answer.error_code == _OUT_OF_MONEY:
            return "has no money left on the account of the API key", "Charge it, or set another EMBEDDING_API_KEY."
        if answer.status in _KEY_REFUSED:
            what = "refuses the API key" if self._has_key else "wants an API key, and none is set"
            return what, "Set EMBEDDING_API_KEY to one that it takes."
        if answer.status in _REFUSALS:
            return _REFUSALS[answer.status]
        if answer.may_pass:
            return "fails", "Try again later, and look at the endpoint's own log."
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            return "sends elsewhere, where Tahoe does not follow", "Set EMBEDDING_BASE_URL to the final address."
        return "refuses the request", "Check EMBEDDING_MODEL and EMBEDDING_DIMENSIONS."

    def _post_once(self, content: bytes, max_answer_bytes: int) -> Answer:
        deadline = time.monotonic() + self._timeout_s
        body = bytearray()
        with self._client.stream("POST", self._url, content=content) as response:
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > max_answer_bytes:
                    raise UnavailableError(
                        f"{self.place} answers with more than {max_answer_bytes} bytes, too much for these texts.",
                        cure=_IS_IT_RIGHT,
                    )
                if time.monotonic() > deadline:  # httpx's time-out begins anew with every byte
                    raise httpx.ReadTimeout("The answer takes too long.")
            asked_s = read_retry_after(response.headers.get("Retry-After"))
            return Answer(response.status_code, bytes(body), asked_s)

    def _unreached(self, error: httpx.TransportError, tries: int) -> UnavailableError:
        match error:
            case httpx.ConnectTimeout() | httpx.ConnectError() | httpx.ProxyError():
                what = f"cannot be reached ({error})"
            case httpx.TimeoutException():
                what = f"gave no whole answer in {self._timeout_s:g} s"
            case _:
                what = f"broke off ({type(error).__name__})"
        times = f", {tries} times" if tries > 1 else ""
        return UnavailableError(f"{self.place} {what}{times}.", cure=_IS_IT_RIGHT)


def _open_client(url: httpx.URL, api_key: SecretStr | None, timeout_s: float) -> httpx.Client:
    headers = {
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",  # what is unpacked has no size that could be known beforehand
    }
    if api_key is not None:
        headers["Authorization"] = f"Bearer {api_key.get_secret_value()}"
    try:
        return httpx.Client(
            headers=headers,
            auth=(url.username, url.password) if url.userinfo else None,  # not in the URL, which httpx logs
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S)),
            # A redirect would carry what people said to a place that nobody configured.
            follow_redirects=False,
            # A company's proxy and certificates stand in the environment (HTTPS_PROXY, SSL_CERT_FILE), and many a
            # network has no other way out. A server on this machine, though, is not to be found through a proxy.
            trust_env=url.host not in LOOPBACK,
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        # httpx's words may hold the proxy's password.
        raise InvalidInputError(
            "The proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names cannot be used.",
            cure="Name one with http:// or https://, or start Tahoe without these variables.",
        ) from None
