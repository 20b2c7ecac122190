"""What operators meet: probes, logs, failures of the database, documents."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

type Json = dict[str, Any]
type Make = Callable[..., Json]
type OpenClient = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
type ReadProblem = Callable[[httpx.Response, int], Json]

SLOWEST_SECONDS = 2.0


class TestWithoutADatabase:
    @pytest.fixture
    async def client(self, open_client: OpenClient, team: object, nowhere: object) -> AsyncIterator[httpx.AsyncClient]:
        async with open_client(team, address=nowhere) as client:
            yield client

    async def test_every_answer_says_so_and_what_to_do(
        self, client: httpx.AsyncClient, card: Make, chat: Make, read_problem: ReadProblem
    ) -> None:
        for response in (
            await client.get("/v1/scorecards"),
            await client.get("/v1/analyses"),
            await client.post("/v1/scorecards", json=card()),
            await client.post("/v1/interactions", json=chat("hello")),
            await client.post("/v1/memories", json={"content": "Ann prefers tea."}),
            await client.post("/v1/memories/search", json={"query": "tea"}),
            await client.get("/v1/memories/export"),
            await client.post("/v1/analyses", json={"scorecard": "support", "interaction": chat("hello")}),
        ):
            detail = read_problem(response, 503)["detail"]
            assert "127.0.0.1:1 cannot be reached" in detail
            assert "DATABASE_URL" in detail

    async def test_the_service_is_alive_and_not_ready(
        self, client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        assert (await client.get("/health")).json() == {"status": "ok"}
        checks = read_problem(await client.get("/ready"), 503)["checks"]
        assert {check["name"]: check["status"] for check in checks} == {"database": "down", "cache": "up"}

    async def test_what_is_wrong_in_itself_is_still_said(
        self, client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        read_problem(await client.post("/v1/scorecards", json={}), 422)


class TestADatabaseThatIsNotMigrated:
    async def test_is_not_ready(
        self, open_client: OpenClient, team: object, unmigrated: object, read_problem: ReadProblem
    ) -> None:
        async with open_client(team, address=unmigrated) as client:
            checks = read_problem(await client.get("/ready"), 503)["checks"]
            assert {check["name"]: check["status"] for check in checks} == {"database": "down", "cache": "up"}
            read_problem(await client.get("/v1/tools"), 503)


@asynccontextmanager
async def commits_fail(owner: AsyncEngine, table: str) -> AsyncIterator[None]:
    """Makes the database refuse, at the commit, what was written into a table."""
    async with owner.begin() as connection:
        await connection.execute(
            text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END$$"
            )
        )
        await connection.execute(
            text(
                f"CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        )
    try:
        yield
    finally:
        async with owner.begin() as connection:
            await connection.execute(text("DROP FUNCTION refuse CASCADE"))


class TestACommitThatFails:
    @pytest.mark.parametrize(
        ("table", "path", "body"),
        [
            ("tools", "/v1/tools", {"name": "find", "type": "api"}),
            ("interactions", "/v1/interactions", {"turns": [{"role": "agent"}]}),
            ("analyses", "/v1/analyses", {"scorecard": "support", "interaction": {"turns": [{"role": "agent"}]}}),
        ],
    )
    @pytest.mark.usefixtures("scorecard")
    async def test_is_no_201_and_leaves_nothing(
        self,
        client: httpx.AsyncClient,
        owner_engine: AsyncEngine,
        read_problem: ReadProblem,
        table: str,
        path: str,
        body: Json,
    ) -> None:
        key = {"Idempotency-Key": "once"}
        async with commits_fail(owner_engine, table):
            problem = read_problem(await client.post(path, json=body, headers=key), 503)
            assert "the disk is full" in problem["detail"]
        for listed in (path, "/v1/interactions"):
            assert (await client.get(listed)).json()["items"] == []
        again = await client.post(path, json=body, headers=key)
        assert again.status_code == 201, "a failure is not kept under its key"


class TestAnIdempotencyKey:
    @pytest.mark.usefixtures("scorecard")
    async def test_gives_the_first_answer_again(
        self, client: httpx.AsyncClient, chat: Make, read_problem: ReadProblem
    ) -> None:
        key = {"Idempotency-Key": "the-first"}
        asked = {"scorecard": "support", "interaction": chat("hello")}
        first = await client.post("/v1/analyses", json=asked, headers=key)
        again = await client.post("/v1/analyses", json=asked, headers=key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotency-replayed"] == "true"
        assert len((await client.get("/v1/analyses")).json()["items"]) == 1
        other = await client.post("/v1/analyses", json=asked | {"scorecard_version": 1}, headers=key)
        assert "another request" in read_problem(other, 422)["detail"]

    @pytest.mark.usefixtures("scorecard")
    async def test_lets_one_of_many_through(self, client: httpx.AsyncClient, chat: Make) -> None:
        asked = {"scorecard": "support", "interaction": chat("hello")}
        answers = await asyncio.gather(
            *(client.post("/v1/analyses", json=asked, headers={"Idempotency-Key": "race"}) for _ in range(6))
        )
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len((await client.get("/v1/analyses")).json()["items"]) == 1


class TestAProbe:
    async def test_is_answered(self, stranger: httpx.AsyncClient) -> None:
        assert (await stranger.get("/health")).json() == {"status": "ok"}
        ready = (await stranger.get("/ready")).json()
        assert ready["status"] == "ready"
        assert [check["name"] for check in ready["checks"]] == ["database", "cache"]

    async def test_may_ask_by_head(self, stranger: httpx.AsyncClient) -> None:
        for path in ("/health", "/ready", "/docs"):
            response = await stranger.head(path)
            assert response.status_code == 200
            assert response.content == b""
            assert int(response.headers["content-length"]) > 0

    async def test_counts_by_route_and_not_by_path(self, client: httpx.AsyncClient) -> None:
        await client.get("/v1/tools/00000000-0000-0000-0000-000000000000")
        metrics = (await client.get("/metrics")).text
        assert 'tahoe_http_requests_total{method="GET",route="/v1/tools/{tool_id}",status="404"} 1.0' in metrics


class TestTheDocument:
    @pytest.fixture
    async def document(self, stranger: httpx.AsyncClient) -> Json:
        document: Json = (await stranger.get("/openapi.json")).json()
        return document

    def operations(self, document: Json) -> Iterator[tuple[str, Json]]:
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                yield f"{method} {path}", operation

    async def test_explains_every_operation_and_every_tag(self, document: Json) -> None:
        described = {tag["name"] for tag in document["tags"] if tag["description"]}
        names = set()
        for name, operation in self.operations(document):
            assert operation["description"], name
            assert set(operation["tags"]) <= described, name
            names.add(operation["operationId"])
        assert len(names) == 81

    async def test_offers_examples_that_work(self, document: Json, client: httpx.AsyncClient, card: Make) -> None:
        await client.post("/v1/scorecards", json=card("support-quality"))
        for path in (
            "/v1/scorecards",
            "/v1/interactions",
            "/v1/analyses",
            "/v1/agents",
            "/v1/memories",
            "/v1/memories/bulk",
            "/v1/memories/search",
        ):
            examples = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]
            for name, example in examples.items():
                response = await client.post(path, json=example["value"])
                expected = {404} if name in {"stored", "template"} else {200, 201}
                assert response.status_code in expected, f"{path} {name}: {response.text}"

    async def test_says_where_to_find_what_was_made(self, document: Json) -> None:
        for name, operation in self.operations(document):
            if "201" in operation["responses"]:
                assert "Location" in operation["responses"]["201"]["headers"], name


class TestAServerInAProcessOfItsOwn:
    async def test_logs_the_request_id_that_it_answers_with(
        self, process_client: httpx.AsyncClient, server_log: Path, team_id: UUID
    ) -> None:
        client = process_client
        response = await client.get("/v1/tools", headers={"X-Request-ID": "mine-1"})
        assert response.headers["x-request-id"] == "mine-1"
        given = (await client.get("/v1/analyses?scorecard=secret-name")).headers["x-request-id"]
        await client.get("/health")  # the line is written after the answer
        log = await asyncio.to_thread(server_log.read_text)
        lines = {line.get("request_id"): line for line in map(json.loads, log.splitlines())}
        assert lines["mine-1"]["path"] == "/v1/tools"
        assert lines["mine-1"]["team_id"] == str(team_id)
        assert (lines[given]["method"], lines[given]["status"]) == ("GET", 200)
        assert "secret-name" not in log
        assert client.headers["authorization"].removeprefix("Bearer ") not in log

    @pytest.mark.timed
    @pytest.mark.parametrize("turns", [50, 100_000], ids=["long-turns", "many-turns"])
    async def test_answers_others_while_it_reads_fifty_megabytes(
        self, process_client: httpx.AsyncClient, card: Make, turns: int
    ) -> None:
        client = process_client
        assert (await client.post("/v1/scorecards", json=card())).status_code == 201
        turn = {"role": "agent", "text": "hello" + " wörds" * (50_000_000 // turns // 7)}
        body = json.dumps(
            {"scorecard": "support", "interaction": {"turns": [turn] * turns}}, ensure_ascii=False
        ).encode()
        sent = client.post("/v1/analyses", content=body, headers={"Content-Type": "application/json"})
        response, slowest = await watch_health(client, sent)
        assert response.status_code == 201, response.text[:1000]
        evidence = response.json()["categories"]["opening"]["findings"][0]["evidence"]
        assert evidence[0] == {"turn": 0, "start": 0, "end": 5, "quote": "hello"}
        kept, slowest_reading = await watch_health(
            client, client.get(f"/v1/interactions/{response.json()['interaction_id']}")
        )
        assert len(kept.json()["interaction"]["turns"]) == turns
        assert max(slowest, slowest_reading) < SLOWEST_SECONDS


async def watch_health(
    client: httpx.AsyncClient, request: Coroutine[Any, Any, httpx.Response]
) -> tuple[httpx.Response, float]:
    """Returns the answer to a request, and the longest that /health took meanwhile, in seconds."""
    work = asyncio.create_task(request)
    slowest = 0.0
    while not work.done():
        started_at = time.perf_counter()
        assert (await client.get("/health")).status_code == 200
        slowest = max(slowest, time.perf_counter() - started_at)
        await asyncio.sleep(0.02)
    return await work, slowest


async def test_the_documentation_page_needs_no_network(stranger: httpx.AsyncClient) -> None:
    page = (await stranger.get("/docs")).text
    assert "Tahoe agent-engine" in page
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page)
