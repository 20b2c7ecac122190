"""Schemas for runs on the real Postgres, and what looks into them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.address import DatabaseAddress, quote_identifier
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_engine.workflows.migrate import upgrade_workflows
from tahoe_engine.workflows.schema import get_system_schema


class Database(Protocol):
    """What the fixtures of the whole engine call a database."""

    @property
    def app(self) -> DatabaseAddress: ...

    @property
    def owner(self) -> DatabaseAddress: ...


class Runs:
    """Looks into the schema of the runs, as its owner."""

    def __init__(self, database: Database, engine: AsyncEngine) -> None:
        self.database = database
        self.schema = get_system_schema(database.owner.schema)
        self._engine = engine

    async def fetch(self, query: str, **values: object) -> list[Any]:
        """Runs a statement, in which `{runs}`, `{steps}` and the like stand for the tables."""
        quoted = quote_identifier(self.schema)
        names = {
            "runs": "workflow_status",
            "inputs": "workflow_input",
            "outputs": "workflow_output",
            "steps": "operation_outputs",
            "leases": "tahoe_lease",
            "revision": "tahoe_revision",
            "migrations": "dbos_migrations",
        }
        for name, table in names.items():
            query = query.replace("{" + name + "}", f"{quoted}.{table}")
        async with self._engine.begin() as connection:
            result = await connection.execute(text(query), values)
            return list(result.all()) if result.returns_rows else []

    async def count(self, status: str, name: str = "tidy_team") -> int:
        """Counts the runs with a status."""
        rows = await self.fetch(
            "SELECT count(*) FROM {runs} WHERE status = :status AND name = :name", status=status, name=name
        )
        return int(rows[0][0])


type MakeSchema = Callable[[str], Database]


@asynccontextmanager
async def migrated_runs(make_schema: MakeSchema) -> AsyncIterator[Runs]:
    """A migrated schema, which is dropped in the end."""
    database = make_schema(f"runs_{uuid4().hex[:12]}")
    await upgrade_workflows(database.owner, database.app.user)
    engine = get_engine(database.owner, EngineOptions(pool_size=1))
    yield Runs(database, engine)
    async with engine.begin() as connection:
        for schema in (database.owner.schema, get_system_schema(database.owner.schema)):
            await connection.execute(text(f"DROP SCHEMA IF EXISTS {quote_identifier(schema)} CASCADE"))
    await engine.dispose()


@pytest.fixture(scope="session")
async def shared_runs(make_schema: MakeSchema) -> AsyncIterator[Runs]:
    async with migrated_runs(make_schema) as runs:
        yield runs


@pytest.fixture
async def runs(shared_runs: Runs) -> AsyncIterator[Runs]:
    """A schema in which nothing stands, and in which nothing is left."""
    yield shared_runs
    tables = await shared_runs.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = :name", name=shared_runs.schema
    )
    for (table,) in tables:
        if table not in {"dbos_migrations", "tahoe_revision"}:
            await shared_runs.fetch(f"DELETE FROM {quote_identifier(shared_runs.schema)}.{table}")  # noqa: S608


@pytest.fixture
async def own_runs(make_schema: MakeSchema) -> AsyncIterator[Runs]:
    """A schema that the test may damage."""
    async with migrated_runs(make_schema) as runs:
        yield runs


async def eventually(is_so: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> float:
    """Waits until it is so; returns how long it took."""
    begin = time.monotonic()
    while not await is_so():
        assert time.monotonic() < begin + seconds, "It did not come about in time."
        await asyncio.sleep(0.05)
    return time.monotonic() - begin


type Eventually = Callable[..., Awaitable[float]]


@pytest.fixture(name="eventually")
def give_eventually() -> Eventually:
    return eventually
