"""One HTTP request of an agent: to an address that was checked, bounded in time and size, without any credentials."""

import asyncio
import ssl
import zlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

import httpx

from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_engine.network.certificates import get_tls
from tahoe_engine.network.lookup import RefusedAddressError
from tahoe_engine.network.pinned_transport import PinnedTransport
from tahoe_engine.tools.egress import DEFAULT_PORTS, Egress

MAX_REDIRECTS = 5
_CONNECT_TIMEOUT_S = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEPS_BODY = frozenset({307, 308})
_ANY_WRAPPING = 32 + zlib.MAX_WBITS  # gzip or zlib, whichever it says
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_USER_AGENT = "Tahoe-agent/0.1"


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one request may take.

    Attributes:
        timeout_s: Of everything together: looking up, redirects, the whole body.
        body_bytes: Of the body after unpacking; what follows is not read.
        sent_bytes: Of the body that is sent.
    """

    timeout_s: float = 20
    body_bytes: int = 2 * 1024 * 1024
    sent_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back.

    Attributes:
        url: Where it came from, redirects followed.
        truncated: Whether there was more than the limit.
    """

    url: str
    status: int
    content_type: str
    body: bytes
    truncated: bool
    retry_after: str | None = None


@dataclass(frozen=True)
class Fetcher:
    """Sends requests; each has a connection of its own, so that nothing of one is left for the next.

    Attributes:
        egress: Where requests may go; every redirect is asked again.
        tls: How certificates are checked.
    """

    egress: Egress
    limits: FetchLimits = FetchLimits()
    tls: ssl.SSLContext = field(default_factory=get_tls)

    async def get(self, url: str) -> Fetched:
        """Gets what a URL names, whatever its status; redirects are followed.

        Raises:
            InvalidInputError: The URL, or one it redirects to, may not be asked.
            UnavailableError: The host is not reached, is too slow, or does not speak HTTP.
        """
        return await self._send("GET", url, {}, b"")

    async def post(self, url: str, body: bytes, content_type: str) -> Fetched:
        """Posts a body, whatever the status; it is never sent on to another host.

        Raises:
            InvalidInputError: The URL may not be asked, or the body is too large.
            UnavailableError: The host is not reached, is too slow, or does not speak HTTP.
        """
        if len(body) > self.limits.sent_bytes:
            raise InvalidInputError(f"The body is larger than {self.limits.sent_bytes:,} bytes.", field="body")
        return await self._send("POST", url, {"Content-Type": content_type}, body)

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Fetched:
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                return await self._follow(method, url, headers, body)
        except TimeoutError:
            raise UnavailableError(f"There was no whole answer within {self.limits.timeout_s:g} s.") from None

    async def _follow(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Fetched:
        admitted = self.egress.admit(url)
        for _hop in range(MAX_REDIRECTS + 1):
            answer = await self._ask(method, admitted, headers, body)
            if isinstance(answer, Fetched):
                return answer
            target = _find_target(admitted, answer)
            if method == "POST" and answer.status_code in _KEEPS_BODY:
                if _origin(target) != _origin(admitted):
                    raise InvalidInputError("The host asks to send the body to another host, which is not done.")
            else:
                method, headers, body = "GET", {}, b""
            admitted = self.egress.admit(str(target))
        raise UnavailableError(f"{_place(admitted)} redirects more than {MAX_REDIRECTS} times.")

    async def _ask(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], body: bytes
    ) -> Fetched | httpx.Response:
        """Asks once; a redirect is returned as it is."""
        try:
            return await self._exchange(method, url, headers, body)
        except RefusedAddressError:
            raise InvalidInputError(
                f"{url.host} has an address that is not of the public internet.",
                cure="Private, local and metadata addresses are never asked.",
                field="url",
            ) from None
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if _is_about_certificate(error):
                raise UnavailableError(f"The certificate of {_place(url)} cannot be trusted.") from None
            raise UnavailableError(f"{_place(url)} is not reached.") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise UnavailableError(f"{_place(url)} gave no usable answer ({type(error).__name__}).") from None

    async def _exchange(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], body: bytes
    ) -> Fetched | httpx.Response:
        async with httpx.AsyncClient(
            transport=PinnedTransport(self.egress.lookup, self.tls),
            trust_env=False,  # no proxy, and no password from a .netrc
            follow_redirects=False,
            timeout=httpx.Timeout(self.limits.timeout_s, connect=_CONNECT_TIMEOUT_S),
        ) as client:
            request = client.build_request(
                method,
                url,
                headers={
                    "User-Agent": _USER_AGENT,
                    "Accept": "text/html, application/json, text/*;q=0.9, */*;q=0.5",
                    "Accept-Encoding": "gzip, deflate",
                    **headers,
                },
                content=body or None,
            )
            response = await client.send(request, stream=True)
            try:
                if response.status_code in _REDIRECTS and "Location" in response.headers:
                    return response
                return await self._read(url, response)
            finally:
                await response.aclose()

    async def _read(self, url: httpx.URL, response: httpx.Response) -> Fetched:
        most = self.limits.body_bytes
        body = bytearray()
        async with aclosing(_unpack(response, most)) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > most:
                    break
        return Fetched(
            url=str(url),
            status=response.status_code,
            content_type=response.headers.get("Content-Type", ""),
            body=bytes(body[:most]),
            truncated=len(body) > most,
            retry_after=response.headers.get("Retry-After"),
        )


async def _unpack(response: httpx.Response, most_bytes: int) -> AsyncGenerator[bytes]:
    """The body unpacked, piece by piece: a small one that unpacks to gigabytes is never held as a whole."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise httpx.DecodingError("an encoding that was not asked for")
    unpacker = zlib.decompressobj(_ANY_WRAPPING) if encoding not in {"", "identity"} else None
    async for chunk in response.aiter_raw():
        if unpacker is None:
            yield chunk
            continue
        packed = chunk
        while packed:
            try:
                piece = unpacker.decompress(packed, most_bytes)
            except zlib.error:
                raise httpx.DecodingError("a body that does not unpack") from None
            yield piece
            packed = unpacker.unconsumed_tail


def _find_target(url: httpx.URL, answer: httpx.Response) -> httpx.URL:
    try:
        target = url.join(answer.headers["Location"])
    except httpx.InvalidURL:
        raise UnavailableError(f"{_place(url)} redirects to what is no URL.") from None
    if url.scheme == "https" and target.scheme == "http":
        raise InvalidInputError(f"{_place(url)} redirects to a URL without encryption, which is not followed.")
    return target


def _place(url: httpx.URL) -> str:
    """Scheme, host and port, for messages: what follows in the URL may be private."""
    return f"{url.scheme}://{url.netloc.decode()}"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or DEFAULT_PORTS.get(url.scheme)


def _is_about_certificate(error: BaseException) -> bool:
    """Whether TLS refused the other side; httpx keeps the reason among the causes."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
