"""A process that works on runs, from inside its event loop."""

import asyncio
import logging
import os
import platform
import threading
from collections.abc import Callable
from uuid import uuid4

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.errors import TahoeError
from tahoe_engine.memory.upkeep import MemoryUpkeep
from tahoe_engine.workflows.lease_table import Executor
from tahoe_engine.workflows.options import WorkerOptions
from tahoe_engine.workflows.process import DbosProcess
from tahoe_engine.workflows.runner import Runner

_ONE_A_PROCESS = threading.Lock()

log = logging.getLogger(__name__)


class Worker:
    """Works on runs from `start` to `stop`; one a process.

    It needs the application's role only: `migrate.upgrade_workflows` has made everything as the owner.

    Args:
        address: The service's schema, as the application's role.
        upkeep: What keeps memory; called on the event loop that calls `start`.
        options: How it works.
    """

    def __init__(self, address: DatabaseAddress, upkeep: MemoryUpkeep, options: WorkerOptions | None = None) -> None:
        self._address = address
        self._upkeep = upkeep
        self._options = options or WorkerOptions()
        self._executor = Executor(id=f"{platform.node()}-{os.getpid()}-{uuid4().hex}", host=platform.node())
        self._runner: Runner | None = None
        self._process: DbosProcess | None = None

    @property
    def executor_id(self) -> str:
        """Who it is in the tables of leases and runs."""
        return self._executor.id

    async def start(self) -> None:
        """Takes the lease and begins to work.

        Raises:
            TahoeError: Another worker runs in this process.
            UnavailableError: The database does not answer, or its schema for runs is missing or too old.
        """
        if not _ONE_A_PROCESS.acquire(blocking=False):
            raise TahoeError(
                "Another worker runs in this process, and DBOS knows only one.",
                cure="Stop it first, or start this one in a process of its own.",
            )
        self._runner = Runner(asyncio.get_running_loop())
        self._process = process = DbosProcess(self._address, self._executor, self._runner, self._options)
        try:
            await _in_thread(lambda: process.launch(self._upkeep))
        except BaseException:
            await self.stop()
            raise
        log.info("worker_started", extra={"executor": self.executor_id})

    async def stop(self) -> None:
        """Hands over: batches that have begun may end within the grace, all else goes to other workers at once."""
        runner, process = self._runner, self._process
        if runner is None or process is None:
            return
        self._runner = self._process = None
        try:
            await runner.close(self._options.grace_seconds)
            await _in_thread(process.destroy)
        finally:
            _ONE_A_PROCESS.release()
        log.info("worker_stopped", extra={"executor": self.executor_id})


async def _in_thread(work: Callable[[], None]) -> None:
    """Sees it through although the caller is cancelled: half launched or half destroyed, DBOS is of no use."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise
