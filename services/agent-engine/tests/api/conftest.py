"""The engine's API on a real socket and a real Postgres; every test has a server, and a team, of its own."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.security.service_token import create_service_token
from tahoe_engine.app import create_app
from tahoe_engine.composition import compose
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel
from tahoe_engine.settings import load_settings

type Json = dict[str, Any]

START_SECONDS = 30


class Database(Protocol):
    """As `tests/conftest.py` makes it."""

    app: DatabaseAddress
    owner: DatabaseAddress


@dataclass(frozen=True)
class Team:
    """Whose requests they are."""

    id: UUID
    token: str

    @property
    def environment(self) -> dict[str, str]:
        return {"TAHOE_TEAM_ID": str(self.id), "TAHOE_SERVICE_TOKEN": self.token}

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class OpenClient(Protocol):
    """Serves the API to a team, with these settings beside it, and opens a client of it."""

    def __call__(
        self, team: Team, *, address: DatabaseAddress | None = None, **environment: str
    ) -> AbstractAsyncContextManager[httpx.AsyncClient]: ...


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serves the app on a free port of this machine; gives its base URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="on"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done()
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture
def open_client(database: Database) -> OpenClient:
    @asynccontextmanager
    async def open_client(
        team: Team, *, address: DatabaseAddress | None = None, **environment: str
    ) -> AsyncIterator[httpx.AsyncClient]:
        services = compose(load_settings(team.environment | environment), address or database.app)
        async with (
            serving(create_app(services)) as url,
            httpx.AsyncClient(base_url=url, headers=team.headers, timeout=30) as client,
        ):
            yield client

    return open_client


@pytest.fixture
def nowhere(database: Database) -> DatabaseAddress:
    """An address at which nothing listens."""
    return replace(database.app, host="127.0.0.1", port=1)


@pytest.fixture
def unmigrated(fresh: Database) -> DatabaseAddress:
    """An empty schema."""
    return fresh.app


def make_team(team_id: UUID) -> Team:
    return Team(team_id, create_service_token().get_secret_value())


@pytest.fixture
def team(team_id: UUID) -> Team:
    return make_team(team_id)


@pytest.fixture
async def client(open_client: OpenClient, team: Team) -> AsyncIterator[httpx.AsyncClient]:
    """Asks as the test's team."""
    async with open_client(team) as client:
        yield client


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    """A model behind the server of `client_of_ada`."""
    with ScriptedModel() as server:
        yield server


@pytest.fixture
async def client_of_ada(open_client: OpenClient, team: Team, model: ScriptedModel) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server where the agent Ada answers."""
    async with open_client(team, LLM_MODEL="small", LLM_BASE_URL=model.base_url) as client:
        made = await client.post("/v1/agents", json={"name": "Ada", "status": "active"})
        assert made.status_code == 201
        yield client


@pytest.fixture
async def other_client(open_client: OpenClient) -> AsyncIterator[httpx.AsyncClient]:
    """Asks as another team of the same database."""
    async with open_client(make_team(uuid4())) as client:
        yield client


@pytest.fixture
async def stranger(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the same server without a token."""
    async with httpx.AsyncClient(base_url=client.base_url, timeout=30) as stranger:
        yield stranger


@pytest.fixture
def server_log(tmp_path: Path) -> Path:
    """What the server in a process of its own says."""
    return tmp_path / "server.log"


@pytest.fixture
async def process_client(
    database: Database, team: Team, tmp_path: Path, server_log: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """Asks a server in a process of its own, as a deployment runs it: `tahoe_engine.asgi`, started by uvicorn."""
    app = database.app
    url = (
        f"postgresql://{app.user}:{quote(app.password or '')}@{app.host}:{app.port}/{app.database}?schema={app.schema}"
    )
    environment = team.environment | {"DATABASE_URL": url, "TAHOE_LOG_FORMAT": "json", "PATH": os.environ["PATH"]}
    with server_log.open("wb") as output:
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "uvicorn", "tahoe_engine.asgi:create", "--factory", "--port", "0"),
            env=environment,
            cwd=tmp_path,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            url = await _find_url(server, server_log)
            async with httpx.AsyncClient(base_url=url, headers=team.headers, timeout=60) as client:
                yield client
        finally:
            if server.returncode is None:
                server.terminate()
            await server.wait()


async def _find_url(server: asyncio.subprocess.Process, log: Path) -> str:
    """Returns the address that uvicorn says it listens on."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            text = await asyncio.to_thread(log.read_text)
            if found := re.search(r"http://127\.0\.0\.1:\d+", text):
                return found.group()
            assert server.returncode is None, text
            await asyncio.sleep(0.05)


@pytest.fixture
def chat() -> Callable[..., Json]:
    """Makes an interaction as people write it; the customer speaks first."""

    def make(*texts: str, **fields: Any) -> Json:  # noqa: ANN401 - whatever an interaction takes
        roles = ("customer", "agent")
        turns = [{"role": roles[number % 2], "text": text} for number, text in enumerate(texts)]
        return {"turns": turns or [{"role": "agent", "text": "hello"}], **fields}

    return make


@pytest.fixture
def card() -> Callable[..., Json]:
    """Makes a scorecard of one requirement, which these patterns meet."""

    def make(name: str = "support", *, patterns: tuple[str, ...] = ("hello",), **fields: Any) -> Json:  # noqa: ANN401
        requirement = {
            "id": "greeting",
            "title": "Greets",
            "category": "opening",
            "checks": [{"type": "pattern", "patterns": list(patterns)}],
        }
        return {"name": name, "categories": {"opening": {}}, "requirements": [requirement], **fields}

    return make


@pytest.fixture
async def scorecard(client: httpx.AsyncClient, card: Callable[..., Json]) -> Json:
    """A scorecard that the team has."""
    response = await client.post("/v1/scorecards", json=card())
    assert response.status_code == 201, response.text
    made: Json = response.json()
    return made


@pytest.fixture
def read_problem() -> Callable[[httpx.Response, int], Json]:
    """Returns the problem that an answer holds, after a look at what every problem must have."""

    def read(response: httpx.Response, status: int) -> Json:
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problem: Json = response.json()
        assert problem["status"] == status
        assert problem["type"].startswith("urn:problem-type:tahoe:")
        assert problem["title"]
        assert problem["detail"]
        assert problem["request_id"] == response.headers["x-request-id"]
        return problem

    return read


@pytest.fixture
def read_all() -> Callable[..., Any]:
    """Follows a list through its pages, and returns what stood on each."""

    async def read(client: httpx.AsyncClient, path: str, **query: Any) -> list[list[Json]]:  # noqa: ANN401
        pages: list[list[Json]] = []
        cursor: str | None = None
        while cursor or not pages:
            response = await client.get(path, params=query | ({"cursor": cursor} if cursor else {}))
            assert response.status_code == 200, response.text
            page = response.json()
            pages.append(page["items"])
            cursor = page["next_cursor"]
        return pages

    return read
