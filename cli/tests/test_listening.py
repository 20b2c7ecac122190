import asyncio
import socket

import pytest

from tahoe_cli.listening import listen
from tahoe_core.errors import UnavailableError


async def test_small_answers_are_sent_at_once() -> None:
    """Otherwise each waits for the client's delayed acknowledgement, 40 ms."""
    delayed: list[int] = []

    async def look(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        delayed.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listen("127.0.0.1", 0) as listener:
        async with await asyncio.start_server(look, sock=listener):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            await reader.read()
            writer.close()
            await writer.wait_closed()
    assert delayed == [1]


def test_a_port_that_is_taken_is_refused_with_the_cure() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"Port {port} of 127.0.0.1 cannot be used.*AGENT_ENGINE_PORT"):
            listen("127.0.0.1", port)
