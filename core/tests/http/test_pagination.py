import httpx
import pytest


async def make_notes(client: httpx.AsyncClient, count: int) -> list[str]:
    return [(await client.post("/v1/notes", json={"title": str(number)})).json()["id"] for number in range(count)]


async def test_the_cursor_leads_through_the_whole_list_once(client: httpx.AsyncClient) -> None:
    made = await make_notes(client, 7)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        page = (await client.get("/v1/notes", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made
    assert cursor is None


@pytest.mark.parametrize("cursor", ["MjAyNi0xMS0yMQ", "AAAAAAAA", "not-one-of-ours"])
async def test_a_cursor_that_no_list_gave_leads_nowhere(client: httpx.AsyncClient, cursor: str) -> None:
    response = await client.get("/v1/notes", params={"cursor": cursor})
    assert response.status_code == 404
    assert [error["field"] for error in response.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize("cursor", ["", "a", "ä" * 10, "a b c d e f", "x" * 513])
async def test_what_does_not_look_like_a_cursor_is_invalid(client: httpx.AsyncClient, cursor: str) -> None:
    response = await client.get("/v1/notes", params={"cursor": cursor})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "1.5", "1" * 30])
async def test_a_limit_outside_its_bounds_is_invalid(client: httpx.AsyncClient, limit: str) -> None:
    response = await client.get("/v1/notes", params={"limit": limit})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["limit"]
