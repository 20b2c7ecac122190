"""Where an agent's requests may go: to the hosts that it is allowed, at addresses of the public internet."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tahoe_core.errors import InvalidInputError
from tahoe_engine.network.addresses import Address, is_public
from tahoe_engine.network.lookup import Lookup, Resolver, resolve

MAX_URL_CHARACTERS = 4096
DEFAULT_PORTS = {"http": 80, "https": 443}


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

    @property
    def lookup(self) -> Lookup:
        """Finds the addresses of hosts that were admitted."""
        return Lookup(self.is_allowed, self.resolver)

    def admit(self, url: str) -> httpx.URL:
        """Returns a URL in its plain form, once its host and port are checked; the addresses are when connecting.

        Raises:
            InvalidInputError: It may not be asked; the message says why.
        """
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
        port = parsed.port or DEFAULT_PORTS[parsed.scheme]
        if port not in self.ports:
            raise _refusal(f"Port {port} is not asked.", f"These are: {', '.join(map(str, sorted(self.ports)))}.")
        return parsed.copy_with(host=host, fragment=None)


def _matches(host: str, domain: str) -> bool:
    if domain.startswith("*."):
        return host.endswith(domain[1:]) and len(host) > len(domain[1:])
    return host == domain


def _refusal(message: str, cure: str = "") -> InvalidInputError:
    return InvalidInputError(message, cure=cure, field="url")
