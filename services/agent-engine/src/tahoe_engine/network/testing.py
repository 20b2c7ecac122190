"""A resolver that knows what a test tells it."""

from collections.abc import Sequence
from ipaddress import ip_address

from tahoe_engine.network.addresses import Address
from tahoe_engine.network.lookup import Resolver

HOST = "site.example"
LOCAL = ip_address("127.0.0.1")


def resolver_of(**addresses: str | Sequence[str]) -> Resolver:
    """A resolver that knows `site.example` as 127.0.0.1, and what is given (underscores are dots)."""
    known = {HOST: ["127.0.0.1"]} | {
        name.replace("_", "."): [given] if isinstance(given, str) else list(given) for name, given in addresses.items()
    }

    async def find(host: str, _port: int) -> Sequence[Address]:
        return tuple(ip_address(text) for text in known.get(host, ()))

    return find
