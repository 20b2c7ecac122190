"""Which runs are taken over and which are left alone, on rows that say it all."""

from collections.abc import Iterator
from typing import Any, Protocol

import psycopg
import pytest

from tahoe_core.db.address import DatabaseAddress
from tahoe_engine.workflows.connections import connect
from tahoe_engine.workflows.lease_table import Executor, LeaseTable
from tahoe_engine.workflows.names import APPLICATION, VERSION

ME, PEER = Executor("me", "here"), Executor("peer", "there")
# The test's Postgres has run for longer than this, and no test takes as long.
LEASE_SECONDS = 0.5
LONG_SECONDS = 3600.0


class Database(Protocol):
    @property
    def app(self) -> DatabaseAddress: ...


class Runs(Protocol):
    database: Database
    schema: str

    async def fetch(self, query: str, **values: object) -> list[Any]: ...


@pytest.fixture
def connection(runs: Runs) -> Iterator[psycopg.Connection]:
    with connect(runs.database.app, "test", autocommit=True) as connection:
        yield connection


@pytest.fixture
def table(runs: Runs, connection: psycopg.Connection) -> LeaseTable:
    table = LeaseTable(runs.database.app.schema, ME, LEASE_SECONDS)
    LeaseTable(runs.database.app.schema, ME, LONG_SECONDS).renew(connection)
    return table


def beat_of_peer(runs: Runs, connection: psycopg.Connection, lease_seconds: float) -> None:
    LeaseTable(runs.database.app.schema, PEER, lease_seconds).renew(connection)


async def add_run(runs: Runs, **changes: object) -> None:
    """A run that a worker called `peer` has claimed, and that it began long ago."""
    row = {
        "workflow_uuid": "run",
        "status": "PENDING",
        "executor_id": "peer",
        "application_name": APPLICATION,
        "application_version": VERSION,
        "queue_name": "memory_upkeep",
        "owner_xid": "token",
        "deduplication_id": "team",
        "priority": 3,
        "created_at": 0,
        "updated_at": 0,
        "started_at_epoch_ms": 0,
    } | changes
    columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    await runs.fetch(f"INSERT INTO {{runs}} ({columns}) VALUES ({values})", **row)  # noqa: S608


class TestTakingOver:
    async def test_returns_the_run_of_a_dead_worker_to_its_queue_as_it_was(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        await add_run(runs)
        assert table.take_over(connection, []) == ["run"]
        rows = await runs.fetch(
            "SELECT status, owner_xid, started_at_epoch_ms, queue_name, deduplication_id, priority, updated_at > 0"
            " FROM {runs}"
        )
        assert rows == [("ENQUEUED", None, None, "memory_upkeep", "team", 3, True)]

    async def test_uses_the_internal_queue_for_a_run_without_one(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        await add_run(runs, queue_name=None, deduplication_id=None)
        assert table.take_over(connection, []) == ["run"]
        assert await runs.fetch("SELECT queue_name FROM {runs}") == [("_dbos_internal_queue",)]

    async def test_takes_from_a_worker_whose_lease_has_run_out(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        beat_of_peer(runs, connection, lease_seconds=-1)
        await add_run(runs)
        assert table.take_over(connection, []) == ["run"]

    async def test_leaves_alone_what_a_living_worker_has(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        beat_of_peer(runs, connection, lease_seconds=LONG_SECONDS)
        await add_run(runs)
        assert table.take_over(connection, []) == []

    @pytest.mark.parametrize("status", ["ENQUEUED", "SUCCESS", "ERROR", "CANCELLED", "DELAYED"])
    async def test_leaves_alone_what_nobody_works_on(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection, status: str
    ) -> None:
        await add_run(runs, status=status)
        assert table.take_over(connection, []) == []

    async def test_leaves_alone_what_another_application_has(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        await add_run(runs, application_name="another")
        assert table.take_over(connection, []) == []

    async def test_waits_for_a_lease_after_postgres_has_started(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        await add_run(runs)
        patient = LeaseTable(runs.database.app.schema, ME, lease_seconds=86_400)
        assert patient.take_over(connection, []) == []

    async def test_passes_by_a_row_that_somebody_has_locked(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        await add_run(runs)
        with connect(runs.database.app, "test") as other:
            other.execute(f"SELECT FROM {runs.schema}.workflow_status FOR UPDATE".encode())
            assert table.take_over(connection, []) == []

    async def test_finds_what_this_worker_claimed_and_lost_on_the_way(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        await add_run(runs, executor_id="me")
        assert table.take_over(connection, ["run"]) == []
        assert table.take_over(connection, ["another"]) == ["run"]

    async def test_gives_what_was_claimed_just_now_time_to_begin(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        await add_run(runs, executor_id="me")
        await runs.fetch("UPDATE {runs} SET started_at_epoch_ms = extract(epoch FROM now()) * 1000")
        assert table.take_over(connection, []) == []


class TestGivingUp:
    async def test_returns_only_ones_own_runs_and_ends_the_lease(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        await add_run(runs, workflow_uuid="mine", executor_id="me", deduplication_id="another team")
        await add_run(runs)
        assert table.give_up(connection) == ["mine"]
        assert await runs.fetch("SELECT executor_id FROM {leases}") == []


class TestVersions:
    async def test_a_queued_run_of_a_version_that_can_be_finished_is_adopted(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        table._values = {**table._values, "versions": ["0", VERSION]}
        await add_run(runs, status="ENQUEUED", application_version="0")
        assert table.adopt(connection) == ["run"]
        assert await runs.fetch("SELECT application_version FROM {runs}") == [(VERSION,)]

    async def test_another_is_left_and_reported_until_a_worker_lives_that_can(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        await add_run(runs, status="ENQUEUED", application_version="0")
        assert table.adopt(connection) == []
        assert table.count_stranded(connection) == {"0": 1}
        older = LeaseTable(runs.database.app.schema, PEER, LONG_SECONDS)
        older._values = {**older._values, "versions": ["0"]}
        older.renew(connection)
        assert table.count_stranded(connection) == {}


class TestLeases:
    async def test_of_processes_long_gone_are_removed(
        self, runs: Runs, table: LeaseTable, connection: psycopg.Connection
    ) -> None:
        beat_of_peer(runs, connection, lease_seconds=-2 * 86_400)
        table.forget_old(connection)
        assert await runs.fetch("SELECT executor_id FROM {leases}") == [("me",)]
