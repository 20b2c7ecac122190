"""A worker beside a server that starts whether or not its database does."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.errors import UnavailableError
from tahoe_engine.memory.upkeep import MemoryUpkeep
from tahoe_engine.workflows.options import WorkerOptions
from tahoe_engine.workflows.running import running_worker

RETRY_SECONDS = 5.0

log = logging.getLogger(__name__)


@asynccontextmanager
async def keep_working(
    address: DatabaseAddress, upkeep: MemoryUpkeep, options: WorkerOptions | None = None
) -> AsyncIterator[None]:
    """Works on runs while the block runs, from the moment on at which the database lets it.

    Args:
        address: The service's schema, as the application's role.
        upkeep: What keeps memory.
        options: How the worker works.
    """
    working = asyncio.create_task(_work(address, upkeep, options))
    try:
        yield
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


async def _work(address: DatabaseAddress, upkeep: MemoryUpkeep, options: WorkerOptions | None) -> None:
    while True:
        try:
            async with running_worker(address, upkeep, options):
                await asyncio.Event().wait()
        except UnavailableError as error:
            log.warning("worker_waits", extra={"reason": str(error), "retry_seconds": RETRY_SECONDS})
            await asyncio.sleep(RETRY_SECONDS)
