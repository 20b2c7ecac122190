"""What a model provider offers, asked at a real server."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tahoe_engine.runtime.testing.scripted_model import ScriptedModel

type Json = dict[str, Any]
type ReadProblem = Callable[[httpx.Response, int], Json]


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as server:
        yield server


async def create(client: httpx.AsyncClient, **fields: object) -> str:
    made = await client.post("/v1/model-providers", json={"name": "mine", **fields})
    assert made.status_code == 201, made.text
    return f"/v1/model-providers/{made.json()['id']}/models"


class TestTheAddress:
    @pytest.mark.parametrize(
        "base_url",
        [
            "http://169.254.169.254/latest/meta-data",
            "http://169.254.169.254.:80/v1",
            "https://2852039166/v1",
            "http://0xa9fea9fe",
            "http://[fe80::1]/v1",
            "http://[::ffff:169.254.169.254]:8000/v1",
            "http://[fd00:ec2::254]/v1",
            "http://0.0.0.0:11434/v1",
            "http://224.0.0.1/v1",
            "http://240.0.0.1/v1",
            "http://168.63.129.16/v1",
        ],
    )
    async def test_that_is_never_asked_is_refused(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, base_url: str
    ) -> None:
        given = {"name": "mine", "base_url": base_url}
        problem = read_problem(await client.post("/v1/model-providers", json=given), 409)
        assert [one["field"] for one in problem["errors"]] == ["base_url"]
        assert "never asked" in problem["detail"]
        kept = {"name": "mine", "base_url": "http://10.0.0.1/v1"}
        made = (await client.post("/v1/model-providers", json=kept)).json()
        read_problem(await client.put(f"/v1/model-providers/{made['id']}", json=given), 409)
        assert (await client.get(f"/v1/model-providers/{made['id']}")).json()["base_url"] == kept["base_url"]

    @pytest.mark.parametrize(
        "base_url",
        [
            "http://127.0.0.1:11434/v1",
            "http://[::1]:11434/v1",
            "http://192.168.1.4/v1",
            "https://1.1.1.1/v1",
            "http://metadata.google.internal/v1",  # a name, which is looked up when it is asked
        ],
    )
    async def test_that_may_be_asked_is_kept(self, client: httpx.AsyncClient, base_url: str) -> None:
        await create(client, base_url=base_url)


class TestTheModels:
    async def test_are_those_that_the_provider_lists(self, client: httpx.AsyncClient, model: ScriptedModel) -> None:
        path = await create(client, base_url=model.base_url)
        assert (await client.get(path)).json() == {"models": ["small", "large"]}

    async def test_of_nobody_are_not_found(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        read_problem(await client.get(f"/v1/model-providers/{uuid4()}/models"), 404)

    async def test_of_another_team_are_not_found(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        read_problem(await other_client.get(await create(client, base_url="http://127.0.0.1:1/v1")), 404)

    async def test_of_a_provider_that_does_not_answer_say_so(
        self, client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        problem = read_problem(await client.get(await create(client, base_url="http://127.0.0.1:1/v1")), 409)
        assert "mine" in problem["detail"]

    async def test_without_the_key_say_which_variable_is_missing(
        self, client: httpx.AsyncClient, model: ScriptedModel, read_problem: ReadProblem
    ) -> None:
        path = await create(client, base_url=model.base_url, api_key_env_var="NOBODY_SETS_THIS_API_KEY")
        assert "NOBODY_SETS_THIS_API_KEY" in read_problem(await client.get(path), 409)["detail"]

    async def test_are_not_asked_for_with_another_secret_of_the_process(
        self,
        client: httpx.AsyncClient,
        model: ScriptedModel,
        read_problem: ReadProblem,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("DATABASE_PASSWORD", "hidden")
        path = await create(client, base_url=model.base_url, api_key_env_var="DATABASE_PASSWORD")
        problem = read_problem(await client.get(path), 409)
        assert "_API_KEY" in problem["detail"]
        assert "hidden" not in str(problem)
        assert model.requests == []

    async def test_are_not_asked_for_with_a_key_at_an_address_that_nobody_vouches_for(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "hidden")
        path = await create(client, base_url="http://keys.example.com/v1", api_key_env_var="OPENAI_API_KEY")
        problem = read_problem(await client.get(path), 409)
        assert "TAHOE_MODEL_HOSTS" in problem["detail"]
        assert "hidden" not in str(problem)

    @pytest.mark.parametrize("base_url", ["http://a:b:c/", "http://[::1/v1", "http://127.0.0.1:99999/v1"])
    async def test_at_an_address_that_is_none_are_refused(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, base_url: str
    ) -> None:
        problem = read_problem(await client.get(await create(client, base_url=base_url)), 409)
        assert "base_url" in problem["detail"]
