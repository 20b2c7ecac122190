"""Asks an OpenAI-compatible endpoint over HTTP, again where that may help."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx
import orjson

from tahoe_core.errors import InvalidInputError
from tahoe_core.retry import RetryPolicy, read_retry_after
from tahoe_core.settings import LOOPBACK
from tahoe_engine.network.addresses import may_be_server
from tahoe_engine.network.certificates import get_tls
from tahoe_engine.network.lookup import Lookup, NoAddressError, RefusedAddressError
from tahoe_engine.network.pinned_transport import PinnedTransport
from tahoe_engine.runtime.chat_faults import ProviderFault, read_stream_error
from tahoe_engine.runtime.model_endpoint import ChosenModel, ModelEndpoint
from tahoe_engine.runtime.model_errors import (
    BrokenAnswerError,
    ModelError,
    NoModelError,
    StreamCutError,
    UnreachableModelError,
)
from tahoe_engine.runtime.server_sent_events import EventReader

_MAX_ANSWER_BYTES = 64 * 1024 * 1024
_MAX_PORT = 2**16 - 1
_MAX_ERROR_BYTES = 64 * 1024
_END_S = 0.02
_CONNECTIONS = httpx.Limits(max_connections=1000, max_keepalive_connections=50, keepalive_expiry=30)
_IS_IT_COMPATIBLE = "Check that its base_url names an OpenAI-compatible endpoint; it usually ends in /v1."
_IS_IT_THERE = "Check the provider's base_url, and that the server runs."
# What servers do not know, or know by another name; each is tried once without.
_REPLACEMENTS = {"stream_options": None, "max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}
_FORMAT, _JSON_MODE = "response_format", {"type": "json_object"}
_MISUNDERSTOOD = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}

# Whoever may write a provider's row must not have a cloud's metadata read, and with it the keys of this machine.
_LOOKUP = Lookup(may_be_server)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    Attributes:
        connect_s: For a connection.
        first_byte_s: From the request to the answer's first byte: a server on one's own machine may have to load the
            model first.
        between_s: For more of an answer that has begun.
        retry: When to try again, as long as nothing of an answer has come.
    """

    connect_s: float = 5
    first_byte_s: float = 120
    between_s: float = 60
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(attempts=4, first_wait_s=0.5, longest_wait_s=20))


class ChatClient:
    """The connections to one endpoint; for one event loop, whose tasks may share it.

    Args:
        endpoint: Whom to ask.
        patience: How long to wait.
        lookup: Finds its addresses, and refuses those where no model server can be.

    Raises:
        InvalidInputError: The environment names a proxy that cannot be used.
        NoModelError: A proxy would be asked for an address where no model server can be.
    """

    def __init__(self, endpoint: ModelEndpoint, patience: Patience | None = None, lookup: Lookup = _LOOKUP) -> None:
        self._endpoint = endpoint
        self._patience = patience or Patience()
        self._client = _open_client(endpoint, self._patience, lookup)
        self._renamed: dict[str, str | None] = {}
        self._lacks_json_mode = False

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def stream(self, body: dict[str, Any]) -> AsyncGenerator[Any]:
        """Asks for an answer and yields its chunks; a server that does not stream gives the whole as one.

        Closing the generator closes the connection, which tells the server to stop.

        Raises:
            ModelError: What went wrong, by its class. Nothing is tried again once something was yielded.
        """
        place = str(ChosenModel(self._endpoint, str(body["model"])))
        failures, has_begun = 0, False
        while True:
            try:
                async with (
                    self._open(place, body) as response,
                    aclosing(self._read(place, response, streams=bool(body.get("stream")))) as chunks,
                ):
                    async for chunk in chunks:
                        has_begun = True
                        yield chunk
            except _Retry as again:
                failures += 1
                wait_s = None if has_begun else self._patience.retry.find_wait_s(failures, again.asked_s)
                if wait_s is None:
                    raise again.error from again.__cause__
                reason = type(again.error).__name__
                log.warning("model failed", extra={"reason": reason, "again_in_s": round(wait_s, 2)})
            else:
                return
            await asyncio.sleep(wait_s)

    async def list_models(self, max_bytes: int) -> Any:  # noqa: ANN401 - a document of somebody else's
        """Returns what `GET /models` says, tried once.

        Raises:
            ModelError: What went wrong, by its class.
        """
        place = f"The model provider {self._endpoint.name}"
        try:
            async with asyncio.timeout(self._patience.first_byte_s), self._client.stream("GET", "models") as response:
                content = await _read_at_most(response, max_bytes, place)
        except RefusedAddressError as error:
            raise _misplaced(self._endpoint) from error
        except (httpx.TransportError, NoAddressError, TimeoutError) as error:
            raise self._unreached(place, error) from error
        if response.status_code != HTTPStatus.OK:
            raise ProviderFault(place, response.status_code, content).explain(has_key=self._has_key)
        return _parse(content, place)

    @property
    def _has_key(self) -> bool:
        return self._endpoint.api_key is not None

    @asynccontextmanager
    async def _open(self, place: str, body: dict[str, Any]) -> AsyncGenerator[httpx.Response]:
        """Opens an answer that is none of an error."""
        while True:
            body = self._in_its_words(body)
            try:
                async with asyncio.timeout(self._patience.first_byte_s):
                    request = self._client.build_request("POST", "chat/completions", content=orjson.dumps(body))
                    response = await self._client.send(request, stream=True)
            except TimeoutError as error:
                raise self._unreached(place, error) from error
            except RefusedAddressError as error:
                raise _misplaced(self._endpoint) from error
            except (httpx.TransportError, NoAddressError) as error:
                raise _Retry(self._unreached(place, error)) from error
            try:
                if response.status_code == HTTPStatus.OK:
                    yield response
                    return
                fault = await self._read_fault(place, response)
            finally:
                await response.aclose()
            if not self._understand(fault, body):
                refusal = fault.explain(has_key=self._has_key)
                if refusal.may_pass and fault.status >= HTTPStatus.BAD_REQUEST:
                    raise _Retry(refusal, read_retry_after(response.headers.get("Retry-After")))
                raise refusal

    async def _read(self, place: str, response: httpx.Response, *, streams: bool) -> AsyncGenerator[Any]:
        if not streams or "text/event-stream" not in response.headers.get("Content-Type", ""):
            yield await self._read_whole(place, response)
            return
        events = EventReader(place)
        async with aclosing(self._receive(place, response)) as parts:
            async for received in parts:
                for data in events.feed(received):
                    if data == b"[DONE]":
                        await _let_end(parts)
                        return
                    yield self._checked(place, data)
        last = events.end()
        if last is not None and last != b"[DONE]":
            yield self._checked(place, last)

    def _checked(self, place: str, data: bytes) -> object:
        document = _parse(data, place)
        if (fault := read_stream_error(place, document)) is None:
            return document
        error = fault.explain(has_key=self._has_key)
        raise _Retry(error) if error.may_pass else error

    async def _read_whole(self, place: str, response: httpx.Response) -> object:
        return self._checked(place, b"".join([received async for received in self._receive(place, response)]))

    async def _receive(self, place: str, response: httpx.Response) -> AsyncGenerator[bytes]:
        """Yields bytes as they come, each in time."""
        parts = response.aiter_raw()
        limit_s, total = self._patience.first_byte_s, 0
        while True:
            try:
                async with asyncio.timeout(limit_s):
                    received = await anext(parts, None)
            except TimeoutError as error:
                if not total:
                    raise self._unreached(place, error) from error
                raise StreamCutError(f"{place} said no more for {limit_s:g} s.", cure="Try again.") from error
            except httpx.TransportError as error:
                if not total:
                    raise _Retry(self._unreached(place, error)) from error
                raise StreamCutError(f"{place} broke off half-way.", cure="Try again.") from error
            if received is None:
                return
            total += len(received)
            if total > _MAX_ANSWER_BYTES:
                raise BrokenAnswerError(f"{place} sends more than {_MAX_ANSWER_BYTES} bytes.", cure=_IS_IT_COMPATIBLE)
            limit_s = self._patience.between_s
            yield received

    async def _read_fault(self, place: str, response: httpx.Response) -> ProviderFault:
        content = bytearray()
        try:
            async with asyncio.timeout(self._patience.between_s):
                async for received in response.aiter_raw():
                    content += received
                    if len(content) > _MAX_ERROR_BYTES:
                        break
        except (httpx.TransportError, TimeoutError):
            pass  # the status says enough
        return ProviderFault(place, response.status_code, bytes(content))

    def _understand(self, fault: ProviderFault, body: dict[str, Any]) -> bool:
        """Learns which field a server does not know; returns whether it is worth another try."""
        if fault.status not in _MISUNDERSTOOD:
            return False
        if body.get(_FORMAT) == _JSON_MODE and _FORMAT in fault.words:
            self._lacks_json_mode = True  # LM Studio takes a schema or nothing
            return True
        name = next((name for name in _REPLACEMENTS if name in body and name in fault.words), None)
        if name is None or name in self._renamed or name in self._renamed.values():
            return False
        self._renamed[name] = _REPLACEMENTS[name]
        return True

    def _in_its_words(self, body: dict[str, Any]) -> dict[str, Any]:
        named = (
            (self._renamed.get(name, name), value)
            for name, value in body.items()
            if not (self._lacks_json_mode and name == _FORMAT and value == _JSON_MODE)
        )
        return {name: value for name, value in named if name is not None}

    def _unreached(self, place: str, error: Exception) -> ModelError:
        match error:
            case httpx.TimeoutException() if not isinstance(error, httpx.ReadTimeout):
                what = f"cannot be reached in {self._patience.connect_s:g} s"
            case TimeoutError() | httpx.ReadTimeout():
                what = f"gave no answer in {self._patience.first_byte_s:g} s"
            case httpx.ConnectError() | httpx.ProxyError() | NoAddressError():
                what = "cannot be reached"
            case _:
                what = f"broke off before its answer ({type(error).__name__})"
        return UnreachableModelError(f"{place} {what}.", cure=_IS_IT_THERE)


async def _let_end(parts: AsyncIterator[bytes]) -> None:
    """Reads what ends an answer, as a connection is used again only then; a server that does not end it is left."""
    with suppress(_Retry, ModelError, TimeoutError):
        async with asyncio.timeout(_END_S):
            async for _ in parts:
                pass


class _Retry(Exception):  # noqa: N818 - it is caught here, and nobody else sees it
    """Wraps an error after which the request may be made again."""

    def __init__(self, error: ModelError, asked_s: float | None = None) -> None:
        super().__init__()
        self.error = error
        self.asked_s = asked_s


def _parse(content: bytes, place: str) -> Any:  # noqa: ANN401 - a document of somebody else's
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise BrokenAnswerError(f"{place} answers with something that is not JSON.", cure=_IS_IT_COMPATIBLE) from None


async def _read_at_most(response: httpx.Response, max_bytes: int, place: str) -> bytes:
    content = bytearray()
    async for received in response.aiter_raw():
        content += received
        if len(content) > max_bytes:
            raise BrokenAnswerError(f"{place} answers with more than {max_bytes} bytes.", cure=_IS_IT_COMPATIBLE)
    return bytes(content)


def _open_client(endpoint: ModelEndpoint, patience: Patience, lookup: Lookup) -> httpx.AsyncClient:
    url = _read_url(endpoint)
    # Encoded here: what cannot be is no fault of the proxy's.
    headers = httpx.Headers(
        {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",  # what is unpacked has no size that could be known beforehand
        }
    )
    if endpoint.api_key is not None:
        headers["Authorization"] = f"Bearer {endpoint.api_key.get_secret_value()}"
    proxy = _find_proxy(url)
    if proxy is not None:
        # The proxy looks names up, and knows others than we do: only what is an address already can be checked.
        try:
            lookup.check_literal(url.raw_host.decode())
        except RefusedAddressError as error:
            raise _misplaced(endpoint) from error
    try:
        return httpx.AsyncClient(
            base_url=url,
            headers=headers,
            # Waiting for the answer is timed here, as httpx knows no time-out of the first byte alone.
            timeout=httpx.Timeout(None, connect=patience.connect_s, write=patience.between_s),
            limits=_CONNECTIONS,
            verify=get_tls(),
            # A redirect would carry what people said, and the key, to a place that nobody configured.
            follow_redirects=False,
            trust_env=False,  # its proxy was looked for above
            proxy=proxy,
            transport=PinnedTransport(lookup, get_tls(), _CONNECTIONS) if proxy is None else None,
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        # httpx's words may hold the proxy's password.
        raise InvalidInputError(
            "The proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names cannot be used.",
            cure="Name one with http:// or https://, or start Tahoe without these variables.",
        ) from None


def _read_url(endpoint: ModelEndpoint) -> httpx.URL:
    if endpoint.base_url is None:
        raise InvalidInputError(f"The model provider {endpoint.name} has no base_url.")
    try:
        url = httpx.URL(endpoint.base_url.rstrip("/") + "/")
    except httpx.InvalidURL:
        url = httpx.URL()
    if not url.host or (url.port or 0) > _MAX_PORT:
        raise InvalidInputError(f"The base_url of the model provider {endpoint.name} is no URL.")
    return url


def _find_proxy(url: httpx.URL) -> str | None:
    """Returns the proxy by which the environment has a URL asked.

    A company's proxy and certificates stand in the environment; a server on this machine needs neither.
    """
    if url.host in LOOPBACK or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named:
        return None
    return named if "://" in named else f"http://{named}"


def _misplaced(endpoint: ModelEndpoint) -> NoModelError:
    return NoModelError(
        f"The base_url of the model provider {endpoint.name} leads to an address where no model server can be.",
        cure="Give it another one: link-local, metadata, multicast and reserved addresses are never asked.",
    )
