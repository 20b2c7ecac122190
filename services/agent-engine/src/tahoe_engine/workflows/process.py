"""DBOS in this process, which knows only one at a time: it keeps its state in its modules."""

import logging

import psycopg
import sqlalchemy as sa
from dbos import DBOS
from dbos._context import current_owner_xid
from dbos._error import DBOSInitializationError
from dbos._serialization import DBOSPortableJSON

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.errors import UnavailableError
from tahoe_engine.memory.upkeep import MemoryUpkeep
from tahoe_engine.workflows.client import RunClient
from tahoe_engine.workflows.connections import SystemEngine, explain
from tahoe_engine.workflows.lease import Lease
from tahoe_engine.workflows.lease_table import Executor
from tahoe_engine.workflows.logs import tame_logs
from tahoe_engine.workflows.memory_upkeep import MemoryUpkeepRuns
from tahoe_engine.workflows.names import APPLICATION, UPKEEP_SCHEDULE, VERSION
from tahoe_engine.workflows.options import WorkerOptions
from tahoe_engine.workflows.runner import Runner
from tahoe_engine.workflows.schema import get_system_schema

# For DBOS's own threads. The listener and the lease have one connection each beside the pool.
_SPARE_CONNECTIONS = 3

log = logging.getLogger(__name__)


class DbosProcess:
    """Launched once, destroyed once. Every method blocks.

    Args:
        address: The service's schema, as the application's role.
        executor: Who this process is.
        runner: Brings work to the event loop; it learns here by what its runs are held.
        options: How the process works.
    """

    def __init__(self, address: DatabaseAddress, executor: Executor, runner: Runner, options: WorkerOptions) -> None:
        self._address = address
        self._executor = executor
        self._runner = runner
        self._options = options
        self._pool = SystemEngine(address, "tahoe runs", pool_size=options.concurrency + _SPARE_CONNECTIONS)
        self._client = RunClient(address)
        self._lease: Lease | None = None
        self._dbos: DBOS | None = None

    def launch(self, upkeep: MemoryUpkeep) -> None:
        """Takes the lease, then begins to work: with DBOS launched first, the others would take us for dead.

        Raises:
            UnavailableError: The database does not answer, or its schema for runs is missing or older than this code.
        """
        tame_logs()
        lease = Lease(self._address, self._executor, self._options.lease, self._runner.list_running)
        lease.take()
        self._lease = lease
        self._runner.hold_by(lease, self._owns)
        try:
            self._launch_dbos(upkeep)
        except (psycopg.Error, sa.exc.DBAPIError) as error:
            raise explain(error, self._address) from error
        except DBOSInitializationError as error:
            raise UnavailableError(
                f"The schema {get_system_schema(self._address.schema)} at {self._address.place} is not at the form that"
                " this code needs.",
                cure="Run: tahoe db upgrade",
            ) from error

    def destroy(self) -> None:
        """Hands over what is not finished, and lets go of everything; after a launch that failed, too."""
        DBOS.destroy(destroy_registry=True)
        if self._lease is not None:
            self._lease.give_up()
        self._client.close()
        self._pool.close()

    def _launch_dbos(self, upkeep: MemoryUpkeep) -> None:
        self._dbos = DBOS(
            config={
                "name": APPLICATION,
                "system_database_engine": self._pool.engine,
                "dbos_system_schema": get_system_schema(self._address.schema),
                "run_migrations": False,
                "executor_id": self._executor.id,
                "application_version": VERSION,
                # Not DBOS's default, which unpickles what it finds in the database.
                "serializer": DBOSPortableJSON,
                "log_level": logging.getLevelName(logging.WARNING),
            }
        )
        request_all_teams = MemoryUpkeepRuns(upkeep, self._runner, self._client, self._options).register()
        self._client.register_upkeep_queue(self._options.concurrency, self._options.poll_seconds)
        DBOS.launch()
        # Runs without a version, as requests make them, go to the newest only: after a rollback that is the old one.
        DBOS.set_latest_application_version(VERSION)
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": UPKEEP_SCHEDULE,
                    "workflow_fn": request_all_teams,
                    "schedule": self._options.sweep_cron,
                }
            ]
        )

    def _owns(self, run_id: str) -> bool:
        """Whether the run is still that of the calling thread's execution, by the token of its claim."""
        if self._dbos is None:
            return False
        owner: str | None = self._dbos._sys_db.get_workflow_owner(run_id)  # noqa: SLF001 - there is no public way
        return owner is not None and owner == current_owner_xid(run_id)
