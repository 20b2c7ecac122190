from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import httpx
import pytest

from tahoe_core.cache.memory import MemoryCache

if TYPE_CHECKING:
    from core.tests.http.conftest import ClientOf, Notes


async def test_health_says_that_the_process_lives(stranger: httpx.AsyncClient, notes: "Notes") -> None:
    notes.store_is_up = False
    response = await stranger.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


class TestReadiness:
    async def test_is_given_when_every_dependency_answers(self, stranger: httpx.AsyncClient) -> None:
        response = await stranger.get("/ready")
        assert response.status_code == 200
        [check] = response.json()["checks"]
        assert (check["name"], check["status"]) == ("store", "up")

    async def test_names_what_is_down_but_not_why(
        self, stranger: httpx.AsyncClient, notes: "Notes", logs: pytest.LogCaptureFixture
    ) -> None:
        notes.store_is_up = False
        response = await stranger.get("/ready")
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert body["detail"].startswith("Down: store.")
        assert [(check["name"], check["status"]) for check in body["checks"]] == [("store", "down")]
        assert "hunter2" not in response.text
        assert "dependency down" in logs.text

    async def test_does_not_wait_for_a_dependency_that_hangs(self, stranger: httpx.AsyncClient, notes: "Notes") -> None:
        notes.store_hangs = True
        response = await stranger.get("/ready")
        assert response.status_code == 503
        assert 150 < response.json()["checks"][0]["ms"] < 2000


class TestMetrics:
    @pytest.fixture
    async def fresh(self, client_of: "ClientOf") -> AsyncIterator[httpx.AsyncClient]:
        """A service that has counted nothing yet: each app counts for itself."""
        async with client_of(MemoryCache()) as client:
            yield client

    async def test_count_requests_by_method_template_and_status(self, fresh: httpx.AsyncClient) -> None:
        for name in ("a", "b", "c"):
            await fresh.get(f"/v1/notes/named/{name}")
        text = (await fresh.get("/metrics")).text
        assert 'tahoe_http_requests_total{method="GET",route="/v1/notes/named/{name}",status="404"} 3.0' in text
        assert (
            'tahoe_http_request_duration_seconds_bucket{le="10.0",method="GET",route="/v1/notes/named/{name}"' in text
        )
        assert "process_resident_memory_bytes" in text

    async def test_cannot_be_multiplied_by_a_caller(self, fresh: httpx.AsyncClient) -> None:
        for number in range(5):
            await fresh.request(f"VERB{number}", f"/v1/nothing/{number}")
            await fresh.get(f"/v1/nothing/{number}")
            await fresh.get(f"/docs/{number}")
        text = (await fresh.get("/metrics")).text
        assert {line for line in text.splitlines() if line.startswith("tahoe_http_requests_total")} == {
            'tahoe_http_requests_total{method="OTHER",route="unmatched",status="404"} 5.0',
            'tahoe_http_requests_total{method="GET",route="unmatched",status="404"} 5.0',
            'tahoe_http_requests_total{method="GET",route="/docs/{asset}",status="404"} 5.0',
        }

    async def test_are_in_the_format_that_prometheus_reads(self, fresh: httpx.AsyncClient) -> None:
        assert (await fresh.get("/metrics")).headers["content-type"].startswith("text/plain; version=")
