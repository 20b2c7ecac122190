"""The schema of the runs: who makes it, and what the application may do in it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_core.db.role import inspect_role
from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_engine.db.migrate import upgrade
from tahoe_engine.workflows.connections import connect
from tahoe_engine.workflows.migrate import upgrade_workflows
from tahoe_engine.workflows.running import running_worker
from tahoe_engine.workflows.schema import REVISION, get_system_schema, is_current
from tahoe_engine.workflows.testing import RecordedUpkeep


class Database(Protocol):
    @property
    def app(self) -> DatabaseAddress: ...
    @property
    def owner(self) -> DatabaseAddress: ...


class Runs(Protocol):
    database: Database
    schema: str

    async def fetch(self, query: str, **values: object) -> list[Any]: ...


@pytest.fixture
async def app_connection(runs: Runs) -> AsyncIterator[AsyncConnection]:
    engine = get_engine(runs.database.app, EngineOptions(pool_size=0))
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


class TestMigrating:
    async def test_again_changes_nothing(self, runs: Runs) -> None:
        before = await runs.fetch("SELECT relname, relacl::text FROM pg_class ORDER BY 1")
        await upgrade_workflows(runs.database.owner, runs.database.app.user)
        assert await runs.fetch("SELECT relname, relacl::text FROM pg_class ORDER BY 1") == before

    async def test_by_several_at_once_is_done_once(self, make_schema: Callable[[str], Database]) -> None:
        database = make_schema(f"runs_{uuid4().hex[:12]}")
        await asyncio.gather(*(upgrade_workflows(database.owner, database.app.user) for _ in range(4)))
        engine = get_engine(database.owner, EngineOptions(pool_size=0))
        async with engine.begin() as connection:
            system = get_system_schema(database.owner.schema)
            found = await connection.exec_driver_sql(f"SELECT revision FROM {system}.tahoe_revision")  # noqa: S608
            assert found.scalars().all() == [REVISION]
            await connection.exec_driver_sql(f"DROP SCHEMA {system} CASCADE")
        await engine.dispose()

    async def test_for_a_role_that_is_not_there_says_so(self, runs: Runs) -> None:
        with pytest.raises(InvalidInputError, match="no role 'nobody_knows'"):
            await upgrade_workflows(runs.database.owner, "nobody_knows")

    async def test_of_a_database_that_is_away_says_so_without_the_password(self) -> None:
        nowhere = DatabaseAddress.parse("postgresql://owner:made-up@127.0.0.1:9/tahoe?schema=agent_engine")
        with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9 cannot be reached") as caught:
            await upgrade_workflows(nowhere, "app")
        assert "made-up" not in str(caught.value)

    async def test_by_an_owner_who_may_make_no_schema_says_what_to_do(self, runs: Runs) -> None:
        other = replace(runs.database.app, schema=f"other_{uuid4().hex[:8]}")
        with pytest.raises(UnavailableError, match="may not make the schema") as caught:
            await upgrade_workflows(other, runs.database.app.user)
        assert f'CREATE SCHEMA "{other.schema}_dbos" AUTHORIZATION' in caught.value.cure

    def test_a_schema_whose_name_postgres_would_cut_is_refused(self) -> None:
        assert get_system_schema("x" * 58) == "x" * 58 + "_dbos"
        with pytest.raises(InvalidInputError, match="too long a name"):
            get_system_schema("x" * 59)


class TestBeingCurrent:
    @pytest.fixture
    async def migrated(self, own_runs: Runs) -> Runs:
        await upgrade(own_runs.database.owner, own_runs.database.app.user)
        return own_runs

    async def test_takes_both_histories(self, migrated: Runs) -> None:
        assert await looks_current(migrated)
        await migrated.fetch("UPDATE {revision} SET revision = 'older'")
        assert not await looks_current(migrated)

    async def test_is_denied_where_only_the_tables_were_migrated(self, migrated: Runs) -> None:
        await migrated.fetch("DROP TABLE {revision}")
        assert not await looks_current(migrated)

    async def test_is_denied_where_only_the_runs_were_migrated(self, runs: Runs) -> None:
        assert not await looks_current(runs)


async def looks_current(runs: Runs) -> bool:
    """As a command asks, with the application's role."""
    engine = get_engine(runs.database.app, EngineOptions(pool_size=0))
    try:
        async with engine.connect() as connection:
            return await is_current(connection, runs.database.app.schema)
    finally:
        await engine.dispose()


class TestTheApplicationsRole:
    async def test_owns_nothing_and_is_no_superuser(self, runs: Runs, app_connection: AsyncConnection) -> None:
        facts = await inspect_role(app_connection)
        assert facts.is_isolated
        owners = await runs.fetch(
            "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace)",
            schema=runs.schema,
        )
        assert owners == [(runs.database.owner.user,)]

    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TABLE {}.mine (id int)",
            "DROP TABLE {}.workflow_status",
            "TRUNCATE {}.workflow_status",
            "UPDATE {}.dbos_migrations SET version = 0",
            "DELETE FROM {}.tahoe_revision",
        ],
    )
    async def test_may_not_change_the_schema(self, runs: Runs, statement: str) -> None:
        with connect(runs.database.app, "test") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.format(runs.schema).encode())

    async def test_is_enough_for_a_worker(self, runs: Runs, tmp_path: Path) -> None:
        async with running_worker(runs.database.app, RecordedUpkeep(tmp_path / "done")) as worker:
            assert await runs.fetch("SELECT executor_id FROM {leases}") == [(worker.executor_id,)]


class TestAWorker:
    async def test_on_a_schema_that_is_not_there_says_what_to_do(self, runs: Runs, tmp_path: Path) -> None:
        other = replace(runs.database.app, schema="nobody_made_this")
        with pytest.raises(UnavailableError) as caught:
            async with running_worker(other, RecordedUpkeep(tmp_path / "done")):
                pass
        assert "tahoe db upgrade" in caught.value.cure

    async def test_on_a_schema_of_an_older_dbos_says_what_to_do(self, own_runs: Runs, tmp_path: Path) -> None:
        await own_runs.fetch("UPDATE {migrations} SET version = 100")
        with pytest.raises(UnavailableError, match="not at the form that this code needs") as caught:
            async with running_worker(own_runs.database.app, RecordedUpkeep(tmp_path / "done")):
                pass
        assert "tahoe db upgrade" in caught.value.cure
        assert await own_runs.fetch("SELECT executor_id FROM {leases}") == []
