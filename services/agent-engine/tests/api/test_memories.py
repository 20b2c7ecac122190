"""Memory over HTTP: one memory and what becomes of it. Exports and imports: test_memory_transfer.py."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.session import team_session
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.memory_use import MemoryUseRepository
from tahoe_engine.models.memory_models import UsedMemory

type Json = dict[str, Any]
type ReadProblem = Callable[[httpx.Response, int], Json]
type ReadAll = Callable[..., Awaitable[list[list[Json]]]]

PATH = "/v1/memories"
NOWHERE = "00000000-0000-0000-0000-000000000000"


async def add(client: httpx.AsyncClient, content: str, **fields: Any) -> Json:  # noqa: ANN401 - fields of MemoryCreate
    response = await client.post(PATH, json={"content": content, **fields})
    assert response.status_code in (200, 201), response.text
    memory: Json = response.json()["memory"]
    return memory


async def search(client: httpx.AsyncClient, query: str, **fields: Any) -> list[str]:  # noqa: ANN401 - as above
    response = await client.post(f"{PATH}/search", json={"query": query, **fields})
    assert response.status_code == 200, response.text
    return [result["memory"]["content"] for result in response.json()["results"]]


async def create_agent(client: httpx.AsyncClient, name: str = "Ada") -> str:
    agent_id: str = (await client.post("/v1/agents", json={"name": name})).json()["id"]
    return agent_id


@pytest.fixture
def make_conversation(engine: AsyncEngine, team_id: UUID) -> Callable[[], Awaitable[str]]:
    async def make() -> str:
        async with team_session(get_session_factory(engine), team_id) as session:
            return str((await ConversationRepository(session).add(ConversationORM())).id)

    return make


class TestAMemory:
    async def test_is_given_back_as_it_was_sent(self, client: httpx.AsyncClient) -> None:
        sent = {
            "content": "Ann prefers tea. 👋🏽",
            "memory_type": "user_profile",
            "user_id": str(uuid4()),
            "subject": "ann.drink",
            "author": "Ann",
            "occurred_at": "2026-11-03T10:02:00-05:00",
            "importance": 8,
            "confidence": 0.5,
            "is_pinned": True,
            "source": "feedback",
            "related_to": [NOWHERE],
            "tags": ["tea", "a b"],
            "metadata": {"number": 12345678901234567890, "nested": [{"é": None}]},
            "expires_at": "2999-01-01T00:00:00Z",
        }
        response = await client.post(PATH, json=sent)
        assert response.status_code == 201, response.text
        assert response.json()["outcome"] == "created"
        memory = (await client.get(response.headers["location"])).json()
        assert memory == response.json()["memory"]
        for name in sent.keys() - {"occurred_at", "tags"}:
            assert memory[name] == sent[name], name
        assert memory["occurred_at"] == "2026-11-03T15:02:00Z"
        assert memory["tags"] == ["a b", "tea"]
        assert memory["is_embedded"] is True
        assert (memory["version"], memory["status"], memory["root_id"]) == (1, "active", memory["id"])

    async def test_that_is_said_again_becomes_a_new_version(self, client: httpx.AsyncClient) -> None:
        first = await add(client, "Ann prefers tea.")
        response = await client.post(PATH, json={"content": "Ann prefers tea.", "tags": ["tea"]})
        assert (response.status_code, response.json()["outcome"]) == (201, "merged")
        second = response.json()["memory"]
        assert response.json()["others"] == [first["id"]]
        assert (second["root_id"], second["version"], second["tags"]) == (first["id"], 2, ["tea"])
        assert response.headers["location"] == f"{PATH}/{second['id']}"
        assert (await client.get(f"{PATH}/{first['id']}")).json()["superseded_by"] == second["id"]

    async def test_that_comes_again_at_its_place_is_known(
        self, client: httpx.AsyncClient, make_conversation: Callable[[], Awaitable[str]]
    ) -> None:
        said = {"content": "Hello.", "source_conversation_id": await make_conversation(), "position": 0}
        first = await client.post(PATH, json=said)
        again = await client.post(PATH, json=said)
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json()["outcome"] == "known"
        assert again.headers["location"] == first.headers["location"]

    async def test_of_the_same_subject_supersedes_or_disputes(self, client: httpx.AsyncClient) -> None:
        tea = await add(client, "Ann prefers tea.", subject="ann.drink")
        response = await client.post(PATH, json={"content": "Ann likes coffee best.", "subject": "ann.drink"})
        assert response.json()["outcome"] == "superseded"
        assert response.json()["others"] == [tea["id"]]
        heard = {"content": "Ann drinks nothing but water.", "subject": "ann.drink", "source": "extraction"}
        disputed = (await client.post(PATH, json=heard)).json()
        assert (disputed["outcome"], disputed["memory"]["status"]) == ("disputed", "disputed")

    async def test_says_who_wrote_it(self, client: httpx.AsyncClient) -> None:
        memory = await add(client, "Ann prefers tea.")
        [event] = (await client.get(f"{PATH}/{memory['id']}/history")).json()["events"]
        assert (event["event"], event["actor"]) == ("created", "service-token")

    async def test_is_kept_by_no_cache(self, client: httpx.AsyncClient) -> None:
        memory = await add(client, "Ann prefers tea.")
        for response in (
            await client.get(f"{PATH}/{memory['id']}"),
            await client.get(PATH),
            await client.get(f"{PATH}/export"),
            await client.post(f"{PATH}/search", json={"query": "tea"}),
        ):
            assert response.headers["cache-control"] == "no-store"

    async def test_sent_twice_under_one_key_is_added_once(
        self, client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        key = {"Idempotency-Key": "once"}
        first = await client.post(PATH, json={"content": "Ann prefers tea."}, headers=key)
        again = await client.post(PATH, json={"content": "Ann prefers tea."}, headers=key)
        assert "This was done" in read_problem(again, 409)["detail"]
        assert again.headers["location"] == first.headers["location"]
        assert len((await client.get(PATH)).json()["items"]) == 1


class TestAMemoryThatMakesNoSense:
    @pytest.mark.parametrize(
        ("fields", "status", "field", "says"),
        [
            ({"content": ""}, 422, "content", "at least 1 character"),
            ({"content": " \n "}, 422, "content", "at least 1 character"),
            ({"content": "x" * 1_000_000}, 422, "content", "at most 32000 characters"),
            ({"content": "a\0b"}, 422, "content", "null byte"),
            ({"content": "\ud800"}, 422, "content", "surrogate"),
            ({"metadata": {"a\0": 1}}, 422, "metadata", "null byte"),
            ({"importance": 11}, 422, "importance", "10"),
            ({"importance": True}, 422, "importance", "integer"),
            ({"confidence": 1.5}, 422, "confidence", "1"),
            ({"memory_type": "dream"}, 422, "memory_type", "semantic"),
            ({"tags": ["a,b"]}, 422, "tags.0", "pattern"),
            ({"position": 2**31}, 422, "position", "2147483647"),
            ({"occurred_at": "yesterday"}, 422, "occurred_at", "datetime"),
            ({"occurred_at": "2026-11-03T10:02:00"}, 422, "occurred_at", "timezone"),
            ({"memory_type": "identity"}, 409, "body", "needs an agent_id"),
            ({"embedding": [0.5]}, 409, "body", "belong together"),
            ({"position": 1}, 409, "body", "source_conversation_id"),
            ({"embedding": [0.5, 0.5], "embedding_model": "all-MiniLM-L6-v2"}, 409, "embedding", "384"),
            ({"embedding": [0.0] * 384, "embedding_model": "all-MiniLM-L6-v2"}, 409, "embedding", "zeros"),
            ({"embedding": [1e308] * 384, "embedding_model": "all-MiniLM-L6-v2"}, 409, "embedding", ""),
            ({"agent_id": NOWHERE}, 404, "agent_id", "no agent"),
            ({"source_conversation_id": NOWHERE}, 404, "source_conversation_id", "no conversation"),
            ({"mood": "good"}, 422, "mood", "not permitted"),
        ],
    )
    async def test_is_refused_where_it_is_wrong(
        self,
        client: httpx.AsyncClient,
        read_problem: ReadProblem,
        fields: Json,
        status: int,
        field: str,
        says: str,
    ) -> None:
        sent = {"content": "Ann prefers tea."} | fields
        response = await client.post(PATH, content=json.dumps(sent), headers={"Content-Type": "application/json"})
        problem = read_problem(response, status)
        assert [error["field"] for error in problem["errors"]] == [field]
        assert says in problem["detail"]
        if "content" in fields and fields["content"].strip():
            assert fields["content"] not in response.text
        assert (await client.get(PATH)).json()["items"] == []

    async def test_is_refused_where_json_has_no_such_number(
        self, client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        for number in ("NaN", "Infinity", "1e999"):
            body = f'{{"content": "a", "embedding_model": "m", "embedding": [{number}]}}'
            response = await client.post(PATH, content=body, headers={"Content-Type": "application/json"})
            read_problem(response, 422)

    async def test_has_more_metadata_than_is_kept(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        read_problem(await client.post(PATH, json={"content": "a", "metadata": {"a": "x" * 70_000}}), 413)

    @pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
    async def test_may_still_lie_at_the_edge_of_the_calendar(self, client: httpx.AsyncClient, moment: str) -> None:
        fields = {"occurred_at": moment, "expires_at": "9999-12-31T23:59:59.999999Z"}
        memory = await add(client, "Ann prefers tea.", **fields)
        assert memory["occurred_at"][:4] == moment[:4]
        weights = {"semantic": 1, "recency": 1, "importance": 1, "continuity": 1, "relationship": 1}
        assert await search(client, "tea", weights=weights) == ["Ann prefers tea."]
        for asked in (moment, "9999-12-31T23:59:59.999999Z"):
            await search(client, "tea", as_of=asked, weights=weights)

    async def test_leaves_the_team_searchable(self, client: httpx.AsyncClient) -> None:
        await add(client, "Ann prefers tea.")
        for vector in ([1.0], [1.0, 2.0]):
            sent = {"content": f"{len(vector)} numbers", "embedding": vector, "embedding_model": "of-nobody"}
            assert (await client.post(PATH, json=sent)).status_code in (201, 409)
        assert "Ann prefers tea." in await search(client, "tea")


class TestMany:
    async def test_are_answered_in_their_order(self, client: httpx.AsyncClient) -> None:
        sent = [{"content": f"Guest {number} has room {number}."} for number in range(450)]
        sent.append(sent[0])
        response = await client.post(f"{PATH}/bulk", json={"memories": sent})
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["outcomes"] == ["created"] * 450 + ["merged"]
        for place in (0, 449):
            memory = (await client.get(f"{PATH}/{answer['ids'][place]}")).json()
            assert memory["content"] == sent[place]["content"]

    async def test_are_at_most_five_hundred(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        problem = read_problem(await client.post(f"{PATH}/bulk", json={"memories": [{"content": "a"}] * 501}), 422)
        assert "500" in problem["detail"]
        read_problem(await client.post(f"{PATH}/bulk", json={"memories": []}), 422)

    async def test_are_refused_together_with_a_wrong_one(
        self, client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        sent = [{"content": "Ann prefers tea."}, {"content": ""}]
        problem = read_problem(await client.post(f"{PATH}/bulk", json={"memories": sent}), 422)
        assert [error["field"] for error in problem["errors"]] == ["memories.1.content"]
        sent[1] = {"content": "a", "agent_id": NOWHERE}
        read_problem(await client.post(f"{PATH}/bulk", json={"memories": sent}), 404)
        assert (await client.get(PATH)).json()["items"] == []

    async def test_with_vectors_of_several_lengths_are_each_stored_whole(self, client: httpx.AsyncClient) -> None:
        await add(client, "Ann prefers tea.")
        sent: list[Json] = [
            {"content": "Ben likes jazz.", "embedding": [1.0, 2.0], "embedding_model": "two"},
            {"content": "Cleo has a dog.", "embedding": [1.0, 2.0, 3.0], "embedding_model": "three"},
            {"content": "Dora reads."},
        ]
        response = await client.post(f"{PATH}/bulk", json={"memories": sent})
        assert response.status_code in (200, 409), response.text
        assert (await search(client, "who likes jazz?"))[0] in ("Ben likes jazz.", "Ann prefers tea.")


class TestASearch:
    async def test_finds_what_matters_best_first(self, client: httpx.AsyncClient) -> None:
        for content in ("Ann prefers tea.", "The lift is out of order.", "Breakfast ends at ten."):
            await add(client, content)
        response = await client.post(f"{PATH}/search", json={"query": "What does Ann drink?", "limit": 2})
        results = response.json()["results"]
        assert [result["rank"] for result in results] == [1, 2]
        assert results[0]["memory"]["content"] == "Ann prefers tea."
        assert results[0]["score"] > results[1]["score"]

    async def test_answers_as_of_a_moment(self, client: httpx.AsyncClient) -> None:
        await add(client, "Ann prefers tea.", subject="ann.drink")
        before = datetime.now(UTC).isoformat()
        await add(client, "Ann prefers coffee.", subject="ann.drink")
        assert await search(client, "What does Ann prefer?") == ["Ann prefers coffee."]
        assert await search(client, "What does Ann prefer?", as_of=before) == ["Ann prefers tea."]
        assert await search(client, "What does Ann prefer?", as_of="2000-01-01T00:00:00Z") == []

    async def test_is_held_to_what_was_asked_for(self, client: httpx.AsyncClient) -> None:
        agent, user = await create_agent(client), str(uuid4())
        await add(client, "Ann likes tea.", tags=["drinks", "hot"])
        await add(client, "Ben likes tea.", user_id=user)
        await add(client, "I make tea.", agent_id=agent, memory_type="procedural")
        assert await search(client, "tea") == ["Ann likes tea."]
        assert set(await search(client, "tea", user_id=user)) == {"Ann likes tea.", "Ben likes tea."}
        assert set(await search(client, "tea", agent_id=agent)) == {"Ann likes tea.", "I make tea."}
        assert await search(client, "tea", agent_id=agent, types=["procedural"]) == ["I make tea."]
        assert await search(client, "tea", user_id=user, tags=["hot", "drinks"]) == ["Ann likes tea."]

    @pytest.mark.parametrize(
        ("fields", "status"),
        [
            ({"query": " "}, 422),
            ({"query": "x" * 4001}, 422),
            ({"limit": 0}, 422),
            ({"limit": 101}, 422),
            ({"types": []}, 422),
            ({"as_of": "now"}, 422),
            ({"weights": {"semantic": -1}}, 422),
        ],
    )
    async def test_that_makes_no_sense_is_refused(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, fields: Json, status: int
    ) -> None:
        read_problem(await client.post(f"{PATH}/search", json={"query": "tea"} | fields), status)


class TestAList:
    async def test_is_read_page_by_page_newest_first(self, client: httpx.AsyncClient, read_all: ReadAll) -> None:
        ids = [(await add(client, f"Guest {number} came."))["id"] for number in range(5)]
        pages = await read_all(client, PATH, limit=2)
        assert [[item["id"] for item in page] for page in pages] == [ids[4:2:-1], ids[2:0:-1], ids[:1]]

    async def test_shows_what_was_asked_for(self, client: httpx.AsyncClient) -> None:
        agent, user = await create_agent(client), str(uuid4())
        old = await add(client, "Ann prefers tea.", subject="ann.drink")
        new = await add(client, "Ann prefers coffee.", subject="ann.drink")
        mine = await add(client, "I am Ada.", memory_type="identity", agent_id=agent)
        hers = await add(client, "She is tired.", user_id=user, tags=["mood"])

        async def listed(**query: Any) -> list[str]:  # noqa: ANN401 - what the route takes
            items = (await client.get(PATH, params=query)).json()["items"]
            return [item["id"] for item in items]

        assert await listed(subject="ann.drink") == [new["id"], old["id"]]
        assert await listed(subject="ann.drink", status="active") == [new["id"]]
        assert await listed(type="identity") == [mine["id"]]
        assert await listed(agent_id=agent) == [mine["id"]]
        assert await listed(user_id=user) == [hers["id"]]
        assert await listed(tag="mood") == [hers["id"]]
        assert await listed(created_from=mine["created_at"]) == [hers["id"], mine["id"]]
        assert await listed(created_before=new["created_at"]) == [old["id"]]
        assert await listed(tag="nothing") == []

    @pytest.mark.parametrize(
        "query", ["type=dream", "status=", "agent_id=7", "tag=" + "x" * 65, "created_from=2026", "subject=a%00"]
    )
    async def test_with_a_query_that_breaks_the_schema_is_refused(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, query: str
    ) -> None:
        problem = read_problem(await client.get(f"{PATH}?{query}"), 422)
        assert [error["field"] for error in problem["errors"]] == [query.partition("=")[0]]

    async def test_is_summed_up(self, client: httpx.AsyncClient) -> None:
        await add(client, "Ann prefers tea.", subject="ann.drink")
        await add(client, "Ann prefers coffee.", subject="ann.drink")
        stats = (await client.get(f"{PATH}/stats")).json()
        assert (stats["versions"], stats["live"]) == (2, 1)
        assert stats["statuses"] == {"active": 1, "superseded": 1}
        assert stats["events"] == {"created": 2, "superseded": 1}


class TestAChange:
    async def test_is_a_new_version_and_the_old_one_stays(self, client: httpx.AsyncClient) -> None:
        old = await add(client, "Ann prefers tea.", importance=7, tags=["tea"])
        before = datetime.now(UTC).isoformat()
        asked = {"content": "Ann prefers green tea.", "reason": "she said so"}
        response = await client.post(f"{PATH}/{old['id']}/supersede", json=asked)
        assert response.status_code == 201, response.text
        new = response.json()
        assert response.headers["location"] == f"{PATH}/{new['id']}"
        assert (new["root_id"], new["version"], new["importance"], new["tags"]) == (old["id"], 2, 7, ["tea"])
        history = (await client.get(f"{PATH}/{new['id']}/history")).json()
        assert [version["content"] for version in history["versions"]] == [old["content"], new["content"]]
        reasons = {event["event"]: event["reason"] for event in history["events"]}
        assert reasons["superseded"] == "she said so"
        for version in (old, new):
            there = await client.get(f"{PATH}/{version['id']}/at", params={"moment": before})
            assert (there.json()["id"], there.json()["status"]) == (old["id"], "active")

    async def test_of_two_at_once_has_one_winner_whom_the_loser_learns(
        self, client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        old = await add(client, "Ann prefers tea.")
        answers = await asyncio.gather(
            *(
                client.post(f"{PATH}/{old['id']}/supersede", json={"content": f"Ann prefers tea number {number}."})
                for number in range(6)
            )
        )
        [winner] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
        for answer in answers:
            if answer.status_code != 201:
                assert winner in read_problem(answer, 409)["detail"]

    async def test_pins_and_unpins(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        old = await add(client, "Ann prefers tea.")
        pinned = await client.post(f"{PATH}/{old['id']}/pin", json={"reason": "always right"})
        assert pinned.json()["is_pinned"] is True
        assert (await client.post(f"{PATH}/{old['id']}/unpin")).json()["is_pinned"] is False
        events = (await client.get(f"{PATH}/{old['id']}/history")).json()["events"]
        told = [(event["event"], event["reason"]) for event in events[1:]]
        assert told == [("pinned", "always right"), ("unpinned", "asked for")]
        await client.post(f"{PATH}/{old['id']}/supersede", json={"content": "Ann prefers coffee."})
        read_problem(await client.post(f"{PATH}/{old['id']}/pin"), 409)

    async def test_gives_it_other_tags(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        memory = await add(client, "Ann prefers tea.", tags=["a", "b"])
        tagged = await client.put(f"{PATH}/{memory['id']}/tags", json={"tags": ["c", "b", "c"]})
        assert tagged.json()["tags"] == ["b", "c"]
        read_problem(await client.put(f"{PATH}/{memory['id']}/tags", json={"tags": ["\n"]}), 422)

    async def test_decides_a_dispute(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        tea = await add(client, "Ann prefers tea.", subject="ann.drink")
        water = await add(client, "Ann prefers water.", subject="ann.drink", source="extraction")
        assert water["contradicts"] == [tea["id"]]
        resolved = (await client.post(f"{PATH}/{tea['id']}/resolve", json={"reason": "asked her"})).json()
        assert (resolved["status"], resolved["contradicts"]) == ("active", [])
        assert (await client.get(f"{PATH}/{water['id']}")).json()["superseded_by"] == tea["id"]
        read_problem(await client.post(f"{PATH}/{tea['id']}/resolve"), 409)

    async def test_of_the_past_has_no_version_before_the_first(
        self, client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        memory = await add(client, "Ann prefers tea.")
        for moment in ("2000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"):
            response = await client.get(f"{PATH}/{memory['id']}/at", params={"moment": moment})
            assert "no memory" in read_problem(response, 404)["detail"]
        read_problem(await client.get(f"{PATH}/{memory['id']}/at"), 422)
        read_problem(await client.get(f"{PATH}/{memory['id']}/at?moment=then"), 422)


class TestAnErasure:
    async def test_reaches_every_version_and_leaves_the_fact(
        self, client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        old = await add(client, "Ann lives in Bern.", subject="ann.home", author="Ann", tags=["home"])
        new = await add(client, "Ann lives in Basel.", subject="ann.home", author="Ann")
        read_problem(await client.post(f"{PATH}/{new['id']}/erase"), 422)
        erased = await client.post(f"{PATH}/{new['id']}/erase", json={"reason": "request 17"})
        assert erased.status_code == 200, erased.text
        assert set(erased.json()["erased"]) == {old["id"], new["id"]}
        history = await client.get(f"{PATH}/{old['id']}/history")
        assert [version["content"] for version in history.json()["versions"]] == ["[erased]"] * 2
        assert [event["reason"] for event in history.json()["events"] if event["event"] == "erased"] == [
            "request 17"
        ] * 2
        everything = history.text + (await client.get(PATH)).text + (await client.get(f"{PATH}/export")).text
        for word in ("Bern", "Basel", "ann.home", "Ann"):
            assert word not in everything
        assert await search(client, "Where does Ann live?") == []
        assert (await client.post(f"{PATH}/{new['id']}/erase", json={"reason": "again"})).json() == {"erased": []}

    async def test_lasts(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        memory = await add(client, "Ann lives in Bern.")
        await client.post(f"{PATH}/{memory['id']}/erase", json={"reason": "request 17"})
        read_problem(await client.post(f"{PATH}/{memory['id']}/supersede", json={"content": "a"}), 409)
        read_problem(await client.post(f"{PATH}/{memory['id']}/pin"), 409)
        await client.put(f"{PATH}/{memory['id']}/tags", json={"tags": ["Bern"]})
        assert (await client.get(f"{PATH}/{memory['id']}")).json()["tags"] == []


async def test_an_answer_says_what_it_was_made_of(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient, engine: AsyncEngine, team_id: UUID
) -> None:
    memories = [await add(client, content) for content in ("Ann prefers tea.", "Ben prefers jazz.")]
    used = [
        UsedMemory(memory_id=UUID(memory["id"]), version=1, rank=rank, score=None if rank == 1 else 0.5)
        for rank, memory in enumerate(memories, start=1)
    ]
    answer = uuid4()
    async with team_session(get_session_factory(engine), team_id) as session:
        await MemoryUseRepository(session).record(answer, None, used)
    told = (await client.get(f"/v1/answers/{answer}/memories")).json()
    assert told == {"answer_id": str(answer), "memories": [one.model_dump(mode="json") for one in used]}
    assert (await other_client.get(f"/v1/answers/{answer}/memories")).json()["memories"] == []
    assert (await client.get(f"{PATH}/{memories[0]['id']}")).json()["access_count"] == 1


class TestAnotherTeam:
    async def test_learns_of_no_memory_of_ours(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        memory = await add(client, "Ann prefers tea.", subject="ann.drink", tags=["tea"])
        for action in ("", "/history", "/at?moment=2999-01-01T00:00:00Z"):
            read_problem(await other_client.get(f"{PATH}/{memory['id']}{action}"), 404)
        because = {"reason": "a"}
        for action, body in (
            ("supersede", {"content": "a"}),
            ("pin", because),
            ("unpin", because),
            ("resolve", because),
            ("erase", because),
        ):
            read_problem(await other_client.post(f"{PATH}/{memory['id']}/{action}", json=body), 404)
        read_problem(await other_client.put(f"{PATH}/{memory['id']}/tags", json={"tags": []}), 404)
        assert await search(other_client, "Ann tea") == []
        for query in ({}, {"tag": "tea"}, {"subject": "ann.drink"}):
            assert (await other_client.get(PATH, params=query)).json()["items"] == []
        assert (await other_client.get(f"{PATH}/stats")).json()["versions"] == 0
        assert (await other_client.get(f"{PATH}/export")).content == b""
        assert (await client.get(f"{PATH}/{memory['id']}")).json() == memory

    async def test_cannot_add_to_our_agents_and_conversations(
        self,
        client: httpx.AsyncClient,
        other_client: httpx.AsyncClient,
        read_problem: ReadProblem,
        make_conversation: Callable[[], Awaitable[str]],
    ) -> None:
        ours = {"agent_id": await create_agent(client), "source_conversation_id": await make_conversation()}
        for field, value in ours.items():
            theirs = read_problem(await other_client.post(PATH, json={"content": "a", field: value}), 404)
            nobodys = read_problem(await other_client.post(PATH, json={"content": "a", field: NOWHERE}), 404)
            assert theirs["detail"] == nobodys["detail"]

    async def test_may_remember_the_same(self, client: httpx.AsyncClient, other_client: httpx.AsyncClient) -> None:
        ours = await add(client, "Ann prefers tea.", subject="ann.drink")
        theirs = await add(other_client, "Ann prefers tea.", subject="ann.drink")
        assert theirs["version"] == 1
        assert theirs["id"] != ours["id"]
