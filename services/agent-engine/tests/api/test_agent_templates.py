from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

type Json = dict[str, Any]
type ReadProblem = Callable[[httpx.Response, int], Json]
type ReadAll = Callable[..., Awaitable[list[list[Json]]]]

PATH = "/v1/agent-templates"
CHECK = {"id": "hi", "spec": {"type": "pattern", "patterns": ["hello"]}}


@pytest.fixture
async def template(client: httpx.AsyncClient) -> Json:
    response = await client.post(PATH, json={"name": "greeter", "checks": [CHECK], "model_config": {"t": 0.5}})
    assert response.status_code == 201, response.text
    made: Json = response.json()
    return made


class TestAnAgentTemplate:
    async def test_is_found_where_its_answer_says(self, client: httpx.AsyncClient) -> None:
        response = await client.post(PATH, json={"name": "greeter"})
        assert response.headers["location"] == f"{PATH}/greeter"
        assert (await client.get(f"{PATH}/greeter")).json() == response.json()

    async def test_changes_by_a_new_version_and_keeps_the_old(self, client: httpx.AsyncClient, template: Json) -> None:
        new = (await client.put(f"{PATH}/greeter", json={"name": "greeter", "description": "New."})).json()
        assert (new["version"], new["description"], new["checks"]) == (2, "New.", [])
        assert (await client.get(f"{PATH}/greeter")).json() == new
        old = (await client.get(f"{PATH}/greeter?version=1")).json()
        assert old == template | {"is_active": False, "updated_at": old["updated_at"]}
        versions = (await client.get(f"{PATH}/greeter/versions")).json()["items"]
        assert [item["version"] for item in versions] == [2, 1]

    async def test_that_is_sent_again_is_no_new_version(self, client: httpx.AsyncClient, template: Json) -> None:
        same = {"name": "greeter", "checks": [CHECK], "model_config": {"t": 0.5}}
        assert (await client.put(f"{PATH}/greeter", json=same)).json()["id"] == template["id"]

    async def test_that_is_deactivated_is_out_of_lists(self, client: httpx.AsyncClient, template: Json) -> None:
        assert (await client.post(f"{PATH}/greeter/deactivate")).json()["is_active"] is False
        assert (await client.get(PATH)).json()["items"] == []
        assert len((await client.get(PATH, params={"include_inactive": True})).json()["items"]) == 1

    async def test_is_listed_page_by_page(self, client: httpx.AsyncClient, read_all: ReadAll) -> None:
        for name in "abc":
            await client.post(PATH, json={"name": name})
        pages = await read_all(client, PATH, limit=2)
        assert [[item["name"] for item in page] for page in pages] == [["c", "b"], ["a"]]

    async def test_that_is_not_there_is_a_404(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        read_problem(await client.get(f"{PATH}/none"), 404)
        read_problem(await client.get(f"{PATH}/none/versions"), 404)
        read_problem(await client.put(f"{PATH}/none", json={"name": "none"}), 404)
        read_problem(await client.post(f"{PATH}/none/deactivate"), 404)


@pytest.mark.usefixtures("template")
class TestWhatMakesNoSense:
    async def test_a_name_is_taken_once(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        problem = read_problem(await client.post(PATH, json={"name": "greeter"}), 409)
        assert [error["field"] for error in problem["errors"]] == ["name"]

    async def test_a_name_never_changes(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        read_problem(await client.put(f"{PATH}/greeter", json={"name": "other"}), 409)

    @pytest.mark.parametrize(
        ("checks", "field"),
        [
            ([{"id": "hi", "spec": {"type": "pattern", "patterns": ["("]}}], "checks.0.spec.patterns.0"),
            ([CHECK, CHECK], "checks.1.id"),
        ],
    )
    async def test_a_check_that_could_not_run_is_refused(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, checks: list[Json], field: str
    ) -> None:
        for problem in (
            read_problem(await client.post(PATH, json={"name": "new", "checks": checks}), 409),
            read_problem(await client.put(f"{PATH}/greeter", json={"name": "greeter", "checks": checks}), 409),
        ):
            assert [error["field"] for error in problem["errors"]] == [field]
