"""HTTP over connections to addresses that were checked."""

import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import override

import httpcore
import httpx

from tahoe_engine.network.lookup import Lookup

_ADDRESSES_TRIED = 3
_NEXT_ADDRESS_S = 1.0
"""How long an address is waited for while there is another one: one of IPv6, say, that leads nowhere here."""


class PinnedTransport(httpx.AsyncHTTPTransport):
    """Connects to addresses that were looked up once and checked.

    They are not looked up again: a name that means another address a moment later (DNS rebinding) changes nothing.
    Certificates are held against the name. Requests raise `RefusedAddressError` and `NoAddressError` beside httpx's
    errors. Whoever gives a client a transport turns the proxies of the environment off, which would look up by
    themselves.

    Args:
        lookup: Finds addresses and refuses some.
        tls: How certificates are checked.
        limits: How many connections there may be.
    """

    def __init__(self, lookup: Lookup, tls: ssl.SSLContext, limits: httpx.Limits | None = None) -> None:
        limits = limits or httpx.Limits()
        super().__init__(verify=tls, limits=limits)
        # httpx hands everything on to this pool but the one argument that is needed here.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_PinnedBackend(lookup),
        )


class _PinnedBackend(httpcore.AnyIOBackend):
    """Opens connections for httpcore."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connects to one address after another until one is reached; each is a literal, which nobody looks up."""
        addresses = await self._lookup.find(host, port)
        *others, last = (str(address) for address in addresses[:_ADDRESSES_TRIED])
        for address in others:
            wait_s = _NEXT_ADDRESS_S if timeout is None else min(timeout, _NEXT_ADDRESS_S)
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await super().connect_tcp(address, port, wait_s, local_address, socket_options)
        return await super().connect_tcp(last, port, timeout, local_address, socket_options)
