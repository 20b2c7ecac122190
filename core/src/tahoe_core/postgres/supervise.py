"""Keep the server of a long-running command alive."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from tahoe_core.errors import TahoeError
from tahoe_core.postgres.failures import system_errors_explained
from tahoe_core.postgres.home import Home
from tahoe_core.postgres.lifecycle import EmbeddedServer, start_or_adopt
from tahoe_core.postgres.lock import home_lock
from tahoe_core.postgres.log_file import trim_log
from tahoe_core.postgres.postmaster import find_postmaster
from tahoe_core.postgres.settings import DURABLE, ServerSettings
from tahoe_core.postgres.state import find_state

POLL_SECONDS = 0.5
# After the first, immediate attempt; the last pause repeats.
_PAUSES_SECONDS = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
# A server that lasted this long is well again: the pauses begin anew.
_STABLE_SECONDS = 60.0

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Sight:
    """The server as last seen; no pid when none runs, no port when none is remembered."""

    pid: int | None
    port: int | None


async def keep_running(
    home: Path, on_restart: Callable[[EmbeddedServer], Awaitable[None]], settings: ServerSettings = DURABLE
) -> None:
    """Start the home's server again, on its port, whenever it dies; connection pools then find it by themselves.

    Runs until it is cancelled, or returns when the server was stopped on purpose (`tahoe down`).

    Args:
        home: A home whose server runs.
        on_restart: Told of every new server, also of one that another command started first.
        settings: For the servers started here.

    Raises:
        EmbeddedPostgresError: The home cannot even be looked at to begin with.
    """
    files = Home.at(home)
    known = await asyncio.to_thread(_look, files)
    attempts, last_attempt = 0, time.monotonic()
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            seen = await asyncio.to_thread(_look, files)
            if seen.pid is not None and seen.pid == known.pid:
                attempts = attempts if time.monotonic() < last_attempt + _STABLE_SECONDS else 0
                continue
            await asyncio.sleep(_pause_seconds(attempts))
            attempts, last_attempt = attempts + 1, time.monotonic()
            server = await asyncio.to_thread(_restart, files, settings, known.port)
        except TahoeError as error:
            logger.error(  # noqa: TRY400 -- the error explains itself; a traceback every 30 seconds would hide it
                "embedded_postgres_down",
                error=str(error),
                attempt=attempts,
                next_try_seconds=_pause_seconds(attempts),
            )
            continue
        if server is None:
            logger.info("embedded_postgres_stopped_on_purpose", home=str(files.root))
            return
        logger.warning("embedded_postgres_restarted", pid=server.pid, port=server.port, attempt=attempts)
        known = _Sight(server.pid, server.port)
        await on_restart(server)


def _pause_seconds(attempts: int) -> float:
    return _PAUSES_SECONDS[min(attempts, len(_PAUSES_SECONDS) - 1)]


def _look(home: Home) -> _Sight:
    with system_errors_explained(f"The embedded Postgres in {home.root} cannot be looked at"):
        trim_log(home)
        data_dir = home.find_data_dir()
        postmaster = find_postmaster(data_dir) if data_dir else None
        if postmaster is not None and postmaster.port != 0:
            return _Sight(postmaster.pid, postmaster.port)
        state = find_state(home)
        return _Sight(None, state.port if state else None)


def _restart(home: Home, settings: ServerSettings, port: int | None) -> EmbeddedServer | None:
    """The new server; None when the old one was stopped on purpose."""
    with system_errors_explained(f"Postgres could not be started again in {home.root}"), home_lock(home):
        state = find_state(home)
        if state is not None and state.stopped_on_purpose:
            return None
        return start_or_adopt(home, settings, port)
