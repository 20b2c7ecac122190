"""A worker for as long as a block runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tahoe_core.db.address import DatabaseAddress
from tahoe_engine.memory.upkeep import MemoryUpkeep
from tahoe_engine.workflows.options import WorkerOptions

if TYPE_CHECKING:
    from tahoe_engine.workflows.worker import Worker


@asynccontextmanager
async def running_worker(
    address: DatabaseAddress, upkeep: MemoryUpkeep, options: WorkerOptions | None = None
) -> AsyncIterator["Worker"]:
    """Works on runs while the block runs, and hands over at its end.

    For the life of a server (`lifespan` of `create_app`), or of a process that does nothing else:

        async with running_worker(address, upkeep):
            yield

    The block's event loop does the work, beside whatever else it does; the connection pools that `upkeep` uses have to
    be of that loop, and must not be closed before the block has ended.

    Args:
        address: The service's schema, as the application's role; `tahoe db upgrade` has prepared it.
        upkeep: What keeps memory.
        options: How the worker works.

    Raises:
        TahoeError: Another worker runs in this process.
        UnavailableError: The database does not answer, or its schema for runs is missing or too old.
    """
    from tahoe_engine.workflows.worker import Worker  # noqa: PLC0415 - DBOS takes 0.4 s, and only workers need it

    worker = Worker(address, upkeep, options)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()
