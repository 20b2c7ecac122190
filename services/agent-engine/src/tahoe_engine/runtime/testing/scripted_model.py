"""An OpenAI-compatible model server that answers what a test tells it to, over real HTTP.

    with ScriptedModel() as model:
        model.script(Reply(calls=(ScriptedCall("look_up", '{"city": "Paris"}'),)), Reply(text="It rains."))
        ...  # ask model.base_url
        assert model.requests[0].body["model"] == "small"

It is written on bare sockets, since it has to do what no proper server would: cut a stream, or never answer.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import orjson

from tahoe_engine.runtime.testing.replies import WRONG_KEY, Reply, chunks, completion, fault

_TYPES = {True: "text/event-stream", False: "application/json"}


@dataclass(frozen=True)
class Asked:
    """A request that came in.

    Attributes:
        headers: By lower-case name.
        body: The JSON of a POST; None for a GET.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class ScriptedModel:
    """The server, in a thread of its own.

    Args:
        models: Those that `/v1/models` lists; any is answered for.
        api_key: Asked for; None: anybody may come.
        port: 0: any that is free.
        answer: What to say when the script is at its end.

    Attributes:
        requests: What was asked, in order.
        first_bytes: When each stream began, by `time.perf_counter`.
        connections: How many were opened.
        dropped: How many of them the other side closed before the answer was whole.
    """

    def __init__(
        self,
        models: tuple[str, ...] = ("small", "large"),
        *,
        api_key: str | None = None,
        port: int = 0,
        answer: Callable[[Asked], Reply] = lambda _: Reply(text="Done."),
    ) -> None:
        self.models = models
        self.requests: list[Asked] = []
        self.first_bytes: list[float] = []
        self.connections = 0
        self.dropped = 0
        self.answer = answer
        self._api_key = api_key
        self._port = port
        self._script: deque[Reply] = deque()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="scripted-model")
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        """Starts it."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it; connections that are open break."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def base_url(self) -> str:
        """As a provider's row has it."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def chats(self) -> list[Any]:
        """The bodies of the requests for an answer, in order."""
        return [asked.body for asked in self.requests if asked.method == "POST"]

    def script(self, *replies: Reply) -> None:
        """Adds to what it will answer, one reply a request."""
        self._script.extend(replies)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, backlog=1024)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None  # noqa: S101 - it was started
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while asked := await _read_request(reader):
                self.requests.append(asked)
                if not await self._respond(asked, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.dropped += 1
        finally:
            writer.close()

    async def _respond(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Answers; returns whether the connection goes on."""
        if self._api_key is not None and asked.headers.get("authorization") != f"Bearer {self._api_key}":
            return await _send_whole(writer, WRONG_KEY.status, WRONG_KEY.body, WRONG_KEY.headers)
        if (asked.method, asked.path) == ("GET", "/v1/models"):
            listed = [{"id": name, "object": "model", "owned_by": "nobody"} for name in self.models]
            return await _send_whole(writer, 200, {"object": "list", "data": listed}, {})
        if (asked.method, asked.path) != ("POST", "/v1/chat/completions"):
            return await _send_whole(writer, 404, fault(404, "not_found").body, {})
        reply = self._script.popleft() if self._script else self.answer(asked)
        await asyncio.sleep(3600 if reply.hangs else reply.first_byte_s)
        if reply.body is not None or reply.status != 200:  # noqa: PLR2004 - the words of HTTP
            return await _send_whole(writer, reply.status, reply.body, reply.headers)
        if not asked.body.get("stream"):
            return await _send_whole(writer, 200, completion(reply, asked.body["model"]), reply.headers)
        self.first_bytes.append(time.perf_counter())
        return await _send_stream(writer, reply, asked.body)


async def _read_request(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None  # the other side has nothing more to ask
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, orjson.loads(content) if content else None)


async def _send_whole(writer: asyncio.StreamWriter, status: int, body: object, headers: Mapping[str, str]) -> bool:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    _send_head(writer, status, {"Content-Length": str(len(content)), **headers}, streams=False)
    writer.write(content)
    await writer.drain()
    return True


async def _send_stream(writer: asyncio.StreamWriter, reply: Reply, body: Mapping[str, Any]) -> bool:
    _send_head(writer, 200, {"Transfer-Encoding": "chunked", **reply.headers}, streams=True)
    with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    for place, chunk in enumerate(chunks(reply, body["model"], with_usage=with_usage)):
        if place == reply.cut_after:
            await writer.drain()
            writer.transport.abort()
            return False
        if place and reply.between_s:
            await writer.drain()
            await asyncio.sleep(reply.between_s)
        _send_chunk(writer, b"data: " + orjson.dumps(chunk) + b"\n\n")
    if not reply.ends_quietly:
        _send_chunk(writer, b"data: [DONE]\n\n")
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


def _send_head(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], *, streams: bool) -> None:
    lines = [f"HTTP/1.1 {status} Scripted", f"Content-Type: {_TYPES[streams]}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))


def _send_chunk(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
