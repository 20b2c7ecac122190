"""Two replicas behind one address share the work, and one that stops loses none of it."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest

from balancer import Balancer
from containers import ENGINE, IMAGE, Platform, docker, inspect
from remembered import EXAMPLE

ANALYSES = 100
AT_ONCE = 8


@pytest.fixture
def two(platform: Platform) -> Iterator[Platform]:
    platform.make("docker-up", ENGINE, REPLICAS="2")
    assert len(platform.list_replicas()) == 2
    yield platform
    platform.make("docker-up", ENGINE)
    platform.wait_until_ready()


async def test_stopping_one_in_the_middle_of_100_analyses_loses_none(two: Platform) -> None:
    names = [f"docker-share-{uuid4()}" for _ in range(ANALYSES)]
    done: list[dict[str, Any]] = []
    gate = asyncio.Semaphore(AT_ONCE)
    balancer = Balancer(two)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(balancer.serve())
        headers = {"Authorization": f"Bearer {two.variables['TAHOE_SERVICE_TOKEN']}"}
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, headers=headers, timeout=60))

        async def score(name: str) -> None:
            body = {"scorecard": "support-quality", "interaction": EXAMPLE | {"external_id": name}}
            async with gate:
                answer = await client.post("/v1/analyses", json=body, headers={"Idempotency-Key": name})
            assert answer.status_code == 201, answer.text
            done.append(answer.json())

        async def stop_one() -> str:
            while len(done) < ANALYSES * 2 // 5:  # noqa: ASYNC110 - the middle is what is waited for
                await asyncio.sleep(0.02)
            victim = two.list_replicas()[0]
            await asyncio.to_thread(docker, "stop", "--time", "40", victim)
            return victim

        stopping = asyncio.create_task(stop_one())
        await asyncio.gather(*(score(name) for name in names))
        victim = await stopping
        for analysis in done:
            assert (await client.get(f"/v1/analyses/{analysis['analysis_id']}")).json() == analysis
        assert len({analysis["analysis_id"] for analysis in done}) == ANALYSES
    assert inspect(victim)["State"]["ExitCode"] != 137, "it ended by itself"
    assert len(balancer.served) == 2
    assert min(balancer.served.values()) >= ANALYSES // 10
    quoted = ", ".join(f"'{name}'" for name in names)
    kept = two.sql(
        "SELECT count(*), count(DISTINCT i.external_id) FROM agent_engine.analyses a"  # noqa: S608 - names of our own
        f" JOIN agent_engine.interactions i ON i.id = a.interaction_id WHERE i.external_id IN ({quoted})"
    )
    assert kept.strip() == f"{ANALYSES}|{ANALYSES}", "each was done once"


def test_both_answer_to_one_name_within_the_network(two: Platform) -> None:
    script = "import socket; print(len({found[4][0] for found in socket.getaddrinfo('agent-engine', 8001)}))"
    network = f"{two.name}-network"
    assert docker("run", "--rm", "--network", network, "--entrypoint", "python", IMAGE, "-c", script) == "2"
