from collections.abc import Callable
from typing import Any

import httpx
import pytest

type Json = dict[str, Any]
type Make = Callable[..., Json]
type ReadProblem = Callable[[httpx.Response, int], Json]

LISTS = (
    "/v1/analyses",
    "/v1/interactions",
    "/v1/scorecards",
    "/v1/agent-templates",
    "/v1/tools",
    "/v1/model-providers",
    "/v1/portfolios",
)


@pytest.fixture
async def ids(client: httpx.AsyncClient, scorecard: Json, chat: Make) -> dict[str, str]:
    """One row of every table, and how each is called in a path."""
    asked = {"scorecard": "support", "interaction": chat("hello", external_id="7")}
    analysis = (await client.post("/v1/analyses", json=asked)).json()
    tool = (await client.post("/v1/tools", json={"name": "find", "type": "api"})).json()
    provider = (await client.post("/v1/model-providers", json={"name": "local"})).json()
    [portfolio] = (await client.get("/v1/portfolios")).json()["items"]
    return {
        "analyses": analysis["analysis_id"],
        "interactions": analysis["interaction_id"],
        "scorecards": "support",
        "agent-templates": "support.opening",
        "tools": tool["id"],
        "model-providers": provider["id"],
        "portfolios": portfolio["id"],
    }


@pytest.mark.usefixtures("ids")
class TestAnotherTeam:
    async def test_finds_every_list_empty(self, client: httpx.AsyncClient, other_client: httpx.AsyncClient) -> None:
        for path in LISTS:
            query = {} if path in LISTS[:2] else {"include_inactive": True}
            assert (await client.get(path, params=query)).json()["items"], path
            assert (await other_client.get(path, params=query)).json() == {"items": [], "next_cursor": None}, path
        assert (await other_client.get("/v1/interactions?external_id=7")).json()["items"] == []

    async def test_learns_of_no_row_that_it_exists(
        self, other_client: httpx.AsyncClient, ids: dict[str, str], card: Make, read_problem: ReadProblem
    ) -> None:
        bodies: dict[str, Json] = {
            "scorecards": card(),
            "agent-templates": {"name": "support.opening"},
            "tools": {"name": "find", "type": "api"},
            "model-providers": {"name": "local"},
            "portfolios": {"name": "default"},
        }
        for kind, name in ids.items():
            read_problem(await other_client.get(f"/v1/{kind}/{name}"), 404)
        for kind, body in bodies.items():
            read_problem(await other_client.put(f"/v1/{kind}/{ids[kind]}", json=body), 404)
            read_problem(await other_client.post(f"/v1/{kind}/{ids[kind]}/deactivate"), 404)
        for name in ("definition", "versions"):
            read_problem(await other_client.get(f"/v1/scorecards/support/{name}"), 404)
        read_problem(await other_client.get("/v1/agent-templates/support.opening/versions"), 404)
        read_problem(await other_client.post(f"/v1/analyses/{ids['analyses']}/rerun"), 404)

    async def test_scores_nothing_of_ours(
        self, other_client: httpx.AsyncClient, ids: dict[str, str], card: Make, chat: Make, read_problem: ReadProblem
    ) -> None:
        asked = {"scorecard": "support", "interaction": chat("hello")}
        problem = read_problem(await other_client.post("/v1/analyses", json=asked), 404)
        assert "There is none at all yet." in problem["detail"]  # no name of ours is suggested
        assert (await other_client.post("/v1/scorecards", json=card())).status_code == 201
        asked = {"scorecard": "support", "interaction": ids["interactions"]}
        read_problem(await other_client.post("/v1/analyses", json=asked), 404)

    async def test_may_use_the_same_names(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient, ids: dict[str, str], card: Make, chat: Make
    ) -> None:
        assert (await other_client.post("/v1/scorecards", json=card(patterns=("bye",)))).json()["version"] == 1
        saved = (await other_client.post("/v1/interactions", json=chat("hello", external_id="7"))).json()
        assert (saved["version"], saved["created"]) == (1, True)
        assert saved["id"] != ids["interactions"]
        assert (await client.get("/v1/scorecards/support/definition")).json() == card()

    async def test_cannot_come_in_with_its_own_token(
        self, stranger: httpx.AsyncClient, other_client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        token = {"Authorization": other_client.headers["authorization"]}
        read_problem(await stranger.get("/v1/scorecards", headers=token), 401)


async def test_an_idempotency_key_is_the_teams_own(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient, chat: Make
) -> None:
    key = {"Idempotency-Key": "the-same"}
    ours = await client.post("/v1/interactions", json=chat("hello"), headers=key)
    theirs = await other_client.post("/v1/interactions", json=chat("hello"), headers=key)
    assert ours.status_code == theirs.status_code == 201
    assert ours.json()["id"] != theirs.json()["id"]
