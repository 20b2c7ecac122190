"""What OpenAI's clients are told of requests that cannot be answered: nothing after which they would ask again."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tahoe_engine.runtime.testing.replies import CONTEXT_FULL, REFUSAL, Reply, fault
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel

type Json = dict[str, Any]
type ReadProblem = Callable[[httpx.Response, int], Json]


@pytest.fixture
def client(client_of_ada: httpx.AsyncClient) -> httpx.AsyncClient:
    return client_of_ada


def user(content: str | list[Json]) -> Json:
    return {"role": "user", "content": content}


def calling(*ids: str) -> Json:
    calls = [{"id": one, "type": "function", "function": {"name": "look", "arguments": "{}"}} for one in ids]
    return {"role": "assistant", "tool_calls": calls}


def tool(name: str) -> Json:
    return {"type": "function", "function": {"name": name}}


async def ask(client: httpx.AsyncClient, *messages: Json, **settings: object) -> httpx.Response:
    return await client.post("/v1/chat/completions", json={"model": "ada", "messages": list(messages), **settings})


class TestAContradiction:
    @pytest.mark.parametrize(
        ("messages", "settings", "param"),
        [
            ([user("Hello."), {"role": "assistant", "content": "Hi."}], {}, "messages"),
            ([{"role": "system", "content": "Be brief."}], {}, "messages"),
            ([user(" ")], {}, "messages"),
            ([user([{"type": "text", "text": 200_000 * "a"}] * 6)], {}, "messages"),
            ([user("Hello."), calling("c1", "c1"), user("Hello?")], {}, "messages"),
            ([user("Hello.")], {"tools": [tool("look"), tool("look")]}, "tools"),
            ([user("Hello.")], {"tools": [tool("look")], "tool_choice": tool("leap")}, "tool_choice"),
        ],
        ids=[
            "the agent last",
            "the system alone",
            "nothing",
            "too much",
            "a call twice",
            "a tool twice",
            "no such tool",
        ],
    )
    async def test_is_an_error_that_no_client_tries_again(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, messages: list[Json], settings: Json, param: str
    ) -> None:
        problem = read_problem(await ask(client, *messages, **settings), 400)
        assert (problem["error"]["type"], problem["error"]["param"]) == ("invalid_request_error", param)
        assert problem["error"]["message"]


class TestTheLastWord:
    @pytest.mark.parametrize("role", ["system", "developer"])
    async def test_may_be_the_systems(self, client: httpx.AsyncClient, model: ScriptedModel, role: str) -> None:
        model.script(Reply(text="Hi."))
        answer = await ask(client, user("Hello."), {"role": role, "content": "Speak like a pirate."})
        assert answer.status_code == 200, answer.text
        system, *said = model.chats[-1]["messages"]
        assert "Speak like a pirate." in system["content"]
        assert said == [user("Hello.")]


def json_schema(schema: object) -> Json:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


class TestAFaultOfTheClient:
    @pytest.mark.parametrize(
        "messages",
        [
            [{"role": "tool", "tool_call_id": "zz", "content": "1"}],
            [user("Look."), calling("c1"), {"role": "tool", "tool_call_id": "zz", "content": "1"}],
        ],
    )
    async def test_is_a_result_that_nobody_asked_for(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, messages: list[Json]
    ) -> None:
        assert "'zz'" in read_problem(await ask(client, *messages), 400)["error"]["message"]

    @pytest.mark.parametrize(
        "schema",
        [
            {"type": "object", "required": 5},
            {"properties": {"a": {"type": "thing"}}},
            {"$schema": "http://json-schema.org/draft-07/schema#", "required": [[]]},
            {"$schema": 5},
        ],
    )
    async def test_is_a_schema_that_is_none(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, model: ScriptedModel, schema: Json
    ) -> None:
        problem = read_problem(await ask(client, user("Hello."), response_format=json_schema(schema)), 400)
        assert problem["error"]["param"] == "response_format.json_schema.schema"
        assert not model.chats

    async def test_is_no_schema_of_an_older_draft(self, client: httpx.AsyncClient, model: ScriptedModel) -> None:
        model.script(Reply(text="[1]"))
        pair = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}]}
        answer = await ask(client, user("Hello."), response_format=json_schema(pair))
        assert answer.status_code == 200, answer.text

    @pytest.mark.parametrize("reply", [CONTEXT_FULL, REFUSAL, fault(400, "invalid_value")])
    async def test_is_what_the_model_does_not_take(
        self, client: httpx.AsyncClient, model: ScriptedModel, read_problem: ReadProblem, reply: Reply
    ) -> None:
        model.script(reply)
        problem = read_problem(await ask(client, user("Hello.")), 400)
        assert problem["error"]["type"] == "invalid_request_error"
        assert len(model.chats) == 1


class TestJson:
    @pytest.mark.parametrize(
        "wanted", [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "answer"}}]
    )
    async def test_of_any_kind_may_be_asked_for(
        self, client: httpx.AsyncClient, model: ScriptedModel, wanted: Json
    ) -> None:
        model.script(Reply(text='{"city": "Bern"}'))
        answer = await ask(client, user("Where?"), response_format=wanted)
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"] == '{"city": "Bern"}'
        [asked] = model.chats
        assert asked["response_format"] == {"type": "json_object"}
        assert "JSON object" in asked["messages"][0]["content"]
