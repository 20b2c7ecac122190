"""Everything a command needs, ready: database, identity, services."""

import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tahoe_cli.database import Database, is_current, open_database, require_current
from tahoe_cli.presence import present
from tahoe_cli.seeding import seed_team
from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.page import PageRequest
from tahoe_core.db.session import team_session
from tahoe_core.logs import configure_logging
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.composition import Services, compose
from tahoe_engine.settings import EngineSettings


@dataclass(frozen=True)
class Opened:
    """A database that is migrated, and the services on it."""

    database: Database
    services: Services


@asynccontextmanager
async def open_services(
    settings: EngineSettings, compose: Callable[[EngineSettings, DatabaseAddress], Services] = compose
) -> AsyncIterator[Opened]:
    """Opens the services; the embedded Postgres is started, migrated and seeded first where it has to be.

    Args:
        settings: What the environment says.
        compose: Builds the services: `compose_server` where they are to be served.

    Raises:
        TahoeError: Something that is needed cannot be had; the message says what to do.
    """
    # A command's standard error is for people: what is only informative is left out, unless it was asked for.
    level = settings.log_level if "log_level" in settings.model_fields_set else "warning"
    configure_logging(level, settings.log_format)
    database = open_database(settings)
    services = compose(settings, database.app)
    try:
        if database.embedded is None:
            await require_current(database)
        elif not await is_current(database) or await _is_empty(services):
            await _prepare(database, services)
        with present(settings.home) if database.embedded else nullcontext():
            yield Opened(database, services)
    finally:
        await services.aclose()


async def _prepare(database: Database, services: Services) -> None:
    """Two commands that start on one empty home at once do this one after the other."""
    with _locked(services.settings.home / "prepare.lock"):
        await require_current(database)
        if await _is_empty(services):
            await seed_team(services)


async def _is_empty(services: Services) -> bool:
    async with team_session(services.sessions, services.identity.team_id) as session:
        page = await ScorecardCatalog(session).list_page(PageRequest(limit=1), include_inactive=True)
    return not page.items


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
