"""When a worker looks for the runs of the dead, and when it knows its own to be safe."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

import psycopg
import pytest

from tahoe_core.db.address import DatabaseAddress
from tahoe_engine.workflows.lease import Lease
from tahoe_engine.workflows.lease_table import Executor
from tahoe_engine.workflows.options import LeaseOptions

type Eventually = Callable[..., Awaitable[float]]

QUICK = LeaseOptions(seconds=0.6, beat_seconds=0.1)


class Database(Protocol):
    @property
    def app(self) -> DatabaseAddress: ...


class Runs(Protocol):
    database: Database
    schema: str

    async def fetch(self, query: str, **values: object) -> list[Any]: ...


@pytest.fixture
def lease(runs: Runs) -> Iterator[Lease]:
    lease = Lease(runs.database.app, Executor("me", "here"), QUICK, list)
    lease.take()
    yield lease
    lease.give_up()


async def leave_run_of_the_dead(runs: Runs) -> Callable[[], Awaitable[bool]]:
    """A run whose worker is dead; returns what asks whether it was returned to the queue."""
    await runs.fetch(
        "INSERT INTO {runs} (workflow_uuid, status, executor_id, application_name, queue_name, priority, created_at,"
        " updated_at) VALUES ('orphan', 'PENDING', 'dead', 'tahoe-agent-engine', 'memory_upkeep', 0, 0, 0)"
    )

    async def is_taken_over() -> bool:
        rows: list[Any] = await runs.fetch("SELECT status FROM {runs}")
        return rows == [("ENQUEUED",)]

    return is_taken_over


class TestALease:
    async def test_stands_in_the_table_and_is_held_while_it_beats(self, runs: Runs, lease: Lease) -> None:
        for _ in range(3):
            assert lease.is_held
            assert await runs.fetch("SELECT executor_id FROM {leases} WHERE expires_at > now()") == [("me",)]
            await asyncio.sleep(QUICK.seconds / 2)

    async def test_looks_for_the_runs_of_the_dead_only_when_it_has_lasted(
        self, runs: Runs, lease: Lease, eventually: Eventually
    ) -> None:
        is_taken_over = await leave_run_of_the_dead(runs)
        assert await eventually(is_taken_over) > QUICK.seconds * 0.7

    async def test_that_lapses_is_not_held_until_it_beats_again(
        self, runs: Runs, lease: Lease, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(lease, "_renew", raise_outage)
            await asyncio.sleep(QUICK.seconds * 1.5)
            assert not lease.is_held
            assert not await asyncio.to_thread(lease.wait_until_held, 0.2)
        assert await asyncio.to_thread(lease.wait_until_held, 2)

    async def test_that_could_not_beat_takes_nothing_over_for_one_more(
        self, runs: Runs, lease: Lease, monkeypatch: pytest.MonkeyPatch, eventually: Eventually
    ) -> None:
        await asyncio.sleep(QUICK.seconds * 1.5)  # by now it takes over
        with monkeypatch.context() as patch:
            patch.setattr(lease, "_renew", raise_outage)
            await asyncio.sleep(QUICK.beat_seconds * 3)
        is_taken_over = await leave_run_of_the_dead(runs)
        assert await eventually(is_taken_over) > QUICK.seconds * 0.7

    async def test_survives_a_connection_that_the_server_ends(self, runs: Runs, lease: Lease) -> None:
        assert lease._connection is not None
        lease._connection.close()
        await asyncio.sleep(QUICK.seconds * 1.5)
        assert lease.is_held


def raise_outage() -> None:
    raise psycopg.OperationalError("made up")
