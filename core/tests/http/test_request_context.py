import io
import json
import logging
import re
from collections.abc import Iterator

import httpx
import pytest
import structlog
from fastapi import APIRouter, FastAPI, Request

from tahoe_core.http.request_context import route_template
from tahoe_core.logs import configure_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the service logs, as JSON lines."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logging("debug", "json", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def logged(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines() if '"tahoe_core' in line]


class TestTheRequestId:
    async def test_a_sane_one_is_kept(self, client: httpx.AsyncClient) -> None:
        response = await client.get("/health", headers={"X-Request-ID": "trace-7.a_B"})
        assert response.headers["x-request-id"] == "trace-7.a_B"

    @pytest.mark.parametrize("presented", ["", "a b", "x" * 129, "a/b", "é"])
    async def test_another_is_replaced(self, client: httpx.AsyncClient, presented: str) -> None:
        response = await client.get("/health", headers=[(b"X-Request-ID", presented.encode())])
        assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])

    async def test_each_request_gets_its_own(self, client: httpx.AsyncClient) -> None:
        assert len({(await client.get("/health")).headers["x-request-id"] for _ in range(5)}) == 5

    async def test_stands_in_every_line_of_its_request(self, client: httpx.AsyncClient, lines: io.StringIO) -> None:
        await client.get("/v1/broken/unexpected", headers={"X-Request-ID": "one"})
        await client.get("/health", headers={"X-Request-ID": "two"})
        assert [line["request_id"] for line in logged(lines)] == ["one", "one", "two"]

    async def test_stands_on_answers_that_the_middleware_gives(self, stranger: httpx.AsyncClient) -> None:
        response = await stranger.get("/v1/notes", headers={"X-Request-ID": "one"})
        assert response.status_code == 401
        assert response.headers["x-request-id"] == "one"


class TestTheAccessLog:
    async def test_has_a_line_a_request(
        self, client: httpx.AsyncClient, lines: io.StringIO, team_id: object, token: str
    ) -> None:
        await client.get("/v1/notes/named/secret-name?title=private")
        [line] = logged(lines)
        assert line["message"] == "request"
        assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/notes/named/{name}", 404)
        assert isinstance(line["ms"], float)
        assert 0 < line["ms"] < 10_000
        text = lines.getvalue()
        assert "secret-name" not in text
        assert "private" not in text
        assert token not in text

    async def test_says_which_team_asked(self, client: httpx.AsyncClient, lines: io.StringIO, team_id: object) -> None:
        await client.get("/v1/broken/unexpected")
        [failure, _request] = logged(lines)
        assert failure["team_id"] == str(team_id)

    async def test_is_quiet_about_probes(self, client: httpx.AsyncClient, lines: io.StringIO) -> None:
        for path in ("/health", "/ready", "/metrics"):
            await client.get(path)
        assert {line["level"] for line in logged(lines)} == {"debug"}

    async def test_hides_what_an_exception_says_of_passwords(
        self, client: httpx.AsyncClient, lines: io.StringIO
    ) -> None:
        await client.get("/v1/broken/unexpected")
        assert "hunter2" not in lines.getvalue()
        assert "RuntimeError: postgresql://app:[redacted]@db/tahoe" in lines.getvalue()


async def test_answers_are_not_to_be_guessed_at_by_browsers(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/docs", "/v1/nothing"):
        assert (await client.get(path)).headers["x-content-type-options"] == "nosniff"


async def test_a_template_is_that_of_the_outermost_router() -> None:
    """FastAPI keeps it on a name that it does not promise to keep."""
    inner, outer, app, seen = APIRouter(prefix="/things"), APIRouter(prefix="/v1"), FastAPI(), []

    @inner.get("/{thing_id}")
    async def get_thing(request: Request, thing_id: int) -> None:
        seen.append(route_template(request.scope))

    outer.include_router(inner)
    app.include_router(outer, prefix="/api")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        assert (await client.get("/api/v1/things/7")).status_code == 200
    assert seen == ["/api/v1/things/{thing_id}"]
