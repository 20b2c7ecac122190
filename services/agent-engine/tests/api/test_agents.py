import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

type Json = dict[str, Any]
type ReadProblem = Callable[[httpx.Response, int], Json]
type ReadAll = Callable[..., Awaitable[list[list[Json]]]]

PATH = "/v1/agents"
WEIGHTS = ("semantic", "recency", "importance", "continuity", "relationship")


async def create(client: httpx.AsyncClient, name: str = "Ada", **fields: Any) -> Json:  # noqa: ANN401
    response = await client.post(PATH, json={"name": name, **fields})
    assert response.status_code == 201, response.text
    made: Json = response.json()
    return made


class TestANewAgent:
    async def test_is_found_by_its_slug_and_by_its_id(self, client: httpx.AsyncClient) -> None:
        response = await client.post(PATH, json={"name": "Ada Lovelace", "role": "Counts", "status": "active"})
        assert response.status_code == 201, response.text
        made = response.json()
        assert response.headers["location"] == "/v1/agents/ada-lovelace"
        assert (made["version"], made["dna"]["slug"], made["dna"]["status"]) == (1, "ada-lovelace", "active")
        for name in ("ada-lovelace", made["id"]):
            assert (await client.get(f"{PATH}/{name}")).json() == made

    async def test_keeps_every_part_of_its_dna(self, client: httpx.AsyncClient) -> None:
        sent: Json = {
            "personality": {"traits": ["brief"], "tone": "dry", "language": "de-CH", "instructions": "Say it once."},
            "voice_examples": [{"heard": "Hello?", "said": "Yes.", "note": "brief"}],
            "shared_skills": ["sums"],
            "model": {"temperature": 0.5, "fallbacks": [{"provider": "local", "model": "m"}]},
            "memory": {"reads": ["semantic"], "shares": {"identity": 0.5}, "retention_days": 30},
            "boundaries": {"allowed_domains": ["*.Example.com"], "max_spend_usd": 0.25},
            "retrieval_weights": {"semantic": 3},
        }
        dna = (await create(client, **sent))["dna"]
        assert dna["personality"] == sent["personality"]
        assert dna["model"]["fallbacks"] == [{"provider": "local", "model": "m"}]
        assert (dna["memory"]["reads"], dna["memory"]["shares"]["identity"]) == (["semantic"], 0.5)
        assert dna["boundaries"]["allowed_domains"] == ["*.example.com"]
        assert float(dna["boundaries"]["max_spend_usd"]) == 0.25
        again = await client.put(f"{PATH}/ada", json=dna)
        assert again.json()["version"] == 1, "what the API gave says the same"

    async def test_needs_a_slug_of_its_own(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        await create(client, "Ada")
        problem = read_problem(await client.post(PATH, json={"name": "ada"}), 409)
        assert [error["field"] for error in problem["errors"]] == ["slug"]

    async def test_is_one_of_many_that_come_at_once(self, client: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(client.post(PATH, json={"name": "Ada"}) for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5

    @pytest.mark.parametrize(
        ("fields", "status", "field"),
        [
            ({"name": " "}, 422, "name"),
            ({"name": "a\0"}, 422, "name"),
            ({"name": "\u05d0"}, 409, "body"),
            ({"slug": "A B"}, 422, "slug"),
            ({"status": "asleep"}, 422, "status"),
            ({"boundaries": {"max_turns": 0}}, 422, "boundaries.max_turns"),
            ({"memory": {"shares": {"identity": 1, "pinned": 1}}}, 409, "memory.shares"),
            ({"retrieval_weights": dict.fromkeys(WEIGHTS, 0)}, 409, "retrieval_weights"),
            ({"mood": "good"}, 422, "mood"),
        ],
    )
    async def test_is_refused_where_its_dna_is_wrong(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, fields: Json, status: int, field: str
    ) -> None:
        problem = read_problem(await client.post(PATH, json={"name": "Ada", **fields}), status)
        assert [error["field"] for error in problem["errors"]] == [field]
        assert (await client.get(PATH)).json()["items"] == []


class TestAChange:
    async def test_of_the_dna_is_a_new_version(self, client: httpx.AsyncClient) -> None:
        made = await create(client, status="active")
        changed = (await client.put(f"{PATH}/ada", json={"name": "Ada", "role": "Counts"})).json()
        assert (changed["id"], changed["version"], changed["dna"]["role"]) == (made["id"], 2, "Counts")
        assert changed["dna"]["status"] == "active", "a status that is left out stays"
        assert (await client.get(f"{PATH}/ada")).json() == changed

    async def test_that_says_the_same_is_none(self, client: httpx.AsyncClient) -> None:
        await create(client)
        assert (await client.put(f"{PATH}/ada", json={"name": "Ada"})).json()["version"] == 1

    async def test_of_the_name_leaves_the_slug(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        await create(client)
        assert (await client.put(f"{PATH}/ada", json={"name": "Augusta"})).json()["dna"]["slug"] == "ada"
        read_problem(await client.put(f"{PATH}/ada", json={"name": "Augusta", "slug": "augusta"}), 409)

    async def test_is_none_of_those_that_come_at_once_lost(self, client: httpx.AsyncClient) -> None:
        await create(client)
        answers = await asyncio.gather(
            *(client.put(f"{PATH}/ada", json={"name": "Ada", "role": str(number)}) for number in range(5))
        )
        assert sorted(answer.json()["version"] for answer in answers) == [2, 3, 4, 5, 6]

    async def test_of_the_status_is_no_new_version(self, client: httpx.AsyncClient) -> None:
        await create(client)
        for action, status in (("activate", "active"), ("pause", "paused"), ("archive", "archived")):
            changed = (await client.post(f"{PATH}/ada/{action}")).json()
            assert (changed["dna"]["status"], changed["version"]) == (status, 1)


class TestItsVersions:
    async def test_are_kept_and_listed_newest_first(self, client: httpx.AsyncClient, read_all: ReadAll) -> None:
        made = await create(client, role="Adds")
        await client.put(f"{PATH}/ada", json={"name": "Ada", "role": "Adds"})
        await client.post(f"{PATH}/ada/pause")
        for role in ("Counts", "Thinks"):
            await client.put(f"{PATH}/ada", json={"name": "Ada", "role": role})
        for name in ("ada", made["id"]):
            pages = await read_all(client, f"{PATH}/{name}/versions", limit=2)
            assert [[(one["version"], one["dna"]["role"]) for one in page] for page in pages] == [
                [(3, "Thinks"), (2, "Counts")],
                [(1, "Adds")],
            ]
        newest, first = pages[0][0], pages[1][0]
        assert newest["dna"] == (await client.get(f"{PATH}/ada")).json()["dna"]
        assert first["dna"] == made["dna"], "with the status of then"
        assert (first["agent_id"], bool(first["actor"])) == (made["id"], True)
        assert first["created_at"] < newest["created_at"]

    async def test_are_read_one_by_one(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        made = await create(client)
        await client.put(f"{PATH}/ada", json={"name": "Ada", "role": "Counts"})
        assert (await client.get(f"{PATH}/ada/versions/1")).json()["dna"] == made["dna"]
        assert (await client.get(f"{PATH}/{made['id']}/versions/2")).json()["dna"]["role"] == "Counts"
        missing = read_problem(await client.get(f"{PATH}/ada/versions/3"), 404)["detail"]
        assert "'ada' has no version 3" in missing
        assert "The newest is 2." in missing
        read_problem(await client.get(f"{PATH}/ada/versions/0"), 422)

    async def test_are_nobody_else_s(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        made = await create(client)
        for name in ("ada", made["id"]):
            read_problem(await other_client.get(f"{PATH}/{name}/versions"), 404)
            read_problem(await other_client.get(f"{PATH}/{name}/versions/1"), 404)


class TestAList:
    async def test_is_read_page_by_page_newest_first(self, client: httpx.AsyncClient, read_all: ReadAll) -> None:
        for name in "abcde":
            await create(client, name, status="active" if name in "bd" else "draft")
        pages = await read_all(client, PATH, limit=2)
        assert [[item["dna"]["slug"] for item in page] for page in pages] == [["e", "d"], ["c", "b"], ["a"]]
        active = (await client.get(PATH, params={"status": "active"})).json()["items"]
        assert [item["dna"]["slug"] for item in active] == ["d", "b"]


class TestAnotherTeam:
    async def test_finds_no_agent_of_ours(
        self, client: httpx.AsyncClient, other_client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        made = await create(client)
        for name in ("ada", made["id"]):
            problem = read_problem(await other_client.get(f"{PATH}/{name}"), 404)
            assert "There is none at all yet." in problem["detail"]
            read_problem(await other_client.put(f"{PATH}/{name}", json={"name": "Ada"}), 404)
            read_problem(await other_client.post(f"{PATH}/{name}/archive"), 404)
        assert (await other_client.get(PATH)).json()["items"] == []
        assert (await create(other_client))["id"] != made["id"]

    async def test_is_told_of_near_names_of_its_own(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        await create(client, "concierge")
        assert "concierge" in read_problem(await client.get(f"{PATH}/concierg"), 404)["detail"]


class TestOfATemplate:
    @pytest.fixture
    async def template(self, client: httpx.AsyncClient) -> Json:
        sent = {
            "name": "hotel-desk",
            "model": "gpt-4o",
            "system_prompt": "You never promise a room.",
            "model_config": {"provider": "openai", "boundaries": {"max_turns": 5}},
        }
        made = await client.post("/v1/agent-templates", json=sent)
        assert made.status_code == 201, made.text
        return sent

    async def test_says_which_version_it_was_made_of(self, client: httpx.AsyncClient, template: Json) -> None:
        await client.put("/v1/agent-templates/hotel-desk", json=template | {"system_prompt": "You are brief."})
        newest = (await client.post(PATH, json={"template": "hotel-desk"})).json()
        assert newest["template"] == {"name": "hotel-desk", "version": 2}
        assert newest["dna"]["slug"] == "hotel-desk"
        assert newest["dna"]["personality"]["instructions"] == "You are brief."
        order = {"template": "hotel-desk", "template_version": 1, "name": "Night desk", "model": {"temperature": 0}}
        response = await client.post(PATH, json=order)
        assert response.headers["location"] == "/v1/agents/night-desk"
        first = response.json()
        assert first["template"] == {"name": "hotel-desk", "version": 1}
        assert first["dna"]["personality"]["instructions"] == "You never promise a room."
        assert (first["dna"]["model"]["model"], first["dna"]["model"]["temperature"]) == ("gpt-4o", 0)
        assert first["dna"]["boundaries"]["max_turns"] == 5
        changed = (await client.put(f"{PATH}/night-desk", json={"name": "Night desk"})).json()
        assert (changed["version"], changed["template"]) == (2, first["template"]), "it stays where it came from"
        assert (await create(client))["template"] is None

    @pytest.mark.parametrize(
        ("order", "status", "field"),
        [
            ({"template": "hotel-desk", "dna": {"name": "Ada"}}, 422, "dna"),
            ({"template": None}, 422, "template"),
            ({"template": "hotel-desk", "template_version": 0}, 422, "template_version"),
            ({"template": "hotel-desk", "boundaries": {"max_turns": 0}}, 422, "boundaries.max_turns"),
            ({"name": "Ada", "template_version": 1}, 422, "template_version"),
            ({"template": "hotel-desk", "name": "\u05d0"}, 409, "slug"),
            ({"template": "hotel-desk", "template_version": 9}, 404, None),
            ({"template": "hotel-des"}, 404, None),
            ({}, 422, "name"),
        ],
    )
    @pytest.mark.usefixtures("template")
    async def test_is_refused_where_the_order_is_wrong(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, order: Json, status: int, field: str | None
    ) -> None:
        problem = read_problem(await client.post(PATH, json=order), status)
        assert [error["field"] for error in problem["errors"]] == ([field] if field else [])

    async def test_that_is_out_of_use_or_has_no_model_is_none(
        self, client: httpx.AsyncClient, template: Json, read_problem: ReadProblem
    ) -> None:
        await client.post("/v1/agent-templates", json={"name": "tone"})
        assert "no model" in read_problem(await client.post(PATH, json={"template": "tone"}), 409)["detail"]
        await client.post("/v1/agent-templates/hotel-desk/deactivate")
        for version in ({}, {"template_version": 1}):
            response = await client.post(PATH, json={"template": template["name"], **version})
            assert "deactivated" in read_problem(response, 409)["detail"]

    @pytest.mark.usefixtures("template")
    async def test_of_another_team_is_not_found(
        self, other_client: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        read_problem(await other_client.post(PATH, json={"template": "hotel-desk"}), 404)
