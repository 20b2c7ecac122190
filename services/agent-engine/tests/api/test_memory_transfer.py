"""Memories that leave as lines and come in again."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.session import team_session
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.db.repositories.conversation import ConversationRepository

type Json = dict[str, Any]
type ReadProblem = Callable[[httpx.Response, int], Json]

PATH = "/v1/memories"
LINES = {"Content-Type": "application/x-ndjson"}
ELSEWHERE = {
    "id",
    "root_id",
    "superseded_by",
    "contradicts",
    "related_to",
    "agent_id",
    "source_conversation_id",
    "created_at",
    "updated_at",
}
"""What means something only where it is; the rest comes along."""


async def add(client: httpx.AsyncClient, content: str, **fields: Any) -> Json:  # noqa: ANN401 - fields of MemoryCreate
    response = await client.post(PATH, json={"content": content, **fields})
    assert response.status_code in (200, 201), response.text
    memory: Json = response.json()["memory"]
    return memory


async def export(client: httpx.AsyncClient) -> bytes:
    response = await client.get(f"{PATH}/export")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return response.content


async def bring_in(client: httpx.AsyncClient, lines: bytes, **query: str) -> Json:
    response = await client.post(f"{PATH}/import", content=lines, headers=LINES, params=query)
    assert response.status_code == 200, response.text
    imported: Json = response.json()
    return imported


def read(lines: bytes) -> list[Json]:
    return [json.loads(line) for line in lines.splitlines()]


def strip(memories: list[Json]) -> list[Json]:
    """What must be the same on both sides, in one order."""
    kept = [{name: value for name, value in memory.items() if name not in ELSEWHERE} for memory in memories]
    return sorted(kept, key=lambda memory: json.dumps(memory, sort_keys=True))


@pytest.fixture
async def conversation(engine: AsyncEngine, team_id: UUID) -> str:
    async with team_session(get_session_factory(engine), team_id) as session:
        return str((await ConversationRepository(session).add(ConversationORM())).id)


@pytest.fixture
async def filled(client: httpx.AsyncClient, conversation: str) -> httpx.AsyncClient:
    """A team with memories in every state."""
    tea = await add(client, "Ann prefers tea.", subject="ann.drink", tags=["hot", "drink"], importance=8)
    await client.post(f"{PATH}/{tea['id']}/supersede", json={"content": "Ann prefers green tea."})
    coffee = await add(client, "Ann prefers coffee.", subject="ann.drink", metadata={"said": ["twice"]})
    await client.post(f"{PATH}/{coffee['id']}/pin")
    await add(client, "Ben lives in Bern.", subject="ben.home")
    await add(client, "Ben lives in Basel.", subject="ben.home", source="extraction")
    for position, content in enumerate(("Which room?", "The one to the garden.")):
        await add(client, content, source_conversation_id=conversation, position=position, memory_type="episodic")
    gone = await add(client, "Cleo has the code 4711.")
    await client.post(f"{PATH}/{gone['id']}/erase", json={"reason": "request 17"})
    await add(client, "Dora sleeps late.", user_id=str(uuid4()), expires_at="2999-01-01T00:00:00Z")
    return client


class TestAnExport:
    async def test_has_every_version_newest_first(self, filled: httpx.AsyncClient) -> None:
        exported = read(await export(filled))
        listed = (await filled.get(PATH, params={"limit": 200})).json()["items"]
        assert exported == listed
        assert len(exported) == 9

    async def test_is_the_same_each_time(self, filled: httpx.AsyncClient) -> None:
        assert await export(filled) == await export(filled)

    async def test_goes_beyond_a_page(self, client: httpx.AsyncClient) -> None:
        sent = [{"content": f"Guest {number} has room {number}."} for number in range(450)]
        assert (await client.post(f"{PATH}/bulk", json={"memories": sent})).status_code == 200
        exported = [memory["content"] for memory in read(await export(client))]
        assert exported == [memory["content"] for memory in reversed(sent)]

    async def test_without_a_database_is_a_problem_and_no_empty_file(
        self, open_client: Callable[..., Any], team: object, nowhere: object, read_problem: ReadProblem
    ) -> None:
        async with open_client(team, address=nowhere) as client:
            read_problem(await client.get(f"{PATH}/export"), 503)


class TestAnImport:
    async def test_brings_what_was_exported(self, filled: httpx.AsyncClient, other_client: httpx.AsyncClient) -> None:
        lines = await export(filled)
        imported = await bring_in(other_client, lines)
        assert imported == {"added": 8, "known": 0, "outdated": 0, "erased": 1, "unembedded": 0}
        ours = [memory for memory in read(lines) if memory["erased_at"] is None]
        theirs = read(await export(other_client))
        assert [memory["content"] for memory in theirs] == [memory["content"] for memory in ours]
        for memory in ours:  # versions of the past are embedded by the upkeep, should a search of then ask for them
            if memory["status"] == "superseded":
                memory |= {"is_embedded": False, "embedding_model": None}
        assert strip(theirs) == strip(ours)
        assert {memory["id"] for memory in theirs}.isdisjoint({memory["id"] for memory in ours})

    async def test_keeps_what_memories_say_of_each_other(
        self, filled: httpx.AsyncClient, other_client: httpx.AsyncClient
    ) -> None:
        await bring_in(other_client, await export(filled))
        memories = {memory["content"]: memory for memory in read(await export(other_client))}
        first, second, third = (memories[f"Ann prefers {drink}."] for drink in ("tea", "green tea", "coffee"))
        assert first["root_id"] == second["root_id"] == third["root_id"] == first["id"]
        assert [one["version"] for one in (first, second, third)] == [1, 2, 3]
        assert (first["superseded_by"], second["superseded_by"]) == (second["id"], third["id"])
        one, other = (memories[f"Ben lives in {town}."] for town in ("Bern", "Basel"))
        assert (one["contradicts"], other["contradicts"]) == ([other["id"]], [one["id"]])
        asked, said = memories["Which room?"], memories["The one to the garden."]
        assert asked["source_conversation_id"] == said["source_conversation_id"] is not None
        found = await other_client.post(f"{PATH}/search", json={"query": "What does Ann drink?", "limit": 1})
        assert found.json()["results"][0]["memory"]["content"] == "Ann prefers coffee."

    async def test_twice_adds_nothing_twice(self, filled: httpx.AsyncClient, other_client: httpx.AsyncClient) -> None:
        lines = await export(filled)
        await bring_in(other_client, lines)
        before = await export(other_client)
        again = await bring_in(other_client, lines + lines)
        assert again == {"added": 0, "known": 16, "outdated": 0, "erased": 2, "unembedded": 0}
        assert await export(other_client) == before

    @pytest.mark.parametrize("step", [1, -1], ids=["newest first", "oldest first"])
    async def test_in_parts_is_the_same(
        self, filled: httpx.AsyncClient, other_client: httpx.AsyncClient, step: int
    ) -> None:
        lines = (await export(filled)).splitlines()
        for part in (lines[:3], lines[3:6], lines[6:])[::step]:
            await bring_in(other_client, b"\n".join(part))
        theirs = {memory["content"]: memory for memory in read(await export(other_client))}
        ours = {memory["content"]: memory for memory in map(json.loads, lines) if memory["erased_at"] is None}
        assert theirs.keys() == ours.keys()
        for content, memory in ours.items():
            assert (theirs[content]["status"], theirs[content]["version"]) == (memory["status"], memory["version"])
        newest = theirs["Ann prefers coffee."]
        history = (await other_client.get(f"{PATH}/{newest['id']}/history")).json()["versions"]
        assert [version["superseded_by"] for version in history] == [history[1]["id"], newest["id"], None]
        assert theirs["Ben lives in Bern."]["contradicts"] == [theirs["Ben lives in Basel."]["id"]]

    async def test_where_it_came_from_adds_nothing(self, filled: httpx.AsyncClient) -> None:
        lines = await export(filled)
        assert (await bring_in(filled, lines))["added"] == 0
        assert await export(filled) == lines

    async def test_that_went_there_and_back_adds_nothing(
        self, filled: httpx.AsyncClient, other_client: httpx.AsyncClient
    ) -> None:
        lines = b"".join(line + b"\n" for line in (await export(filled)).splitlines() if b'"position":null' in line)
        await bring_in(other_client, lines)
        before = await export(filled)
        assert (await bring_in(filled, await export(other_client)))["added"] == 0
        assert await export(filled) == before

    async def test_says_in_the_log_that_it_was_one(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient
    ) -> None:
        await add(client, "Ann prefers tea.")
        await bring_in(other_client, await export(client))
        [memory] = read(await export(other_client))
        [event] = (await other_client.get(f"{PATH}/{memory['id']}/history")).json()["events"]
        assert (event["event"], event["reason"], event["actor"]) == ("created", "imported", "service-token")

    async def test_of_what_is_said_here_already_leaves_it_as_it_is(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient
    ) -> None:
        await add(client, "Ann prefers tea.", importance=9)
        here = await add(other_client, "Ann prefers tea.")
        assert (await bring_in(other_client, await export(client)))["known"] == 1
        assert read(await export(other_client)) == [here]

    async def test_of_what_came_later_supersedes(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient
    ) -> None:
        tea = await add(client, "Ann prefers tea.")
        await bring_in(other_client, await export(client))
        await client.post(f"{PATH}/{tea['id']}/supersede", json={"content": "Ann prefers green tea."})
        imported = await bring_in(other_client, await export(client))
        assert (imported["added"], imported["known"]) == (1, 1)
        new, old = read(await export(other_client))
        assert (new["version"], new["status"]) == (2, "active")
        assert (old["status"], old["superseded_by"]) == ("superseded", new["id"])

    async def test_of_what_was_changed_here_since_is_outdated(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient
    ) -> None:
        tea = await add(client, "Ann prefers tea.")
        await bring_in(other_client, await export(client))
        [here] = read(await export(other_client))
        await other_client.post(f"{PATH}/{here['id']}/supersede", json={"content": "Ann prefers milk."})
        await client.post(f"{PATH}/{tea['id']}/supersede", json={"content": "Ann prefers green tea."})
        before = await export(other_client)
        imported = await bring_in(other_client, await export(client))
        assert (imported["added"], imported["outdated"]) == (0, 1)
        assert await export(other_client) == before

    async def test_never_brings_back_what_was_erased(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient
    ) -> None:
        tea = await add(client, "Ann prefers tea.")
        first = await export(client)
        await client.post(f"{PATH}/{tea['id']}/supersede", json={"content": "Ann prefers green tea."})
        both = await export(client)
        for asked in (client, other_client):
            await bring_in(asked, first)
            here = read(await export(asked))[-1]
            await asked.post(f"{PATH}/{here['id']}/erase", json={"reason": "request 17"})
            assert (await bring_in(asked, both)) == {
                "added": 0,
                "known": 0,
                "outdated": 0,
                "erased": 2,
                "unembedded": 0,
            }
            assert b"tea" not in await export(asked)

    async def test_of_another_agents_memories_asks_whose_they_become(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        ada = (await client.post("/v1/agents", json={"name": "Ada"})).json()["id"]
        await add(client, "Breakfast ends at ten.")
        await add(client, "I am Ada.", memory_type="identity", agent_id=ada)
        lines = await export(client)
        problem = read_problem(await other_client.post(f"{PATH}/import", content=lines, headers=LINES), 404)
        assert "line 1" in problem["detail"]
        assert await export(other_client) == b""
        eve = (await other_client.post("/v1/agents", json={"name": "Eve"})).json()["id"]
        for nobodys in (ada, str(uuid4())):
            response = await other_client.post(
                f"{PATH}/import", content=lines, headers=LINES, params={"agent_id": nobodys}
            )
            read_problem(response, 404)
        assert (await bring_in(other_client, lines, agent_id=eve))["added"] == 2
        assert read(await export(other_client))[0]["agent_id"] == eve
        assert (await bring_in(other_client, lines, agent_id=eve))["known"] == 2


class TestALineThatIsBroken:
    @pytest.fixture
    async def lines(self, client: httpx.AsyncClient) -> list[Json]:
        for number in range(3):
            await add(client, f"Guest {number} has room {number}.")
        return read(await export(client))

    @pytest.mark.parametrize(
        ("broken", "says"),
        [
            ("{", "EOF"),
            ("[]", "object"),
            ("null", "object"),
            ('{"content": "secret"}', "id: Field required"),
            ({"content": " "}, "content"),
            ({"content": "secret\0"}, "null byte"),
            ({"importance": "secret"}, "importance"),
            ({"importance": 99}, "importance"),
            ({"version": 0}, "version"),
            ({"version": 2**31}, "version"),
            ({"status": "secret"}, "status"),
            ({"memory_type": "identity"}, "agent_id"),
            ({"position": 7}, "source_conversation_id"),
            ({"tags": ["\n"]}, "pattern"),
            ({"metadata": {"a": "x" * 70_000}}, "metadata"),
            ({"mood": "secret"}, "mood"),
            ("[" * 100_000, "recursion"),
        ],
    )
    async def test_is_named_and_nothing_is_imported(
        self,
        other_client: httpx.AsyncClient,
        read_problem: ReadProblem,
        lines: list[Json],
        broken: str | Json,
        says: str,
    ) -> None:
        text = broken if isinstance(broken, str) else json.dumps(lines[1] | broken)
        body = "\n".join([json.dumps(lines[0]), "", text, json.dumps(lines[2])]).encode()
        response = await other_client.post(f"{PATH}/import", content=body, headers=LINES)
        problem = read_problem(response, 409)
        assert problem["detail"].startswith("Line 3 is no memory")
        assert says in problem["detail"]
        assert "secret" not in response.text
        assert await export(other_client) == b""

    async def test_in_another_encoding_is_named(
        self, other_client: httpx.AsyncClient, read_problem: ReadProblem, lines: list[Json]
    ) -> None:
        body = json.dumps(lines[0]).encode() + b"\n\xff\xfe{}"
        response = await other_client.post(f"{PATH}/import", content=body, headers=LINES)
        assert "Line 2" in read_problem(response, 409)["detail"]


class TestABodyThatIsNone:
    async def test_is_refused(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        read_problem(await client.post(f"{PATH}/import", headers=LINES), 422)
        for media_type in ("application/json", "text/plain"):
            response = await client.post(f"{PATH}/import", content=b"{}", headers={"Content-Type": media_type})
            assert "application/x-ndjson" in read_problem(response, 415)["detail"]

    async def test_may_be_empty_but_for_line_ends(self, client: httpx.AsyncClient) -> None:
        assert set((await bring_in(client, b"\xef\xbb\xbf\n\r\n\n")).values()) == {0}
