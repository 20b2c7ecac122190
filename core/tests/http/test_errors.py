import json
import logging
from http import HTTPStatus
from typing import Any

import httpx
import pytest

NOTE = {"title": "a"}


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["type"].startswith("urn:problem-type:tahoe:")
    assert body["request_id"] == response.headers["x-request-id"]
    assert body["instance"] == response.request.url.raw_path.decode().partition("?")[0]
    return body


def fields(body: dict[str, Any]) -> list[str]:
    return [error["field"] for error in body["errors"]]


class TestAFieldThatCannotBeUsed:
    async def test_is_named_with_its_path(self, client: httpx.AsyncClient) -> None:
        note = {"title": "", "kind": "fax", "turns": [{"speaker": "a", "text": "b"}, {"speaker": "c"}]}
        body = problem(await client.post("/v1/notes", json=note), 422)
        assert fields(body) == ["title", "kind", "turns.1.text"]
        assert body["type"].endswith(":invalid-input")
        assert "turns.1.text: Field required" in body["detail"]

    async def test_is_named_in_a_query(self, client: httpx.AsyncClient) -> None:
        assert fields(problem(await client.get("/v1/notes?limit=1000"), 422)) == ["limit"]

    async def test_is_named_in_a_path(self, client: httpx.AsyncClient) -> None:
        assert fields(problem(await client.get("/v1/notes/7"), 422)) == ["note_id"]

    async def test_is_called_body_when_the_whole_body_is_wrong(self, client: httpx.AsyncClient) -> None:
        assert fields(problem(await client.post("/v1/notes"), 422)) == ["body"]
        assert fields(problem(await client.post("/v1/notes", json=[1]), 422)) == ["body"]

    async def test_is_one_of_fifty_at_most(self, client: httpx.AsyncClient) -> None:
        body = problem(await client.post("/v1/notes", json={"title": "a", "turns": [{}] * 500}), 422)
        assert len(body["errors"]) == 50
        assert "(and 997 more)" in body["detail"]


class TestABodyThatKeepsToTheSchemaAndContradictsItself:
    async def test_is_a_conflict(self, client: httpx.AsyncClient) -> None:
        body = problem(await client.post("/v1/notes", json={"title": "silence"}), 409)
        assert body["type"].endswith(":conflict")
        assert body["detail"] == "body: a call is not silent."
        assert fields(body) == ["body"]

    async def test_breaks_the_schema_first_of_all(self, client: httpx.AsyncClient) -> None:
        body = problem(await client.post("/v1/notes", json={"title": "silence", "turns": [{}]}), 422)
        assert fields(body) == ["turns.0.speaker", "turns.0.text"]


class TestABodyThatCannotBeRead:
    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b'{"title": "a",\n oops}', "at line 2, column 2"),
            (b"\xff\xfe", "not UTF-8: byte 0"),
            (b'{"title": "a", "weight": NaN}', "NaN"),
            (b'{"title": "a", "weight": -Infinity}', "-Infinity"),
            (b'{"title": "a", "weight": 1e999}', "too large: 1e999"),
            (b'{"title": "a", "anything": ' + b"9" * 5000 + b"}", "more digits"),
            (b'{"title": "a", "anything": ' + b"[" * 300 + b"]" * 300 + b"}", "nested more than 100 deep"),
            (b'{"title": "a", "anything": ' + b"[" * 49_000 + b"]" * 49_000 + b"}", "nested more than 100 deep"),
            (b'{"title": "a"} {}', "Extra data"),
            (b"\xef\xbb\xbf{}", "BOM"),
        ],
    )
    async def test_says_what_is_wrong(self, client: httpx.AsyncClient, content: bytes, says: str) -> None:
        response = await client.post("/v1/notes", content=content, headers={"Content-Type": "application/json"})
        body = problem(response, 422)
        assert says in body["detail"]
        assert fields(body) == ["body"]

    @pytest.mark.parametrize("text", ["a\\u0000b", "\\ud800", "x\\udc00"])
    async def test_names_the_text_that_no_database_keeps(self, client: httpx.AsyncClient, text: str) -> None:
        content = f'{{"title": "a", "metadata": {{"deep": [1, "{text}"]}}}}'.encode()
        response = await client.post("/v1/notes", content=content, headers={"Content-Type": "application/json"})
        assert fields(problem(response, 422)) == ["metadata.deep.1"]

    async def test_an_escaped_backslash_before_u0000_is_text_like_any_other(self, client: httpx.AsyncClient) -> None:
        response = await client.post("/v1/notes", json={"title": "\\u0000 and 😀 and \\ud800"})
        assert response.status_code == HTTPStatus.CREATED
        assert response.json()["title"] == "\\u0000 and 😀 and \\ud800"

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/json", ""])
    async def test_of_another_type_is_a_415(self, client: httpx.AsyncClient, content_type: str) -> None:
        headers = {"Content-Type": content_type} if content_type else {}
        response = await client.post("/v1/notes", content=json.dumps(NOTE).encode(), headers=headers)
        assert "application/json" in problem(response, 415)["detail"]

    @pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/problem+json"])
    async def test_may_be_any_json(self, client: httpx.AsyncClient, content_type: str) -> None:
        content = json.dumps(NOTE).encode()
        response = await client.post("/v1/notes", content=content, headers={"Content-Type": content_type})
        assert response.status_code == HTTPStatus.CREATED


class TestANulCharacter:
    async def test_in_a_query_is_named(self, client: httpx.AsyncClient) -> None:
        assert fields(problem(await client.get("/v1/notes?title=a%00b"), 422)) == ["title"]

    async def test_in_a_path_is_named(self, client: httpx.AsyncClient) -> None:
        assert fields(problem(await client.get("/v1/notes/named/a%00b"), 422)) == ["name"]


class TestARequestThatLeadsNowhere:
    async def test_an_unknown_path_is_a_problem(self, client: httpx.AsyncClient) -> None:
        assert problem(await client.get("/v1/nothing"), 404)["type"].endswith(":not-found")

    async def test_a_path_has_one_spelling(self, client: httpx.AsyncClient) -> None:
        problem(await client.get("/v1/notes/"), 404)

    async def test_an_unknown_thing_is_a_problem(self, client: httpx.AsyncClient) -> None:
        url = "/v1/notes/00000000-0000-0000-0000-000000000000"
        assert "There is no note" in problem(await client.get(url), 404)["detail"]

    async def test_a_wrong_method_learns_all_the_right_ones(self, client: httpx.AsyncClient) -> None:
        response = await client.delete("/v1/notes")
        problem(response, 405)
        assert response.headers["allow"] == "GET, HEAD, POST"
        assert (await client.options("/v1/notes")).headers["allow"] == "GET, HEAD, POST"
        assert (await client.put("/health")).headers["allow"] == "GET, HEAD"
        assert (await client.get("/v1/small")).headers["allow"] == "POST"


class TestWhatGoesWrongOnOurSide:
    async def test_an_unexpected_error_leaks_nothing_and_is_logged(
        self, client: httpx.AsyncClient, logs: pytest.LogCaptureFixture
    ) -> None:
        response = await client.get("/v1/broken/unexpected")
        assert "hunter2" not in response.text
        assert "RuntimeError" not in response.text
        body = problem(response, 500)
        assert body["type"].endswith(":internal-error")
        [record] = [record for record in logs.records if record.levelno == logging.ERROR]
        assert record.exc_info
        assert "hunter2" in str(record.exc_info[1])

    async def test_an_expected_error_says_what_it_means_to_say(self, client: httpx.AsyncClient) -> None:
        body = problem(await client.get("/v1/broken/expected"), 500)
        assert body["detail"] == "The ledger does not add up. Tell us."

    async def test_something_unavailable_is_a_503(self, client: httpx.AsyncClient) -> None:
        body = problem(await client.post("/v1/notes", json={"title": "fail"}), 503)
        assert body["type"].endswith(":unavailable")

    async def test_half_an_answer_is_cut_off_rather_than_passed_for_a_whole(self, client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/v1/broken/half")
