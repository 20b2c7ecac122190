"""A real Postgres for the engine's tests: migrated once a run, and each test is rolled back.

`TAHOE_TEST_DATABASE_URL` and `TAHOE_TEST_DATABASE_OWNER_URL` name another one than the embedded, for instance
PostgreSQL 17 in a container; the tests then make schemas of their own in it, as the owner, and drop them again.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
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
from tahoe_engine.models.scorecard import ScorecardDefinition

DEFINITION = ScorecardDefinition.model_validate(
    {
        "name": "support",
        "categories": {"opening": {"title": "Opening", "weight": 2}, "closing": {}},
        "requirements": [
            {
                "id": "greeting",
                "title": "Greets",
                "category": "opening",
                "checks": [{"type": "pattern", "patterns": ["hello"]}],
            },
            {
                "id": "farewell",
                "title": "Says goodbye",
                "category": "closing",
                "checks": [{"type": "pattern", "patterns": ["bye"]}],
            },
        ],
    }
)


@dataclass(frozen=True)
class Database:
    """A migrated schema: the application's way in, and the owner's."""

    app: DatabaseAddress
    owner: DatabaseAddress


class OpenSession(Protocol):
    """Opens a unit of work of a team inside the test's transaction."""

    def __call__(self, team_id: UUID) -> AbstractAsyncContextManager[AsyncSession]: ...


@pytest.fixture(scope="session")
def make_schema() -> Iterator[Callable[[str], Database]]:
    """Makes empty schemas of one server, with two roles of which neither is superuser."""
    app_url, owner_url = (os.environ.get(f"TAHOE_TEST_DATABASE_{name}") for name in ("URL", "OWNER_URL"))
    if app_url and owner_url:
        app, owner = DatabaseAddress.parse(app_url), DatabaseAddress.parse(owner_url)
        yield lambda schema: Database(replace(app, schema=schema), replace(owner, schema=schema))
        return
    with temporary_postgres() as postgres:

        def make(schema: str) -> Database:
            roles = ServiceDatabase(schema, "agent_engine_owner", "agent_engine_app")
            urls = provision_service(postgres.home, roles)
            return Database(DatabaseAddress.parse(urls.app_url), DatabaseAddress.parse(urls.owner_url))

        yield make


@pytest.fixture
async def fresh(make_schema: Callable[[str], Database]) -> AsyncIterator[Database]:
    """A schema of the test's own, in which nothing was migrated."""
    database = make_schema(f"fresh_{uuid4().hex[:12]}")
    yield database
    await drop_schema(database.owner)


@pytest.fixture(scope="session")
async def database(make_schema: Callable[[str], Database]) -> AsyncIterator[Database]:
    """The migrated schema that the tests share."""
    database = make_schema(f"engine_{uuid4().hex[:12]}")
    await upgrade(database.owner, database.app.user)
    await forgo_statistics(database.owner)
    yield database
    await drop_schema(database.owner)


async def forgo_statistics(owner: DatabaseAddress) -> None:
    """Plans are looked at, and must not depend on whether autovacuum came by in time to see rows that are all alike."""
    engine = get_engine(owner, EngineOptions(pool_size=0))
    async with engine.begin() as connection:
        for table in ("analyses", "interactions"):
            await connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
    await engine.dispose()


async def drop_schema(owner: DatabaseAddress) -> None:
    engine = get_engine(owner, EngineOptions(pool_size=0))
    async with engine.begin() as connection:
        await connection.execute(text(f"DROP SCHEMA IF EXISTS {quote_identifier(owner.schema)} CASCADE"))
    await engine.dispose()


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


@pytest.fixture(scope="session")
def definition() -> ScorecardDefinition:
    return DEFINITION
