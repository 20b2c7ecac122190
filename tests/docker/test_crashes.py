"""Each container killed in turn: it comes back by itself, and nothing is lost."""

from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from containers import ENGINE, Platform, docker, inspect, wait_until
from remembered import Record, Remembered, analyze


def tell(client: httpx.Client) -> Record:
    key = f"docker-{uuid4()}"
    analysis = analyze(client, key, headers={"Idempotency-Key": key})
    memory = Remembered.add(client, f"Ben wants invoices for {key} sent to his office.")
    return Record(analysis, memory, key, datetime.now(UTC))


def starts(container: str) -> str:
    return str(inspect(container)["State"]["StartedAt"])


@pytest.mark.parametrize("part", ["redis", "postgres", "agent-engine"])
def test_a_killed_container_comes_back_with_nothing_lost(platform: Platform, client: httpx.Client, part: str) -> None:
    record = tell(client)
    (replica,) = platform.list_replicas()
    container = replica if part == "agent-engine" else f"{platform.name}-{part}"
    killed_at, others = starts(container), starts(replica)
    platform.kill(container)
    wait_until(lambda: starts(container) != killed_at, f"{part} is started again")
    platform.wait_until_ready()
    with platform.client() as again:
        record.assert_kept(again)
        tell(again).assert_kept(again)
    if part != "agent-engine":
        assert starts(replica) == others, "the service recovered without being started again"


class TestWithoutWhatItNeeds:
    def test_a_service_starts_says_so_and_recovers_by_itself(self, platform: Platform) -> None:
        platform.wait_until_ready()
        (replica,) = platform.list_replicas()
        docker("stop", f"{platform.name}-postgres", f"{platform.name}-redis")
        docker("restart", replica)
        wait_until(lambda: platform.answers("/health", replica) == httpx.codes.OK, "it lives")
        started = starts(replica)
        answer = httpx.get(f"{platform.address(replica)}/ready", timeout=10)
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert {check["name"]: check["status"] for check in answer.json()["checks"]} == {
            "database": "down",
            "cache": "down",
        }
        docker("start", f"{platform.name}-postgres", f"{platform.name}-redis")
        platform.wait_until_ready()
        assert starts(replica) == started

    def test_a_migration_says_what_is_wrong(self, platform: Platform) -> None:
        docker("stop", f"{platform.name}-postgres")
        try:
            with pytest.raises(AssertionError, match=r"postgres:5432|does not answer|cannot be reached"):
                platform.compose("run", "--rm", "migrate", folder=ENGINE)
        finally:
            docker("start", f"{platform.name}-postgres")
        platform.wait_until_ready()


def test_told_to_stop_a_service_ends_by_itself(platform: Platform, client: httpx.Client) -> None:
    (replica,) = platform.list_replicas()
    docker("stop", "--time", "40", replica)
    state = inspect(replica)["State"]
    assert state["ExitCode"] != 137, "it was not killed"
    docker("start", replica)
    platform.wait_until_ready()


def test_migrations_that_run_at_once_are_done_one_after_the_other(platform: Platform) -> None:
    ids = [platform.compose("run", "--detach", "migrate", folder=ENGINE).split()[-1] for _ in range(3)]
    assert [docker("wait", one) for one in ids] == ["0", "0", "0"]
    docker("rm", *ids)
