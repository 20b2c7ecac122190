"""What stands before several replicas: one address, behind which those are asked that are ready."""

import asyncio
import itertools
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

from containers import Platform

LOOK_SECONDS = 0.4
HOP_BY_HOP = {"connection", "content-length", "host", "keep-alive", "transfer-encoding"}


class Balancer:
    """A reverse proxy as operators have one: it looks at `/ready`, and goes to the next replica where none answered.

    What it may ask a second time is what a proxy may: a request that was never sent, or one that is safe to repeat
    (GET, or a POST with its Idempotency-Key). Answers, errors of the service among them, are passed on as they are.

    Attributes:
        served: Answers by replica.
    """

    def __init__(self, platform: Platform) -> None:
        self.served: Counter[str] = Counter()
        self._platform = platform
        self._ready: dict[str, str] = {}
        self._turn = itertools.count()
        # A connection a request: none is closed under one.
        self._client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))

    async def look(self) -> None:
        """Learns which replicas are ready now."""
        try:
            replicas = await asyncio.to_thread(self._list_addresses)
        except (AssertionError, subprocess.SubprocessError):
            return  # one of them went away under the question; the next look is soon
        states = await asyncio.gather(*(self._is_ready(address) for address in replicas.values()))
        self._ready = {name: address for (name, address), is_up in zip(replicas.items(), states, strict=True) if is_up}

    def _list_addresses(self) -> dict[str, str]:
        return {replica: self._platform.address(replica) for replica in self._platform.list_replicas()}

    async def _is_ready(self, address: str) -> bool:
        try:
            return (await self._client.get(f"{address}/ready", timeout=2)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def pass_on(self, request: Request) -> Response:
        """Answers with what a replica answers; 502 where none can."""
        body = await request.body()
        headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
        may_repeat = request.method == "GET" or "idempotency-key" in request.headers
        replicas = list(self._ready.items())
        start = next(self._turn)
        for number in range(len(replicas)):
            name, address = replicas[(start + number) % len(replicas)]
            url = f"{address}{request.url.path}?{request.url.query}"
            try:
                answer = await self._client.request(request.method, url, content=body, headers=headers)
            except httpx.ConnectError:
                continue
            except httpx.TransportError:
                if may_repeat:
                    continue
                break
            self.served[name] += 1
            kept = {key: value for key, value in answer.headers.items() if key not in HOP_BY_HOP}
            return Response(answer.content, answer.status_code, kept)
        return Response("no replica answered", 502)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serves on a free port; gives the address."""
        app = FastAPI(openapi_url=None)
        app.add_route("/{path:path}", self.pass_on, methods=["GET", "POST", "PUT"])
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off"))
        await self.look()
        serving = asyncio.create_task(server.serve())
        looking = asyncio.create_task(self._keep_looking())
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.02)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}"
        finally:
            looking.cancel()
            server.should_exit = True
            await serving
            await self._client.aclose()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()
