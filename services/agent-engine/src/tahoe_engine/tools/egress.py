"""Where an agent's requests may go: to the hosts that it is allowed, at addresses of the public internet."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx

from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_engine.tools.addresses import Address, is_public

MAX_URL_CHARACTERS = 4096
DEFAULT_PORTS = {"http": 80, "https": 443}
_RESOLVE_TIMEOUT_S = 5


type Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Finds all addresses of a host for a port, the best first; none when there are none."""


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Asks the system's resolver.

    Raises:
        UnavailableError: It does not answer.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_TIMEOUT_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except TimeoutError:
        raise UnavailableError(f"The address of {host} was not found within {_RESOLVE_TIMEOUT_S} s.") from None
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(ip_address(str(entry[4][0])) for entry in found))


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL that may be asked, and the addresses that were found for its host and checked.

    Connections go to these addresses and are not looked up again: a name that means another address a moment later
    changes nothing.
    """

    url: httpx.URL
    addresses: tuple[Address, ...]

    @property
    def place(self) -> str:
        """Scheme, host and port, for messages: what follows in the URL may be private."""
        return f"{self.url.scheme}://{self.url.netloc.decode()}"


@dataclass(frozen=True)
class Egress:
    """Says where requests may go.

    Attributes:
        allowed_domains: As an agent's boundaries have them: `example.com`, or `*.example.com` for all below it.
        resolver: Finds addresses.
        is_allowed: Whether an address may be reached.
        ports: To which requests may go.
    """

    allowed_domains: tuple[str, ...]
    resolver: Resolver = resolve
    is_allowed: Callable[[Address], bool] = is_public
    ports: frozenset[int] = field(default=frozenset(DEFAULT_PORTS.values()))

    async def admit(self, url: str) -> Destination:
        """Checks a URL and finds the addresses of its host.

        Raises:
            InvalidInputError: It may not be asked; the message says why.
            UnavailableError: Its host has no address.
        """
        parsed = self._check(url)
        host = parsed.raw_host.decode()
        addresses = tuple(await self.resolver(host, _port(parsed)))
        if not addresses:
            raise UnavailableError(f"{host} has no address.", cure="Check how the host is written.")
        # One address that is not allowed is one too many: which of them is asked would be a matter of chance.
        if not all(self.is_allowed(address) for address in addresses):
            raise InvalidInputError(
                f"{host} has an address that is not of the public internet.",
                cure="Private, local and metadata addresses are never asked.",
                field="url",
            )
        return Destination(parsed, addresses)

    def _check(self, url: str) -> httpx.URL:
        if len(url) > MAX_URL_CHARACTERS:
            raise _refusal(f"The URL is longer than {MAX_URL_CHARACTERS:,} characters.")
        try:
            parsed = httpx.URL(url.strip())
        except httpx.InvalidURL:
            raise _refusal("That is no well-formed URL.") from None
        if parsed.scheme not in DEFAULT_PORTS or not parsed.host:
            raise _refusal("Only URLs that begin with http:// or https:// and a host are asked.")
        if parsed.userinfo:
            raise _refusal("A URL with a user or password in it is not asked.", "Leave out what stands before the @.")
        host = parsed.raw_host.decode().lower().removesuffix(".")
        if not any(_matches(host, domain) for domain in self.allowed_domains):
            allowed = ", ".join(self.allowed_domains) or "none"
            raise _refusal(f"{host} is not among the hosts that this agent may reach.", f"It may reach: {allowed}.")
        port = _port(parsed)
        if port not in self.ports:
            raise _refusal(f"Port {port} is not asked.", f"These are: {', '.join(map(str, sorted(self.ports)))}.")
        return parsed.copy_with(host=host, fragment=None)


def _port(url: httpx.URL) -> int:
    return url.port or DEFAULT_PORTS[url.scheme]


def _matches(host: str, domain: str) -> bool:
    if domain.startswith("*."):
        return host.endswith(domain[1:]) and len(host) > len(domain[1:])
    return host == domain


def _refusal(message: str, cure: str = "") -> InvalidInputError:
    return InvalidInputError(message, cure=cure, field="url")
