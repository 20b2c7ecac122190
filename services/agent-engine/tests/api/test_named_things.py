"""Tools, model providers and portfolios: found by id, called by name, changed in place."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

type Json = dict[str, Any]
type Make = Callable[..., Json]
type ReadProblem = Callable[[httpx.Response, int], Json]
type ReadAll = Callable[..., Awaitable[list[list[Json]]]]

KINDS = [
    pytest.param("/v1/tools", {"name": "Find-It", "type": "api", "configuration": {"a": [1]}}, id="tools"),
    pytest.param("/v1/model-providers", {"name": "local", "base_url": "http://localhost:11434/v1"}, id="providers"),
    pytest.param(
        "/v1/portfolios",
        {"name": "sales", "configuration": {"defaults": {"thresholds": {"pass": 70}}}},
        id="portfolios",
    ),
]
CHANGES: dict[str, Json] = {
    "/v1/tools": {"description": "Other.", "configuration": {}},
    "/v1/model-providers": {"base_url": None, "api_key_env_var": "KEY", "models": ["a", "b"]},
    "/v1/portfolios": {"description": "Other."},
}


@pytest.mark.parametrize(("path", "thing"), KINDS)
class TestAThing:
    async def test_is_found_where_its_answer_says(self, client: httpx.AsyncClient, path: str, thing: Json) -> None:
        response = await client.post(path, json=thing)
        assert response.status_code == 201, response.text
        made = response.json()
        assert made["name"] == thing["name"]
        assert made["is_active"] is True
        assert response.headers["location"] == f"{path}/{made['id']}"
        assert (await client.get(response.headers["location"])).json() == made

    async def test_is_changed_in_place(self, client: httpx.AsyncClient, path: str, thing: Json) -> None:
        made = (await client.post(path, json=thing)).json()
        response = await client.put(f"{path}/{made['id']}", json=thing | CHANGES[path])
        assert response.status_code == 200, response.text
        changed = response.json()
        assert changed["id"] == made["id"]
        for key, value in CHANGES[path].items():
            assert changed[key] == value
        assert changed["updated_at"] > made["updated_at"]
        assert (await client.get(f"{path}/{made['id']}")).json() == changed

    async def test_that_is_deactivated_is_out_of_lists_and_comes_back_when_it_is_changed(
        self, client: httpx.AsyncClient, path: str, thing: Json
    ) -> None:
        made = (await client.post(path, json=thing)).json()
        assert (await client.post(f"{path}/{made['id']}/deactivate")).json()["is_active"] is False
        assert (await client.get(path)).json()["items"] == []
        assert len((await client.get(f"{path}?include_inactive=true")).json()["items"]) == 1
        assert (await client.get(f"{path}/{made['id']}")).json()["is_active"] is False
        assert (await client.put(f"{path}/{made['id']}", json=thing)).json()["is_active"] is True

    async def test_is_made_once(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, path: str, thing: Json
    ) -> None:
        answers = await asyncio.gather(*(client.post(path, json=thing) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
        problem = read_problem(await client.post(path, json=thing), 409)
        assert [error["field"] for error in problem["errors"]] == ["name"]

    async def test_keeps_its_name(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, path: str, thing: Json
    ) -> None:
        made = (await client.post(path, json=thing)).json()
        problem = read_problem(await client.put(f"{path}/{made['id']}", json=thing | {"name": "other"}), 409)
        assert "A name never changes" in problem["detail"]

    async def test_is_listed_page_by_page(
        self, client: httpx.AsyncClient, read_all: ReadAll, path: str, thing: Json
    ) -> None:
        for name in "abcde":
            await client.post(path, json=thing | {"name": name})
        pages = await read_all(client, path, limit=2)
        assert ["".join(item["name"] for item in page) for page in pages] == ["ed", "cb", "a"]

    async def test_that_is_not_there_is_a_404(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, path: str, thing: Json
    ) -> None:
        there = f"{path}/{uuid4()}"
        for response in (
            await client.get(there),
            await client.put(there, json=thing),
            await client.post(f"{there}/deactivate"),
        ):
            read_problem(response, 404)


async def test_a_portfolio_that_holds_scorecards_stays(
    client: httpx.AsyncClient, card: Make, read_problem: ReadProblem
) -> None:
    made = (await client.post("/v1/portfolios", json={"name": "sales"})).json()
    await client.post("/v1/scorecards", json=card(portfolio="sales"))
    problem = read_problem(await client.post(f"/v1/portfolios/{made['id']}/deactivate"), 409)
    assert "support" in problem["detail"]
    await client.post("/v1/scorecards/support/deactivate")
    assert (await client.post(f"/v1/portfolios/{made['id']}/deactivate")).status_code == 200


async def test_a_model_provider_may_be_anywhere(client: httpx.AsyncClient) -> None:
    for number, base_url in enumerate(
        ("http://localhost:11434/v1", "https://[::1]:8443", "http://vllm_1/v1/", "https://xn--e1afmkfd.example/a%20b/c")
    ):
        response = await client.post("/v1/model-providers", json={"name": str(number), "base_url": base_url})
        assert response.status_code == 201, response.text


@pytest.mark.parametrize(
    "base_url",
    ["ftp://host", "http://user:secret@host/v1", "http://host/?key=1", "http://host/\0", "http://h\x85", "http://"],
)
async def test_a_model_providers_address_holds_no_secret(
    client: httpx.AsyncClient, read_problem: ReadProblem, base_url: str
) -> None:
    response = await client.post("/v1/model-providers", json={"name": "x", "base_url": base_url})
    problem = read_problem(response, 422)
    assert [error["field"] for error in problem["errors"]] == ["base_url"]
    assert "secret" not in response.text
