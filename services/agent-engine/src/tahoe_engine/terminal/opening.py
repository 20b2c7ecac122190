"""How a conversation is opened, with a database and without. What is heavy is imported when one is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from tahoe_engine.settings import EngineSettings
from tahoe_engine.terminal.chat_port import TerminalChat

if TYPE_CHECKING:
    from tahoe_engine.composition import Services

type OpenServices = Callable[[EngineSettings], AbstractAsyncContextManager["Services"]]


@asynccontextmanager
async def open_kept(
    settings: EngineSettings, open_services: OpenServices, agent: str | None, actor: str
) -> AsyncIterator[TerminalChat]:
    """Opens a conversation that is written down.

    Args:
        settings: What the environment says.
        open_services: Opens the database.
        agent: Slug or id; None: the default agent.
        actor: Who acts, for the log.

    Raises:
        TahoeError: The database cannot be had, or there is no such agent.
    """
    from tahoe_engine.terminal.kept_chat import KeptChat  # noqa: PLC0415 - SQLAlchemy takes half a second

    quiet = _keep_logs_off_the_screen(settings)
    async with open_services(quiet) as services, KeptChat.open(services, agent, actor) as chat:
        yield chat


@asynccontextmanager
async def open_unkept(settings: EngineSettings) -> AsyncIterator[TerminalChat]:
    """Opens a conversation that ends with the process; the default agent answers."""
    from tahoe_engine.terminal.unkept_chat import UnkeptChat  # noqa: PLC0415 - as above

    _keep_logs_off_the_screen(settings)
    async with UnkeptChat.open(settings) as chat:
        yield chat


@asynccontextmanager
async def connect(settings: EngineSettings) -> "AsyncIterator[Services]":
    """Opens the database of DATABASE_URL, which somebody has migrated.

    Raises:
        TahoeError: It does not answer, or stands at another migration.
    """
    from tahoe_core.db.address import DatabaseAddress  # noqa: PLC0415 - as above
    from tahoe_engine.composition import compose  # noqa: PLC0415 - as above

    assert settings.database_url is not None  # noqa: S101 - who calls this has looked
    url = settings.database_url.get_secret_value()
    services = compose(settings, DatabaseAddress.parse(url, default_schema=settings.db_schema))
    try:
        await services.check_database()
        yield services
    finally:
        await asyncio.shield(services.aclose())


def _keep_logs_off_the_screen(settings: EngineSettings) -> EngineSettings:
    """The screen tells the person what goes wrong; log lines amid an answer are for those who ask for them."""
    from tahoe_core.logs import configure_logging  # noqa: PLC0415 - structlog takes 50 ms

    asked_for = "log_level" in settings.model_fields_set
    quiet = settings if asked_for else settings.model_copy(update={"log_level": "critical"})
    configure_logging(quiet.log_level, quiet.log_format)
    return quiet
