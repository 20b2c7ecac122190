from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_core.postgres.lifecycle import superuser_url
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.postgres.testing import temporary_postgres


@dataclass(frozen=True)
class Addresses:
    app: DatabaseAddress
    owner: DatabaseAddress
    superuser: DatabaseAddress


@pytest.fixture(scope="session")
def addresses() -> Iterator[Addresses]:
    """An empty schema with two roles, neither of them superuser."""
    with temporary_postgres() as postgres:
        urls = provision_service(postgres.home, ServiceDatabase("things", "things_owner", "things_app"))
        yield Addresses(*map(DatabaseAddress.parse, (urls.app_url, urls.owner_url, superuser_url(postgres.home))))


@pytest.fixture(scope="session")
async def app(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    engine = get_engine(addresses.app)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
async def owner(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    engine = get_engine(addresses.owner, EngineOptions(pool_size=0))
    yield engine
    await engine.dispose()


@pytest.fixture
async def superuser(addresses: Addresses) -> AsyncIterator[AsyncEngine]:
    engine = get_engine(addresses.superuser, EngineOptions(pool_size=0))
    yield engine
    await engine.dispose()
