"""From the name of a host to addresses that may be connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_engine.network.addresses import Address

_RESOLVE_TIMEOUT_S = 5

type Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Finds all addresses of a host for a port, the best first; none when there are none."""


class RefusedAddressError(InvalidInputError):
    """A host has an address to which nobody connects from here."""

    title = "Address refused"


class NoAddressError(UnavailableError):
    """A host has no address, or none that is found in time."""

    title = "No address"


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Asks the system's resolver.

    Raises:
        NoAddressError: It does not answer.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_TIMEOUT_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except TimeoutError:
        raise NoAddressError(f"The address of {host} was not found within {_RESOLVE_TIMEOUT_S} s.") from None
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(ip_address(str(entry[4][0])) for entry in found))


@dataclass(frozen=True)
class Lookup:
    """Finds the addresses of hosts, and holds each against a policy.

    Attributes:
        is_allowed: The policy: whether an address may be connected to.
        resolver: Finds addresses of names.
    """

    is_allowed: Callable[[Address], bool]
    resolver: Resolver = resolve

    async def find(self, host: str, port: int) -> tuple[Address, ...]:
        """Returns all addresses of a host, the best first.

        Raises:
            RefusedAddressError: One of them is not allowed.
            NoAddressError: There are none.
        """
        literal = read_literal(host)
        addresses = tuple(await self.resolver(host, port)) if literal is None else (literal,)
        if not addresses:
            raise NoAddressError(f"{host} has no address.", cure="Check how the host is written.")
        # One address that is not allowed is one too many: which of them is asked would be a matter of chance.
        if not all(self.is_allowed(address) for address in addresses):
            raise _refusal(host)
        return addresses

    def check_literal(self, host: str) -> None:
        """Holds a host against the policy where it is an address, however it is written; a name is not looked up.

        Raises:
            RefusedAddressError: It is one that is not allowed.
        """
        address = read_literal(host)
        if address is not None and not self.is_allowed(address):
            raise _refusal(host)


def read_literal(host: str) -> Address | None:
    """Returns the address that a host is; None: it is a name.

    The system's own reading, as `169.254.169.254` is also `0xa9fea9fe`, `2852039166` and `0251.0376.43518`.
    """
    try:
        [(*_, place), *_] = socket.getaddrinfo(host.removesuffix("."), None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return ip_address(str(place[0]))


def _refusal(host: str) -> RefusedAddressError:
    return RefusedAddressError(f"{host} is at an address that is not connected to.")
