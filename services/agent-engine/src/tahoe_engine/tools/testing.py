"""Servers on this machine, and an egress that takes them for the internet."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tahoe_engine.network.addresses import is_public
from tahoe_engine.network.testing import HOST, LOCAL, resolver_of
from tahoe_engine.tools.egress import Egress

type Responder = Callable[[str], bytes | Awaitable[bytes]]


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP answer as it goes over the wire; underscores in names of headers are dashes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Site:
    """A server, and what it was asked.

    Attributes:
        requests: The heads of all requests, as they came.
        bodies: What came after each.
    """

    port: int = 0
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    server_names: list[str | None] = field(default_factory=list)

    def url(self, path: str = "/", host: str = HOST, scheme: str = "http") -> str:
        """Returns the URL of a path of this server, as the host is called to the resolver of these tests."""
        return f"{scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def serve(respond: Responder, tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """Serves what `respond` gives for a path."""
    site = Site()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            site.requests.append(head)
            length = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("Content-Length:")), 0)
            site.bodies.append(await reader.readexactly(length))
            given = respond(head.split(" ")[1])
            writer.write(given if isinstance(given, bytes) else await given)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def note(_socket: object, name: str | None, _context: object) -> None:
        site.server_names.append(name)

    if tls is not None:
        tls.sni_callback = note
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()


def egress_to(*sites: Site, domains: tuple[str, ...] = (HOST,), **addresses: str | Sequence[str]) -> Egress:
    """The usual egress, to which 127.0.0.1 and the sites' ports are as good as public ones."""
    return Egress(
        domains,
        resolver=resolver_of(**addresses),
        is_allowed=lambda address: address == LOCAL or is_public(address),
        ports=frozenset({80, 443, *(site.port for site in sites)}),
    )
