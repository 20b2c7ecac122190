"""A real Postgres for the engine's tests: migrated once, and each test is rolled back."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker
from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_core.db.session import team_session
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_core.postgres.testing import temporary_postgres
from tahoe_engine.db.migrate import upgrade
