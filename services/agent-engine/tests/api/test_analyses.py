from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

type Json = dict[str, Any]
type Make = Callable[..., Json]
type ReadProblem = Callable[[httpx.Response, int], Json]
type ReadAll = Callable[..., Awaitable[list[list[Json]]]]

ENDLESS = r"^((a|aa)+)+$"


async def analyze(client: httpx.AsyncClient, interaction: object, scorecard: str = "support", **more: object) -> Json:
    response = await client.post("/v1/analyses", json={"scorecard": scorecard, "interaction": interaction, **more})
    assert response.status_code == 201, response.text
    made: Json = response.json()
    return made


@pytest.mark.usefixtures("scorecard")
class TestAnAnalysis:
    async def test_quotes_the_words_that_stand_in_the_interaction(self, client: httpx.AsyncClient, chat: Make) -> None:
        made = await analyze(client, chat("👋🏽 é́ hi", "Well, Hello there"))
        assert (made["status"], made["verdict"], made["overall_score"], made["coverage"]) == (
            "complete",
            "pass",
            100,
            1,
        )
        [finding] = made["categories"]["opening"]["findings"]
        assert finding["evidence"] == [{"turn": 1, "start": 6, "end": 11, "quote": "Hello"}]

    async def test_is_found_where_its_answer_says(self, client: httpx.AsyncClient, chat: Make) -> None:
        response = await client.post("/v1/analyses", json={"scorecard": "support", "interaction": chat("hello")})
        found = await client.get(response.headers["location"])
        assert found.status_code == 200
        assert found.json() == response.json()

    async def test_keeps_the_interaction(self, client: httpx.AsyncClient, chat: Make) -> None:
        made = await analyze(client, chat("hello", external_id="call-7"))
        kept = (await client.get(f"/v1/interactions/{made['interaction_id']}")).json()
        assert kept["interaction"]["external_id"] == "call-7"
        assert kept["interaction"]["turns"][0]["text"] == "hello"

    async def test_of_a_kept_interaction_is_that_of_one_sent_along(self, client: httpx.AsyncClient, chat: Make) -> None:
        kept = (await client.post("/v1/interactions", json=chat("oh", "hello"))).json()
        by_id = await analyze(client, kept["id"])
        sent = await analyze(client, chat("oh", "hello"))
        assert by_id["interaction_id"] == sent["interaction_id"] == kept["id"]
        assert by_id["analysis_id"] != sent["analysis_id"]
        assert by_id["categories"] == sent["categories"]

    async def test_says_what_was_not_evaluated(self, client: httpx.AsyncClient, card: Make, chat: Make) -> None:
        definition = card("judged")
        definition["requirements"][0] |= {"required": True, "checks": [{"type": "judge", "question": "Was it good?"}]}
        await client.post("/v1/scorecards", json=definition)
        made = await analyze(client, chat("hello"), "judged")
        assert (made["verdict"], made["overall_score"], made["coverage"]) == ("review", None, 0)
        assert "greeting" in made["audit_trail"]["not_run"]

    async def test_survives_a_pattern_that_never_ends(self, client: httpx.AsyncClient, card: Make, chat: Make) -> None:
        definition = card("endless", patterns=(ENDLESS,))
        assert (await client.post("/v1/scorecards", json=definition)).status_code == 201
        made = await analyze(client, chat("a" * 5000 + "b"), "endless")
        [finding] = made["categories"]["opening"]["findings"]
        assert finding["outcome"] == "not_run"
        assert "took longer than" in finding["explanation"]
        assert ENDLESS in made["audit_trail"]["not_run"]["greeting"]


class TestARequestThatNamesWhatIsNotThere:
    async def test_suggests_a_scorecard(
        self, client: httpx.AsyncClient, scorecard: Json, chat: Make, read_problem: ReadProblem
    ) -> None:
        response = await client.post("/v1/analyses", json={"scorecard": "suport", "interaction": chat("hello")})
        assert "Did you mean support?" in read_problem(response, 404)["detail"]
        assert (await client.get("/v1/interactions")).json()["items"] == []

    @pytest.mark.usefixtures("scorecard")
    async def test_of_a_version_says_which_is_the_newest(
        self, client: httpx.AsyncClient, chat: Make, read_problem: ReadProblem
    ) -> None:
        asked = {"scorecard": "support", "scorecard_version": 7, "interaction": chat("hello")}
        assert "The newest is 1." in read_problem(await client.post("/v1/analyses", json=asked), 404)["detail"]

    @pytest.mark.usefixtures("scorecard")
    @pytest.mark.parametrize("path", ["/v1/analyses/{}", "/v1/interactions/{}"])
    async def test_gets_a_404(self, client: httpx.AsyncClient, path: str, read_problem: ReadProblem) -> None:
        read_problem(await client.get(path.format(uuid4())), 404)

    @pytest.mark.usefixtures("scorecard")
    async def test_keeps_nothing(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        asked = {"scorecard": "support", "interaction": str(uuid4())}
        read_problem(await client.post("/v1/analyses", json=asked), 404)
        read_problem(await client.post(f"/v1/analyses/{uuid4()}/rerun"), 404)
        assert (await client.get("/v1/analyses")).json()["items"] == []


@pytest.mark.usefixtures("scorecard")
class TestARerun:
    async def test_uses_the_active_version_and_leaves_the_old_analysis(
        self, client: httpx.AsyncClient, card: Make, chat: Make
    ) -> None:
        old = await analyze(client, chat("hello", external_id="7"))
        await client.post("/v1/interactions", json=chat("something else", external_id="7"))
        await client.put("/v1/scorecards/support", json=card(patterns=("good morning",)))
        response = await client.post(f"/v1/analyses/{old['analysis_id']}/rerun")
        assert response.status_code == 201
        new = response.json()
        assert response.headers["location"] == f"/v1/analyses/{new['analysis_id']}"
        assert new["interaction_id"] == old["interaction_id"]
        assert new["scorecard"] == {"name": "support", "version": 2}
        assert (old["verdict"], new["verdict"]) == ("pass", "high_risk")
        assert (await client.get(f"/v1/analyses/{old['analysis_id']}")).json() == old

    async def test_needs_a_scorecard_that_is_active(
        self, client: httpx.AsyncClient, chat: Make, read_problem: ReadProblem
    ) -> None:
        old = await analyze(client, chat("hello"))
        await client.post("/v1/scorecards/support/deactivate")
        problem = read_problem(await client.post(f"/v1/analyses/{old['analysis_id']}/rerun"), 404)
        assert "was deactivated" in problem["detail"]
        assert (await client.get(f"/v1/analyses/{old['analysis_id']}")).json() == old

    async def test_of_an_old_version_is_asked_for_by_number(
        self, client: httpx.AsyncClient, card: Make, chat: Make
    ) -> None:
        await client.put("/v1/scorecards/support", json=card(patterns=("good morning",)))
        made = await analyze(client, chat("hello"), scorecard_version=1)
        assert (made["scorecard"]["version"], made["verdict"]) == (1, "pass")


class TestAList:
    @pytest.fixture
    async def made(self, client: httpx.AsyncClient, card: Make, chat: Make) -> list[Json]:
        """Five analyses by two scorecards, of which the second made a new version in between."""
        await client.post("/v1/scorecards", json=card())
        await client.post("/v1/scorecards", json=card("other"))
        first = [await analyze(client, chat(text)) for text in ("hello", "nothing", "hello again")]
        second = [await analyze(client, chat("hello"), "other")]
        await client.put("/v1/scorecards/other", json=card("other", patterns=("bye",)))
        return [*first, *second, await analyze(client, chat("hello"), "other")]

    async def test_is_read_page_by_page_newest_first(
        self, client: httpx.AsyncClient, made: list[Json], read_all: ReadAll
    ) -> None:
        pages = await read_all(client, "/v1/analyses", limit=2)
        assert [len(page) for page in pages] == [2, 2, 1]
        listed = [item["analysis_id"] for page in pages for item in page]
        assert listed == [one["analysis_id"] for one in reversed(made)]

    async def test_says_what_came_out_and_no_findings(self, client: httpx.AsyncClient, made: list[Json]) -> None:
        newest = (await client.get("/v1/analyses?limit=1")).json()["items"][0]
        for key in ("interaction_id", "scorecard", "status", "verdict", "overall_score", "coverage", "confidence"):
            assert newest[key] == made[-1][key]
        assert "categories" not in newest

    async def test_shows_what_was_asked_for(self, client: httpx.AsyncClient, made: list[Json]) -> None:
        async def count(**query: str | int) -> int:
            response = await client.get("/v1/analyses", params=query)
            assert response.status_code == 200, response.text
            return len(response.json()["items"])

        assert await count(scorecard="support") == 3
        assert await count(scorecard="other", scorecard_version=1) == 1
        assert await count(scorecard="none") == 0
        assert await count(verdict="pass") == 3
        assert await count(verdict="high_risk") == 2
        assert await count(status="complete") == 5
        assert await count(status="failed") == 0
        assert await count(interaction_id=made[0]["interaction_id"]) == 3

    async def test_shows_what_was_made_within_a_time(self, client: httpx.AsyncClient, made: list[Json]) -> None:
        items = (await client.get("/v1/analyses")).json()["items"]
        third = items[2]["created_at"]
        later = (await client.get("/v1/analyses", params={"created_from": third})).json()["items"]
        earlier = (await client.get("/v1/analyses", params={"created_before": third})).json()["items"]
        assert [*later, *earlier] == items
        assert len(later) == 3

    async def test_goes_on_where_it_was_when_something_new_comes_in(
        self, client: httpx.AsyncClient, made: list[Json], chat: Make
    ) -> None:
        first = (await client.get("/v1/analyses?limit=2")).json()
        await analyze(client, chat("hello and more"))
        second = (await client.get("/v1/analyses", params={"limit": 3, "cursor": first["next_cursor"]})).json()
        assert [item["analysis_id"] for item in second["items"]] == [made[i]["analysis_id"] for i in (2, 1, 0)]
        assert second["next_cursor"] is None
