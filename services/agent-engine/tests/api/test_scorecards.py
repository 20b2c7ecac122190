import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

type Json = dict[str, Any]
type Make = Callable[..., Json]
type ReadProblem = Callable[[httpx.Response, int], Json]
type ReadAll = Callable[..., Awaitable[list[list[Json]]]]

PATH = "/v1/scorecards"


class TestAScorecard:
    async def test_is_given_back_as_its_author_wrote_it(self, client: httpx.AsyncClient, card: Make) -> None:
        written = card(thresholds={"pass": 90}, aggregation={"caps": {"high": 50}})
        response = await client.post(PATH, json=written)
        assert response.status_code == 201, response.text
        assert (await client.get(response.headers["location"])).json() == response.json()
        assert (await client.get(f"{PATH}/support/definition")).json() == written

    async def test_changes_by_a_new_version_and_keeps_the_old(
        self, client: httpx.AsyncClient, scorecard: Json, card: Make
    ) -> None:
        changed = card(description="Says bye.", patterns=("bye",))
        response = await client.put(f"{PATH}/support", json=changed)
        assert response.status_code == 200, response.text
        assert response.json()["version"] == 2
        assert response.json()["id"] != scorecard["id"]
        assert (await client.get(f"{PATH}/support/definition")).json() == changed
        assert (await client.get(f"{PATH}/support/definition?version=1")).json() == card()
        old = (await client.get(f"{PATH}/support?version=1")).json()
        assert (old["id"], old["is_active"]) == (scorecard["id"], False)
        versions = (await client.get(f"{PATH}/support/versions")).json()["items"]
        assert [item["version"] for item in versions] == [2, 1]

    async def test_that_is_sent_again_is_no_new_version(
        self, client: httpx.AsyncClient, scorecard: Json, card: Make
    ) -> None:
        given = (await client.get(f"{PATH}/support/definition")).json()
        assert (await client.put(f"{PATH}/support", json=given)).json() == scorecard

    async def test_that_is_deactivated_is_out_of_lists_and_comes_back(
        self, client: httpx.AsyncClient, scorecard: Json, card: Make
    ) -> None:
        response = await client.post(f"{PATH}/support/deactivate")
        assert response.status_code == 200
        assert response.json()["is_active"] is False
        assert (await client.get(PATH)).json()["items"] == []
        assert len((await client.get(f"{PATH}?include_inactive=true")).json()["items"]) == 1
        assert (await client.get(f"{PATH}/support")).json()["is_active"] is False
        back = (await client.put(f"{PATH}/support", json=card())).json()
        assert (back["version"], back["is_active"]) == (1, True)

    async def test_is_made_once_when_two_make_it(
        self, client: httpx.AsyncClient, card: Make, read_problem: ReadProblem
    ) -> None:
        answers = await asyncio.gather(*(client.post(PATH, json=card(patterns=(f"p{n}",))) for n in range(5)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
        assert (await client.get(f"{PATH}/support")).json()["version"] == 1
        problem = read_problem(await client.post(PATH, json=card()), 409)
        assert "PUT /v1/scorecards/support" in problem["detail"]

    async def test_takes_checks_of_agent_templates(
        self, client: httpx.AsyncClient, card: Make, chat: Make, read_problem: ReadProblem
    ) -> None:
        spec = {"type": "pattern", "patterns": ["hello"]}
        await client.post("/v1/agent-templates", json={"name": "greeter", "checks": [{"id": "hi", "spec": spec}]})
        definition = card()
        definition["requirements"][0]["checks"] = [{"agent": "greeter", "check": "hi"}]
        assert (await client.post(PATH, json=definition)).status_code == 201
        made = await client.post("/v1/analyses", json={"scorecard": "support", "interaction": chat("hello")})
        assert made.json()["categories"]["opening"]["findings"][0]["agent"] == "greeter"
        definition["requirements"][0]["checks"] = [{"agent": "greeter", "check": "ho"}]
        problem = read_problem(await client.put(f"{PATH}/support", json=definition), 409)
        assert problem["errors"][0]["field"] == "requirements.0.checks.0"

    async def test_is_listed_page_by_page(self, client: httpx.AsyncClient, card: Make, read_all: ReadAll) -> None:
        for name in "abcde":
            await client.post(PATH, json=card(name))
        pages = await read_all(client, PATH, limit=2)
        assert ["".join(item["name"] for item in page) for page in pages] == ["ed", "cb", "a"]

    async def test_that_is_not_there_is_a_404_with_near_names(
        self, client: httpx.AsyncClient, scorecard: Json, card: Make, read_problem: ReadProblem
    ) -> None:
        for response in (
            await client.get(f"{PATH}/suport"),
            await client.get(f"{PATH}/suport/definition"),
            await client.get(f"{PATH}/suport/versions"),
            await client.put(f"{PATH}/suport", json=card("suport")),
            await client.post(f"{PATH}/suport/deactivate"),
        ):
            assert "Did you mean support?" in read_problem(response, 404)["detail"]
        assert "no version 9" in read_problem(await client.get(f"{PATH}/support?version=9"), 404)["detail"]


def wrong(**requirement: object) -> Json:
    """What is laid over the only requirement of a scorecard."""
    return requirement


class TestADefinitionThatMakesNoSense:
    @pytest.mark.parametrize(
        ("requirement", "status", "field", "says"),
        [
            (wrong(checks=[{"type": "patern"}]), 422, "requirements.0.checks.0", "patern"),
            (
                wrong(checks=[{"type": "pattern", "patterns": ["("]}]),
                409,
                "requirements.0.checks.0.patterns.0",
                "regular",
            ),
            (
                wrong(checks=[{"type": "pattern", "patterns": ["a*"]}]),
                409,
                "requirements.0.checks.0.patterns.0",
                "empty",
            ),
            (wrong(checks=[{"type": "ratio", "measure": "questions"}]), 409, "requirements.0.checks.0", "min, max"),
            (wrong(checks=[{"type": "timing"}]), 409, "requirements.0.checks.0", "exactly one"),
            (
                wrong(checks=[{"type": "pattern", "patterns": ["a"], "window": {}}]),
                409,
                "requirements.0.checks.0.window",
                "first, last",
            ),
            (wrong(weight=0), 422, "requirements.0.weight", "greater than 0"),
            (wrong(weight="1"), 422, "requirements.0.weight", "valid number"),
            (wrong(required=1), 422, "requirements.0.required", "valid boolean"),
            (wrong(category="closing"), 409, None, "no category"),
            (wrong(applies_when={"requirement": "greeting"}), 409, None, "circle"),
            (wrong(applies_when={"not": {"all": [{}]}}), 409, "requirements.0.applies_when.not.all.0", "needs types"),
            (wrong(id="Greeting"), 422, "requirements.0.id", "pattern"),
            (wrong(id="greeting\n"), 422, "requirements.0.id", "pattern"),
            (wrong(id="٣"), 422, "requirements.0.id", "pattern"),
            (wrong(id="x" * 101), 422, "requirements.0.id", "at most 100"),
        ],
    )
    async def test_is_refused_where_it_is_wrong(
        self,
        client: httpx.AsyncClient,
        card: Make,
        read_problem: ReadProblem,
        requirement: Json,
        status: int,
        field: str | None,
        says: str,
    ) -> None:
        definition = card()
        definition["requirements"][0] |= requirement
        problem = read_problem(await client.post(PATH, json=definition), status)
        assert says in problem["detail"]
        if field:
            assert field in [error["field"] for error in problem["errors"]]
        assert (await client.get(PATH)).json()["items"] == []

    async def test_is_refused_as_an_update_and_leaves_the_old(
        self, client: httpx.AsyncClient, scorecard: Json, card: Make, read_problem: ReadProblem
    ) -> None:
        read_problem(await client.put(f"{PATH}/support", json=card(patterns=("(",))), 409)
        read_problem(await client.put(f"{PATH}/support", json=card(portfolio="")), 422)
        problem = read_problem(await client.put(f"{PATH}/support", json=card("other")), 409)
        assert problem["errors"][0]["field"] == "name"
        assert (await client.get(f"{PATH}/support")).json() == scorecard

    async def test_goes_with_its_portfolio(
        self, client: httpx.AsyncClient, scorecard: Json, chat: Make, read_problem: ReadProblem
    ) -> None:
        [portfolio] = (await client.get("/v1/portfolios")).json()["items"]
        overrides = {"overrides": {"thresholds": {"pass": 10}}}
        changed = {"name": portfolio["name"], "configuration": overrides}
        assert (await client.put(f"/v1/portfolios/{portfolio['id']}", json=changed)).status_code == 200
        asked = {"scorecard": "support", "interaction": chat("hello")}
        problem = read_problem(await client.post("/v1/analyses", json=asked), 409)
        assert "review is above pass" in problem["detail"]

    async def test_is_refused_when_it_is_far_too_long(
        self, client: httpx.AsyncClient, card: Make, read_problem: ReadProblem
    ) -> None:
        problem = read_problem(await client.post(PATH, json=card(description="x" * 3_000_000)), 413)
        assert "2097152" in problem["detail"]
