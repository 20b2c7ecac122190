"""What OpenAI's clients are told of requests that cannot be answered: nothing that they would ask again by themselves."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import httpx
import pytest

from tahoe_engine.runtime.testing.replies import Reply
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel

type Json = dict[str, Any]
type ReadProblem = Callable[[httpx.Response, int], Json]


class OpenClient(Protocol):
    """As in conftest.py."""

    def __call__(self, team: object, **environment: str) -> AbstractAsyncContextManager[httpx.AsyncClient]: ...


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as server:
        yield server


@pytest.fixture
async def client(open_client: OpenClient, team: object, model: ScriptedModel) -> AsyncIterator[httpx.AsyncClient]:
    async with open_client(team, LLM_MODEL="small", LLM_BASE_URL=model.base_url) as client:
        made = await client.post("/v1/agents", json={"name": "Ada", "status": "active"})
        assert made.status_code == 201
        yield client


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
