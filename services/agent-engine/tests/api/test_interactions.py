import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

type Json = dict[str, Any]
type Make = Callable[..., Json]
type ReadProblem = Callable[[httpx.Response, int], Json]
type ReadAll = Callable[..., Awaitable[list[list[Json]]]]

PATH = "/v1/interactions"


class TestAnInteraction:
    async def test_is_given_back_as_it_was_sent(self, client: httpx.AsyncClient) -> None:
        sent = {
            "external_id": "chat-1",
            "type": "trajectory",
            "language": "pt-BR",
            "occurred_at": "2026-11-03T10:02:00-05:00",
            "time_zone": "America/New_York",
            "participants": [{"name": "Tom", "role": "customer", "time_zone": "America/Denver"}],
            "turns": [
                {"role": "customer", "speaker": "Tom", "text": "Olá 👋🏽", "offset_seconds": 0.5},
                {"role": "agent", "text": "Wait.", "tool_calls": [{"name": "find", "arguments": {"q": [1, None]}}]},
            ],
            "metadata": {"number": 12345678901234567890, "nested": [{"é": 0.1}]},
        }
        response = await client.post(PATH, json=sent)
        assert response.status_code == 201, response.text
        assert response.json() | {"id": None} == {"id": None, "version": 1, "created": True}
        kept = (await client.get(response.headers["location"])).json()
        assert kept["id"] == response.json()["id"]
        interaction = kept["interaction"]
        for key in ("external_id", "type", "language", "time_zone", "participants", "metadata"):
            assert interaction[key] == sent[key], key
        assert interaction["occurred_at"] == "2026-11-03T15:02:00Z"
        first, second = interaction["turns"]
        assert (first["text"], first["spoken"], first["offset_seconds"]) == ("Olá 👋🏽", 6, 0.5)
        assert second["text"] == 'Wait.\nfind({"q": [1, null]})'

    async def test_that_is_sent_as_the_api_gave_it_is_the_same(self, client: httpx.AsyncClient, chat: Make) -> None:
        made = (await client.post(PATH, json=chat("hello", "there", external_id="a"))).json()
        given = (await client.get(f"{PATH}/{made['id']}")).json()["interaction"]
        response = await client.post(PATH, json=given)
        assert response.status_code == 200, response.text
        assert response.json() == made | {"created": False}

    async def test_with_other_content_is_a_new_version_beside_the_old(
        self, client: httpx.AsyncClient, chat: Make
    ) -> None:
        one = (await client.post(PATH, json=chat("one", external_id="a"))).json()
        two = (await client.post(PATH, json=chat("two", external_id="a"))).json()
        assert (one["version"], two["version"]) == (1, 2)
        for made, text in ((one, "one"), (two, "two")):
            kept = (await client.get(f"{PATH}/{made['id']}")).json()
            assert kept["version"] == made["version"]
            assert kept["interaction"]["turns"][0]["text"] == text

    async def test_that_comes_many_times_at_once_is_one_row(self, client: httpx.AsyncClient, chat: Make) -> None:
        for fields in ({}, {"external_id": "a"}):
            same = chat("hello", **fields)
            answers = await asyncio.gather(*(client.post(PATH, json=same) for _ in range(12)))
            assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
            assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
        assert len((await client.get(PATH)).json()["items"]) == 2

    async def test_whose_contents_come_at_once_gets_a_version_for_each(
        self, client: httpx.AsyncClient, chat: Make
    ) -> None:
        answers = await asyncio.gather(
            *(client.post(PATH, json=chat(f"text {number}", external_id="a")) for number in range(8))
        )
        assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 9))


class TestAnInteractionThatMakesNoSense:
    @pytest.mark.parametrize(
        ("fields", "status", "field", "says"),
        [
            ({"turns": []}, 422, "turns", "at least 1 item"),
            ({"turns": [{"text": "who?"}]}, 409, "turns.0", "needs a speaker or a role"),
            ({"turns": [{"role": "robot"}]}, 422, "turns.0.role", "agent"),
            ({"turns": [{"role": "agent", "txt": "a"}]}, 422, "turns.0.txt", "not permitted"),
            ({"turns": [{"role": "agent", "text": 5}]}, 422, "turns.0.text", "valid string"),
            ({"turns": [{"role": "agent", "offset_seconds": "1"}]}, 422, "turns.0.offset_seconds", "valid number"),
            ({"turns": [{"role": "agent", "offset_seconds": False}]}, 422, "turns.0.offset_seconds", "valid number"),
            ({"turns": [{"role": "agent", "spoken": 0.5}]}, 422, "turns.0.spoken", "valid integer"),
            ({"metadata": {"a": {"b\0": 1}}}, 422, "metadata.a", "null byte"),
            ({"language": "\ud800"}, 422, "language", "surrogate"),
            ({"occurred_at": "yesterday"}, 409, None, "no date with a time"),
            ({"time_zone": "Mars/Olympus"}, 409, None, "Mars/Olympus"),
            ({"external_id": "x" * 501}, 409, "external_id", "500 can be kept"),
        ],
    )
    async def test_is_refused_where_it_is_wrong(
        self,
        client: httpx.AsyncClient,
        chat: Make,
        read_problem: ReadProblem,
        fields: Json,
        status: int,
        field: str | None,
        says: str,
    ) -> None:
        body = json.dumps(chat("hello", **fields))
        response = await client.post(PATH, content=body, headers={"Content-Type": "application/json"})
        problem = read_problem(response, status)
        assert [error["field"] for error in problem["errors"]] == ([field] if field else [])
        assert says in problem["detail"]
        assert (await client.get(PATH)).json()["items"] == []

    async def test_an_integer_may_be_written_as_json_allows(self, client: httpx.AsyncClient) -> None:
        body = b'{"turns": [{"role": "agent", "text": "hello", "spoken": 5.0, "offset_seconds": 1}]}'
        response = await client.post(PATH, content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == 201, response.text


class TestAList:
    @pytest.fixture
    async def ids(self, client: httpx.AsyncClient, chat: Make) -> list[str]:
        """Seven interactions, oldest first."""
        sent = [chat(f"number {number}", type="call" if number % 2 else "email") for number in range(5)]
        sent += [chat("a", external_id="ä/1"), chat("b", external_id="ä/1")]
        return [(await client.post(PATH, json=one)).json()["id"] for one in sent]

    async def test_is_read_page_by_page_newest_first(
        self, client: httpx.AsyncClient, ids: list[str], read_all: ReadAll
    ) -> None:
        pages = await read_all(client, PATH, limit=3)
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [item["id"] for page in pages for item in page] == ids[::-1]

    async def test_shows_what_was_asked_for(self, client: httpx.AsyncClient, ids: list[str]) -> None:
        calls = (await client.get(PATH, params={"type": "call"})).json()["items"]
        assert [item["id"] for item in calls] == [ids[3], ids[1]]
        versions = (await client.get(PATH, params={"external_id": "ä/1"})).json()["items"]
        assert [(item["id"], item["version"]) for item in versions] == [(ids[6], 2), (ids[5], 1)]
        moment = versions[0]["created_at"]
        assert (await client.get(PATH, params={"created_from": moment})).json()["items"] == versions[:1]
        assert len((await client.get(PATH, params={"created_before": moment})).json()["items"]) == 6

    async def test_holds_no_turns(self, client: httpx.AsyncClient, ids: list[str]) -> None:
        assert "turns" not in str((await client.get(PATH)).json())
