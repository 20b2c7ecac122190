import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import HTTPException
from starlette.types import Message, Receive, Scope, Send

from tahoe_core.http.body_limit import BodyLimitMiddleware


async def pieces(total: int, size: int = 10_000) -> AsyncIterator[bytes]:
    for _ in range(total // size):
        yield b" " * size


async def test_a_declared_length_above_the_limit_is_refused(client: httpx.AsyncClient, max_body_bytes: int) -> None:
    content = b" " * (max_body_bytes + 1)
    response = await client.post("/v1/notes", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"].endswith(":payload-too-large")
    assert str(max_body_bytes) in response.json()["detail"]


async def test_a_chunked_body_above_the_limit_is_refused(client: httpx.AsyncClient, max_body_bytes: int) -> None:
    response = await client.post(
        "/v1/notes", content=pieces(max_body_bytes + 50_000), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 413
    assert response.json()["type"].endswith(":payload-too-large")


async def test_a_body_of_exactly_the_limit_is_read(client: httpx.AsyncClient, max_body_bytes: int) -> None:
    content = b'{"title": "a"}'.ljust(max_body_bytes)
    response = await client.post("/v1/notes", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 201


async def test_a_router_may_read_less(client: httpx.AsyncClient, max_small_body_bytes: int) -> None:
    turn = b'{"speaker": "a", "text": "b"}'
    headers = {"Content-Type": "application/json"}
    response = await client.post("/v1/small", content=turn.ljust(max_small_body_bytes), headers=headers)
    assert response.status_code == 200
    response = await client.post("/v1/small", content=turn.ljust(max_small_body_bytes + 1), headers=headers)
    assert response.status_code == 413
    assert str(max_small_body_bytes) in response.json()["detail"]


async def test_the_limit_holds_where_no_route_is(client: httpx.AsyncClient, max_body_bytes: int) -> None:
    assert (await client.post("/v1/nothing", content=b" " * (max_body_bytes + 1))).status_code == 413


async def test_a_stranger_is_refused_before_the_body_is_read(base_url: str) -> None:
    host, port = base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/notes HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    await writer.drain()
    assert b"401" in await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_stops_coming_is_given_up() -> None:
    async def read_all(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def stall() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    app = BodyLimitMiddleware(read_all, max_bytes=10, idle_s=0.05)
    with pytest.raises(HTTPException) as raised:
        await app({"type": "http", "headers": []}, stall, stall)  # type: ignore[arg-type]  # nothing is sent
    assert raised.value.status_code == 408


async def test_a_client_that_waits_for_its_answer_is_not_hurried() -> None:
    messages: list[Message] = [{"type": "http.request", "body": b"1", "more_body": False}]

    async def listen(_scope: Scope, receive: Receive, _send: Send) -> None:
        assert (await receive())["body"] == b"1"
        assert (await receive())["type"] == "http.disconnect"

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.sleep(0.2)
        return {"type": "http.disconnect"}

    async def send(_message: Message) -> None:
        raise AssertionError

    await BodyLimitMiddleware(listen, max_bytes=10, idle_s=0.05)({"type": "http", "headers": []}, receive, send)
