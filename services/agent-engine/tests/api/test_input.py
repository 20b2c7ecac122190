"""What may come in from outside, and what is said of it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

type Json = dict[str, Any]
type Make = Callable[..., Json]
type OpenClient = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
type ReadProblem = Callable[[httpx.Response, int], Json]

PUBLIC = {"/health", "/ready"}
ZERO = "00000000-0000-0000-0000-000000000000"


async def list_operations(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    paths = (await client.get("/openapi.json")).json()["paths"]
    return [(method, path) for path, operations in paths.items() for method in operations]


class TestWithoutAToken:
    async def test_nothing_is_served_but_health_and_the_documentation(
        self, stranger: httpx.AsyncClient, read_problem: ReadProblem
    ) -> None:
        operations = await list_operations(stranger)
        assert len(operations) == 81
        for method, path in operations:
            response = await stranger.request(method, path)
            if path in PUBLIC:
                assert response.status_code == 200, path
            else:
                assert "service token" in read_problem(response, 401)["detail"]
        for path in ("/docs", "/docs/swagger-ui-bundle.js", "/openapi.json"):
            assert (await stranger.get(path)).status_code == 200

    @pytest.mark.parametrize("token", ["wrong", "tahoe_st_" + "x" * 43, "x" * 5000, "é"])
    async def test_a_wrong_one_is_none(
        self, stranger: httpx.AsyncClient, read_problem: ReadProblem, token: str
    ) -> None:
        header = (b"Authorization", f"Bearer {token}".encode())
        response = await stranger.get("/v1/scorecards", headers=[header])
        read_problem(response, 401)
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert not token or token not in response.text


class TestAQuery:
    @pytest.mark.parametrize(
        ("path", "query", "field"),
        [
            ("/v1/analyses", "limit=0", "limit"),
            ("/v1/analyses", "limit=201", "limit"),
            ("/v1/analyses", "limit=99999999999999999999999", "limit"),
            ("/v1/analyses", "limit=%D9%A3", "limit"),
            ("/v1/analyses", "verdict=good", "verdict"),
            ("/v1/analyses", "status=", "status"),
            ("/v1/analyses", "interaction_id=7", "interaction_id"),
            ("/v1/analyses", "scorecard_version=0", "scorecard_version"),
            ("/v1/analyses", "scorecard_version=2147483648", "scorecard_version"),
            ("/v1/analyses", "scorecard=a%00b", "scorecard"),
            ("/v1/analyses", "scorecard=" + "x" * 101, "scorecard"),
            ("/v1/analyses", "created_from=2026-11-03T10:02:00", "created_from"),
            ("/v1/analyses", "created_from=1700000000", "created_from"),
            ("/v1/analyses", "created_before=2026-11-03", "created_before"),
            ("/v1/analyses", "created_before=2026-13-03T10:02:00Z", "created_before"),
            ("/v1/interactions", "created_from=%D9%A32026-11-03T10:02:00Z", "created_from"),
            ("/v1/interactions", "external_id=" + "x" * 501, "external_id"),
            ("/v1/interactions", "type=fax", "type"),
            ("/v1/interactions", "cursor=a b c d e f", "cursor"),
            ("/v1/scorecards", "include_inactive=perhaps", "include_inactive"),
            ("/v1/scorecards/support", "version=0", "version"),
            ("/v1/scorecards/support", "version=2147483648", "version"),
            ("/v1/agent-templates/support", "version=-1", "version"),
        ],
    )
    async def test_that_breaks_the_schema_is_named(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, path: str, query: str, field: str
    ) -> None:
        problem = read_problem(await client.get(f"{path}?{query}"), 422)
        assert [error["field"] for error in problem["errors"]] == [field]

    @pytest.mark.parametrize(
        "moment",
        [
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00%2B23:59",
            "9999-12-31T23:59:59.999999-23:59",
            "2026-11-03T10:02:00.123456789Z",
            "2026-11-03t10:02:00z",
        ],
    )
    async def test_takes_every_moment_there_is(self, client: httpx.AsyncClient, moment: str) -> None:
        for path in ("/v1/analyses", "/v1/interactions"):
            for name in ("created_from", "created_before"):
                response = await client.get(f"{path}?{name}={moment}")
                assert response.status_code == 200, response.text

    @pytest.mark.parametrize(
        "cursor",
        [
            "abcdef",
            "MjAyNi0xMS0wM3wx",  # 2026-11-03|1
            # 0001-01-01T00:00:00+23:59|00000000-0000-0000-0000-000000000000, which is before the first year
            "MDAwMS0wMS0wMVQwMDowMDowMCsyMzo1OXwwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA",
        ],
    )
    async def test_with_a_cursor_that_no_list_gave_leads_nowhere(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, cursor: str
    ) -> None:
        for path in ("/v1/analyses", "/v1/interactions", "/v1/scorecards", "/v1/tools"):
            problem = read_problem(await client.get(path, params={"cursor": cursor}), 404)
            assert [error["field"] for error in problem["errors"]] == ["cursor"]


class TestAPath:
    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/v1/scorecards/a%00b", 422),
            ("/v1/scorecards/support%0A", 422),
            ("/v1/scorecards/%20support", 422),
            ("/v1/scorecards/support%20", 422),
            ("/v1/scorecards/Support", 422),
            ("/v1/scorecards/%D9%A3", 422),
            ("/v1/scorecards/%FF%FE", 422),
            ("/v1/scorecards/" + "x" * 101, 422),
            ("/v1/scorecards/a%2Fb", 404),
            ("/v1/scorecards/..%2F..%2Fhealth", 404),
            ("/v1/scorecards/", 404),
            ("/v1//scorecards", 404),
            ("/v1/agent-templates/" + "x" * 202, 422),
            ("/v1/tools/not-an-id", 422),
            (f"/v1/tools/{ZERO}%0A", 422),
            (f"/v1/tools/{ZERO}x", 422),
            (f"/v1/tools/{ZERO}", 404),
            ("/v1/analyses/%00", 422),
        ],
    )
    async def test_with_odd_characters_is_a_problem(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, path: str, status: int
    ) -> None:
        read_problem(await client.get(path), status)


@pytest.mark.usefixtures("scorecard")
class TestABody:
    @pytest.mark.parametrize(
        ("text", "field"),
        [
            ('{"scorecard": "support", "interaction": 7}', "interaction"),
            ('{"scorecard": "support", "interaction": "7"}', "interaction"),
            ('{"scorecard": "support", "interaction": {"turns": [{"role": 1}]}}', "interaction.turns.0.role"),
            ('{"scorecard": "support", "interaction": {"turns": [{"txt": ""}]}}', "interaction.turns.0.txt"),
            ('{"scorecard": "support"}', "interaction"),
            ('{"scorecard": "support", "scorecard_version": true, "interaction": {}}', "scorecard_version"),
            ('{"scorecard": "support", "scorecard_version": "1", "interaction": {}}', "scorecard_version"),
            ('{"scorecard": "support", "scorecard_version": 99999999999, "interaction": {}}', "scorecard_version"),
            ('{"scorecard": "support", "extra": 1, "interaction": {}}', "extra"),
            ("[]", "body"),
            ("null", "body"),
            ("", "body"),
            ("{", "body"),
            ('{"scorecard": 1e999}', "body"),
            ('{"scorecard": NaN}', "body"),
            ('{"a":' * 200 + "1" + "}" * 200, "body"),
            ('{"scorecard": "support", "interaction": {"metadata": {"a\\u0000": 1}}}', "interaction.metadata"),
            ('{"scorecard": "support", "interaction": {"language": "\\udfff"}}', "interaction.language"),
        ],
    )
    async def test_that_breaks_the_schema_is_named(
        self, client: httpx.AsyncClient, read_problem: ReadProblem, text: str, field: str
    ) -> None:
        response = await client.post("/v1/analyses", content=text, headers={"Content-Type": "application/json"})
        problem = read_problem(response, 422)
        assert field in [error["field"] for error in problem["errors"]]

    @pytest.mark.parametrize(
        "metadata",
        [
            '{"": {"": [[], {}, null, true, -0.0, 1e-400, 1E308]}}',
            '{"rtl": "\\u202eabc", "emoji": "\\ud83d\\udc4b\\ud83c\\udffd", "combining": "e\\u0301"}',
            '{"integer": ' + "9" * 4000 + "}",
            '{"a": 1, "a": 2}',
            '{"deep": ' + "[" * 90 + "]" * 90 + "}",
            '{"control": "\\u0001\\u001f\\u007f\\ufffe\\uffff"}',
        ],
    )
    async def test_may_hold_any_json(self, client: httpx.AsyncClient, metadata: str) -> None:
        text = f'{{"scorecard": "support", "interaction": {{"turns": [{{"role": "agent"}}], "metadata": {metadata}}}}}'
        response = await client.post("/v1/analyses", content=text, headers={"Content-Type": "application/json"})
        assert response.status_code == 201, response.text
        kept = await client.get(f"/v1/interactions/{response.json()['interaction_id']}")
        assert kept.status_code == 200

    async def test_that_is_no_json_is_a_415(self, client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
        response = await client.post("/v1/analyses", content=b"a=1", headers={"Content-Type": "text/plain"})
        assert "application/json" in read_problem(response, 415)["detail"]

    async def test_that_is_too_large_is_a_413(
        self, open_client: OpenClient, team: object, chat: Make, read_problem: ReadProblem
    ) -> None:
        async with open_client(team, TAHOE_ENGINE_MAX_BODY_BYTES="2000") as client:
            problem = read_problem(await client.post("/v1/interactions", json=chat("x" * 2000)), 413)
            assert "2000 bytes" in problem["detail"]
            assert (await client.post("/v1/interactions", json=chat("x" * 1000))).status_code == 201


async def test_a_wrong_method_learns_the_right_ones(client: httpx.AsyncClient, read_problem: ReadProblem) -> None:
    response = await client.delete("/v1/scorecards")
    read_problem(response, 405)
    assert response.headers["allow"] == "GET, HEAD, POST"
