"""Conversations over HTTP, with a scripted model behind the server."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tahoe_engine.runtime.testing.replies import Reply, ScriptedCall
from tahoe_engine.runtime.testing.scripted_model import ScriptedModel

type Json = dict[str, Any]


@pytest.fixture
def client(client_of_ada: httpx.AsyncClient) -> httpx.AsyncClient:
    return client_of_ada


async def begin(client: httpx.AsyncClient, agent: str = "ada") -> str:
    made = await client.post("/v1/conversations", json={"agent": agent})
    assert made.status_code == 201, made.text
    return f"/v1/conversations/{made.json()['id']}"


async def read_events(response: httpx.Response) -> list[tuple[str, str | None, Json]]:
    events, kind, event_id = [], "", None
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind, event_id = value, None
        elif name == "id":
            event_id = value
        elif name == "data":
            events.append((kind, event_id, json.loads(value)))
    return events


class TestSaying:
    async def test_gives_the_answer_once_it_is_whole(self, client: httpx.AsyncClient, model: ScriptedModel) -> None:
        model.script(Reply(text="In Bern."))
        path = await begin(client)
        said = (await client.post(f"{path}/messages", json={"content": "Where is my parcel?"})).json()
        assert said["turn"]["status"] == "complete"
        assert [(message["role"], message["content"]) for message in said["messages"]] == [
            ("user", "Where is my parcel?"),
            ("assistant", "In Bern."),
        ]
        assert (await client.get(path)).json()["message_count"] == 2

    async def test_streams_the_answer_as_it_is_written(self, client: httpx.AsyncClient, model: ScriptedModel) -> None:
        model.script(Reply(text="One two three four.", piece=4, between_s=0.02))
        path = await begin(client)
        async with client.stream("POST", f"{path}/messages?stream=true", json={"content": "Count."}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            events = await read_events(response)
        texts = [data["text"] for kind, _id, data in events if kind == "text"]
        assert "".join(texts) == "One two three four."
        assert len(texts) > 1
        assert events[-1][0] == "end"
        assert events[-1][2]["status"] == "complete"

    async def test_that_is_left_is_followed_from_the_last_event(
        self, client: httpx.AsyncClient, model: ScriptedModel
    ) -> None:
        model.script(Reply(text="One two three four five six.", piece=4, between_s=0.05))
        path = await begin(client)
        heard, last, turn = "", "", ""
        async with client.stream("POST", f"{path}/messages?stream=true", json={"content": "Count."}) as response:
            turn = response.headers["location"]
            async for line in response.aiter_lines():
                if line.startswith("id: "):
                    last = line.removeprefix("id: ")
                elif line.startswith("data: ") and '"text"' in line:
                    heard += json.loads(line.removeprefix("data: "))["text"]
                    if len(heard) > 6:
                        break
        async with client.stream("GET", f"{turn}/events", headers={"Last-Event-ID": last}) as response:
            events = await read_events(response)
        heard += "".join(data["text"] for kind, _id, data in events if kind == "text")
        assert heard == "One two three four five six."

    async def test_waits_for_nobody_else(self, client: httpx.AsyncClient, model: ScriptedModel) -> None:
        model.script(Reply(text="Slowly.", between_s=0.1), Reply(text="Again."))
        path = await begin(client)
        async with client.stream("POST", f"{path}/messages?stream=true", json={"content": "One."}) as response:
            second = await client.post(f"{path}/messages", json={"content": "Two."})
            assert second.status_code == 409
            await read_events(response)

    async def test_to_a_paused_agent_is_refused(self, client: httpx.AsyncClient) -> None:
        path = await begin(client)
        await client.post("/v1/agents/ada/pause")
        refused = await client.post(f"{path}/messages", json={"content": "Hello?"})
        assert refused.status_code == 409
        assert "paused" in refused.json()["detail"]

    async def test_to_a_conversation_of_another_team_finds_none(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient
    ) -> None:
        path = await begin(client)
        assert (await other_client.post(f"{path}/messages", json={"content": "Hello?"})).status_code == 404
        assert (await other_client.get(path)).status_code == 404


class TestCancelling:
    async def test_tells_what_the_answer_took_until_then(self, client: httpx.AsyncClient, model: ScriptedModel) -> None:
        model.script(Reply(text="One two three four. " * 50, piece=4, between_s=0.05))
        path = await begin(client)
        async with client.stream("POST", f"{path}/messages?stream=true", json={"content": "Count."}) as response:
            turn = response.headers["location"]
            async for line in response.aiter_lines():
                if line == "event: text":
                    break
        cancelled = (await client.post(f"{turn}/cancel")).json()
        assert cancelled["status"] == "cancelled"
        [call] = (await client.get(f"{path}/model-calls")).json()["items"]
        assert (call["purpose"], call["error"]) == ("answer", "RunCancelledError")
        assert call["usage"]["input_tokens"] == cancelled["usage"]["input_tokens"] > 10
        assert call["usage"]["output_tokens"] == cancelled["usage"]["output_tokens"] > 0


class TestApproval:
    async def test_is_asked_for_and_the_answer_goes_on(self, client: httpx.AsyncClient, model: ScriptedModel) -> None:
        boundaries = {"allowed_domains": ["example.com"], "autonomy": "ask"}
        await client.post("/v1/agents", json={"name": "Ben", "status": "active", "boundaries": boundaries})
        call = ScriptedCall("http_post", '{"url": "https://example.com/x", "body": "hi"}', id="c1")
        model.script(Reply(calls=(call,)), Reply(text="Then I will not."))
        path = await begin(client, "ben")
        said = (await client.post(f"{path}/messages", json={"content": "Send it."})).json()
        assert said["turn"]["status"] == "waiting"
        assert [one["tool_name"] for one in said["turn"]["pending"]] == ["http_post"]
        turn = f"/v1/turns/{said['turn']['id']}"
        wrong = await client.post(f"{turn}/decisions", json={"decisions": [{"call_id": "other", "is_approved": True}]})
        assert wrong.status_code == 409
        decided = await client.post(
            f"{turn}/decisions", json={"decisions": [{"call_id": "c1", "is_approved": False, "note": "Not now."}]}
        )
        assert decided.status_code == 200, decided.text
        async with client.stream("GET", f"{turn}/events") as response:
            events = await read_events(response)
        assert events[-1][2]["status"] == "complete"
        roles = [message["role"] for message in (await client.get(turn)).json()["messages"]]
        assert roles == ["user", "assistant", "tool", "assistant"]


class TestAfterwards:
    async def test_the_trace_tells_calls_tokens_and_memories(
        self, client: httpx.AsyncClient, model: ScriptedModel
    ) -> None:
        known = (await client.post("/v1/memories", json={"content": "Parcels to Bern take three days."})).json()
        model.script(Reply(text="Three days.", usage=(40, 8, 3)))
        path = await begin(client)
        await client.post(f"{path}/messages", json={"content": "How long does a parcel to Bern take?"})
        [turn] = (await client.get(f"{path}/trace")).json()["items"]
        assert [used["memory_id"] for used in turn["memories"]] == [known["memory"]["id"]]
        assert turn["messages"][1]["usage"]["cached_tokens"] == 8
        assert turn["turn"]["memory_tokens"] > 0
        answer = (await client.get(f"/v1/answers/{turn['turn']['id']}/memories")).json()
        assert len(answer["memories"]) == 1

    async def test_the_trace_tells_which_version_answered(
        self, client: httpx.AsyncClient, model: ScriptedModel
    ) -> None:
        model.script(Reply(text="In Bern."), Reply(text="In Bern!"))
        path = await begin(client)
        first = (await client.post(f"{path}/messages", json={"content": "Where is it?"})).json()["turn"]
        await client.put("/v1/agents/ada", json={"name": "Ada", "role": "Shouts"})
        await client.post(f"{path}/messages", json={"content": "Where?"})
        turns = [one["turn"] for one in (await client.get(f"{path}/trace")).json()["items"]]
        assert [turn["agent_version"] for turn in turns] == [2, 1]
        assert first["agent_version"] == 1
        then = (await client.get(f"/v1/agents/{first['agent_id']}/versions/{first['agent_version']}")).json()
        assert then["dna"]["role"] == ""

    async def test_feedback_is_kept_with_the_message(self, client: httpx.AsyncClient, model: ScriptedModel) -> None:
        model.script(Reply(text="In Bern."))
        path = await begin(client)
        said = (await client.post(f"{path}/messages", json={"content": "Where?"})).json()
        message = said["messages"][-1]["id"]
        given = await client.post(f"{path}/messages/{message}/feedback", json={"rating": "up", "comment": "Right."})
        assert given.json()["feedback"]["rating"] == "up"
        elsewhere = await client.post(f"{path}/messages/{uuid4()}/feedback", json={"rating": "up"})
        assert elsewhere.status_code == 404

    async def test_a_closed_conversation_takes_no_more(self, client: httpx.AsyncClient) -> None:
        path = await begin(client)
        closed = await client.patch(path, json={"title": "Done", "status": "closed"})
        assert (closed.json()["title"], closed.json()["status"]) == ("Done", "closed")
        assert (await client.post(f"{path}/messages", json={"content": "Hello?"})).status_code == 409
        assert (await client.patch(path, json={"status": "active"})).status_code == 409
