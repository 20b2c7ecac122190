import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest
from fastapi import Response
from starlette.types import Message, Receive, Scope, Send

from tahoe_core.cache.keyspace import CacheKey, Keyspace
from tahoe_core.cache.memory import MemoryCache
from tahoe_core.errors import UnavailableError
from tahoe_core.http import idempotency
from tahoe_core.http.authentication import SCOPE_KEY
from tahoe_core.security.principal import Principal

if TYPE_CHECKING:
    from core.tests.http.conftest import ClientOf, Notes

NOTE = {"title": "a"}


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


class TestTheSameRequestAgain:
    async def test_is_not_done_again_and_gets_the_same_answer(self, client: httpx.AsyncClient, notes: "Notes") -> None:
        first = await client.post("/v1/notes", json=NOTE, headers=keyed("k"))
        second = await client.post("/v1/notes", json=NOTE, headers=keyed("k"))
        assert notes.made == 1
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert second.headers["location"] == first.headers["location"]
        assert second.headers["content-type"] == first.headers["content-type"]
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == "true"
        assert second.headers["x-request-id"] != first.headers["x-request-id"]

    async def test_without_a_key_is_done_again(self, client: httpx.AsyncClient, notes: "Notes") -> None:
        for _ in range(2):
            await client.post("/v1/notes", json=NOTE)
        assert notes.made == 2

    async def test_with_another_key_is_done_again(self, client: httpx.AsyncClient, notes: "Notes") -> None:
        for key in ("one", "two"):
            await client.post("/v1/notes", json=NOTE, headers=keyed(key))
        assert notes.made == 2

    async def test_while_the_first_is_being_done_is_a_conflict(self, client: httpx.AsyncClient, notes: "Notes") -> None:
        notes.gate = asyncio.Event()
        first = asyncio.create_task(client.post("/v1/notes", json=NOTE, headers=keyed("k")))
        await asyncio.wait_for(notes.was_asked.wait(), 5)
        second = await client.post("/v1/notes", json=NOTE, headers=keyed("k"))
        assert second.status_code == 409
        assert "still being done" in second.json()["detail"]
        notes.gate.set()
        assert (await first).status_code == 201
        assert (await client.post("/v1/notes", json=NOTE, headers=keyed("k"))).headers["idempotency-replayed"] == "true"
        assert notes.made == 1

    async def test_of_many_at_once_one_is_done(self, client: httpx.AsyncClient, notes: "Notes") -> None:
        answers = await asyncio.gather(*(client.post("/v1/notes", json=NOTE, headers=keyed("k")) for _ in range(20)))
        assert notes.made == 1
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1


class TestAnotherRequestUnderTheSameKey:
    async def test_is_refused(self, client: httpx.AsyncClient, notes: "Notes") -> None:
        await client.post("/v1/notes", json=NOTE, headers=keyed("k"))
        response = await client.post("/v1/notes", json={"title": "b"}, headers=keyed("k"))
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == ["Idempotency-Key"]
        assert notes.made == 1

    async def test_on_another_path_is_its_own(self, client: httpx.AsyncClient) -> None:
        await client.post("/v1/notes", json=NOTE, headers=keyed("k"))
        assert (await client.post("/v1/nothing", json=NOTE, headers=keyed("k"))).status_code == 404


class TestARequestThatFailed:
    async def test_may_be_tried_again(self, client: httpx.AsyncClient, notes: "Notes") -> None:
        for _ in range(2):
            response = await client.post("/v1/notes", json={"title": "fail"}, headers=keyed("k"))
            assert response.status_code == 503
        assert notes.made == 2

    async def test_to_commit_has_left_no_answer_behind(self, client: httpx.AsyncClient, notes: "Notes") -> None:
        notes.commit_fails = True
        assert (await client.post("/v1/notes", json=NOTE, headers=keyed("k"))).status_code == 503
        notes.commit_fails = False
        response = await client.post("/v1/notes", json=NOTE, headers=keyed("k"))
        assert response.status_code == 201
        assert "idempotency-replayed" not in response.headers

    async def test_because_of_its_input_does_not_use_the_key_up(
        self, client: httpx.AsyncClient, notes: "Notes"
    ) -> None:
        assert (await client.post("/v1/notes", json={}, headers=keyed("k"))).status_code == 422
        assert (await client.post("/v1/notes", json=NOTE, headers=keyed("k"))).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
async def test_a_key_that_is_none_is_refused(client: httpx.AsyncClient, key: str) -> None:
    response = await client.post("/v1/notes", json=NOTE, headers=[(b"Idempotency-Key", key.encode())])
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["Idempotency-Key"]


async def test_a_key_means_nothing_to_other_methods(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert "idempotency-replayed" not in (await client.get("/v1/notes", headers=keyed("k"))).headers


async def test_an_answer_too_large_to_keep_is_not_made_twice(
    client: httpx.AsyncClient, notes: "Notes", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MAX_KEPT_BYTES", 10)
    assert (await client.post("/v1/notes", json=NOTE, headers=keyed("k"))).status_code == 201
    response = await client.post("/v1/notes", json=NOTE, headers=keyed("k"))
    assert response.status_code == 409
    assert "too large to be kept" in response.json()["detail"]
    assert notes.made == 1


class CacheThatIsRead(MemoryCache):
    """Remembers every value that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[bytes] = []

    async def set(self, key: CacheKey, value: bytes, *, ttl_s: float) -> None:
        self.values.append(value)
        await super().set(key, value, ttl_s=ttl_s)


class TestAnAnswerThatNoCacheMayKeep:
    async def test_is_not_made_twice_and_the_repeat_leads_to_the_result(
        self, client: httpx.AsyncClient, notes: "Notes"
    ) -> None:
        turn = {"speaker": "Ann", "text": "secret"}
        first = await client.post("/v1/private", json=turn, headers=keyed("k"))
        assert (first.status_code, first.headers["cache-control"]) == (201, "no-store")
        again = await client.post("/v1/private", json=turn, headers=keyed("k"))
        assert again.status_code == 409
        assert again.headers["content-type"] == "application/problem+json"
        assert "This was done" in again.json()["detail"]
        assert again.headers["location"] == first.headers["location"]
        assert "idempotency-replayed" not in again.headers
        assert notes.made == 1
        other = await client.post("/v1/private", json=turn | {"text": "else"}, headers=keyed("k"))
        assert other.status_code == 422

    async def test_leaves_nothing_of_what_it_says_in_the_cache(self, client_of: "ClientOf") -> None:
        cache = CacheThatIsRead()
        async with client_of(cache) as client:
            turn = {"speaker": "Ann", "text": "secret"}
            assert (await client.post("/v1/private", json=turn, headers=keyed("k"))).status_code == 201
        [kept] = cache.values
        assert b"/v1/private/1" in kept
        assert b"secret" not in kept


class CacheThatStops(MemoryCache):
    """Takes a claim and is gone afterwards, as a Redis is that dies in between."""

    async def set(self, key: CacheKey, value: bytes, *, ttl_s: float) -> None:
        raise UnavailableError("Redis does not answer.")

    async def delete_if_equal(self, key: CacheKey, value: bytes) -> bool:
        raise UnavailableError("Redis does not answer.")


async def test_a_cache_that_dies_in_between_costs_no_answer_and_frees_no_key(
    client_of: "ClientOf", notes: "Notes"
) -> None:
    async with client_of(CacheThatStops()) as client:
        assert (await client.post("/v1/notes", json=NOTE, headers=keyed("k"))).status_code == 201
        assert (await client.post("/v1/notes", json=NOTE, headers=keyed("k"))).status_code == 409
        assert (await client.post("/v1/notes", json={"title": "fail"}, headers=keyed("other"))).status_code == 503
    assert notes.made == 2


class CacheThatIsGone(MemoryCache):
    async def add(self, key: CacheKey, value: bytes, *, ttl_s: float) -> bool:
        raise UnavailableError("Redis does not answer.")


async def test_without_a_cache_a_keyed_request_is_refused_rather_than_done_twice(
    client_of: "ClientOf", notes: "Notes"
) -> None:
    async with client_of(CacheThatIsGone()) as client:
        assert (await client.post("/v1/notes", json=NOTE, headers=keyed("k"))).status_code == 503
        assert (await client.post("/v1/notes", json=NOTE)).status_code == 201
    assert notes.made == 1


async def test_a_long_request_keeps_its_claim(
    client: httpx.AsyncClient, notes: "Notes", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "CLAIM_SECONDS", 0.2)
    monkeypatch.setattr(idempotency, "CLAIM_RENEWAL_SECONDS", 0.05)
    notes.gate = asyncio.Event()
    first = asyncio.create_task(client.post("/v1/notes", json=NOTE, headers=keyed("k")))
    await asyncio.sleep(0.6)
    assert (await client.post("/v1/notes", json=NOTE, headers=keyed("k"))).status_code == 409
    notes.gate.set()
    assert (await first).status_code == 201
    assert notes.made == 1


async def test_an_answer_is_kept_for_long_although_its_client_takes_it_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "CLAIM_SECONDS", 0.2)
    monkeypatch.setattr(idempotency, "CLAIM_RENEWAL_SECONDS", 0.02)
    made: list[Scope] = []

    async def make(scope: Scope, receive: Receive, send: Send) -> None:
        made.append(scope)
        await Response(b"done", HTTPStatus.CREATED)(scope, receive, send)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def take_slowly(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(0.1)

    service = idempotency.IdempotencyMiddleware(make, MemoryCache(), Keyspace("notes:"))
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/notes",
        "query_string": b"",
        "headers": [(b"idempotency-key", b"k")],
        SCOPE_KEY: Principal(uuid4(), "test"),
    }
    await service(scope, receive, take_slowly)
    await asyncio.sleep(0.3)  # longer than a claim lives
    await service(scope, receive, take_slowly)
    assert len(made) == 1
