"""A real Postgres for the engine's tests: migrated once a run, and each test is rolled back.

`TAHOE_TEST_DATABASE_URL` and `TAHOE_TEST_DATABASE_OWNER_URL` name another one than the embedded, for instance
PostgreSQL 17 in a container; the tests then make a schema of their own in it and drop it again.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from tahoe_core.db.address import DatabaseAddress, quote_identifier
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_core.db.session import team_session
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.postgres.testing import temporary_postgres
from tahoe_engine.db.migrate import upgrade


@dataclass(frozen=True)
class Database:
    """A migrated schema: the application's way in, and the owner's."""

    app: DatabaseAddress
    owner: DatabaseAddress


class OpenSession(Protocol):
    """Opens a unit of work of a team inside the test's transaction."""

    def __call__(self, team_id: UUID) -> AbstractAsyncContextManager[AsyncSession]: ...


@pytest.fixture(scope="session")
def empty_database() -> Iterator[Database]:
    """Two roles and an empty schema; a test that migrates makes a schema of its own beside it."""
    app_url, owner_url = (
        os.environ.get(name) for name in ("TAHOE_TEST_DATABASE_URL", "TAHOE_TEST_DATABASE_OWNER_URL")
    )
    if app_url and owner_url:
        schema = f"engine_test_{uuid4().hex[:12]}"
        database = Database(
            replace(DatabaseAddress.parse(app_url), schema=schema),
            replace(DatabaseAddress.parse(owner_url), schema=schema),
        )
        yield database
        asyncio.run(drop_schema(database.owner))
        return
    with temporary_postgres() as postgres:
        urls = provision_service(
            postgres.home, ServiceDatabase("agent_engine", "agent_engine_owner", "agent_engine_app")
        )
        yield Database(DatabaseAddress.parse(urls.app_url), DatabaseAddress.parse(urls.owner_url))


async def drop_schema(owner: DatabaseAddress) -> None:
    engine = get_engine(owner, EngineOptions(pool_size=0))
    async with engine.begin() as connection:
        await connection.execute(text(f"DROP SCHEMA IF EXISTS {quote_identifier(owner.schema)} CASCADE"))
    await engine.dispose()


@pytest.fixture(scope="session")
async def database(empty_database: Database) -> Database:
    await upgrade(empty_database.owner, empty_database.app.user)
    return empty_database


@pytest.fixture(scope="session")
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """Connects as the application; what is committed here stays, so its tests make up a team each."""
    engine = get_engine(database.app)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
async def owner_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """Connects as the owner of the tables."""
    engine = get_engine(database.owner, EngineOptions(pool_size=0))
    yield engine
    await engine.dispose()


@pytest.fixture
async def connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """The test's transaction, which is rolled back."""
    async with engine.connect() as connection:
        transaction = await connection.begin()
        yield connection
        await transaction.rollback()


@pytest.fixture
def open_session(connection: AsyncConnection) -> OpenSession:
    """Units of work that commit into the test's transaction."""
    factory = async_sessionmaker(
        connection, expire_on_commit=False, autoflush=False, join_transaction_mode="create_savepoint"
    )
    return lambda team_id: team_session(factory, team_id)


@pytest.fixture
def team_id() -> UUID:
    return uuid4()


@pytest.fixture
async def session(open_session: OpenSession, team_id: UUID) -> AsyncIterator[AsyncSession]:
    """One unit of work of one team, rolled back with the test."""
    async with open_session(team_id) as session:
        yield session
