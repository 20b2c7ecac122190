"""Asking for runs, from any process, whether it works on them itself or not."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from dbos import DBOSClient
from dbos._serialization import DBOSPortableJSON

from tahoe_core.db.address import DatabaseAddress
from tahoe_engine.workflows.connections import SystemEngine
from tahoe_engine.workflows.logs import tame_logs
from tahoe_engine.workflows.names import APPLICATION, TIDY_TEAM, UPKEEP_QUEUE
from tahoe_engine.workflows.schema import get_system_schema

_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_DELETED_AT_ONCE = 1000


class RunClient:
    """Adds runs and removes finished ones; every method blocks, so call it in a thread.

    Nothing is connected before it is needed, and an error is raised rather than waited out.

    Args:
        address: The service's schema, as the application's role.
    """

    def __init__(self, address: DatabaseAddress) -> None:
        tame_logs()
        self._pool = SystemEngine(address, "tahoe requests", pool_size=1)
        self._client = DBOSClient(
            system_database_engine=self._pool.engine,
            dbos_system_schema=get_system_schema(address.schema),
            # Not DBOS's default, which unpickles what it finds in the database.
            serializer=DBOSPortableJSON,
            application_name=APPLICATION,
            lazy=True,
            retry_connection_errors=False,
        )

    def register_upkeep_queue(self, concurrency: int, poll_seconds: float) -> None:
        """Makes the queue, or gives it these numbers; best before DBOS is launched, which then listens at once.

        Args:
            concurrency: Runs at a time in one worker.
            poll_seconds: Pause between two looks of a worker.
        """
        self._client.register_queue(
            UPKEEP_QUEUE,
            worker_concurrency=concurrency,
            polling_interval_sec=poll_seconds,
            on_conflict="always_update",
        )

    def request_upkeep(self, team_id: UUID) -> None:
        """Queues a run for the team, unless one is queued or going on."""
        self._client.enqueue(
            {
                "queue_name": UPKEEP_QUEUE,
                "workflow_name": TIDY_TEAM,
                "deduplication_id": str(team_id),
                "duplication_policy": "return-existing",
            },
            str(team_id),
        )

    def delete_finished(self, keep_days: int) -> int:
        """Removes runs that ended longer ago, a bounded number of them.

        Returns:
            How many; 0: none is left.
        """
        before = datetime.now(UTC) - timedelta(days=keep_days)
        finished = self._client.list_workflows(
            status=_FINISHED,
            completed_before=before.isoformat(),
            application_name=APPLICATION,
            limit=_DELETED_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        if finished:
            self._client.delete_workflows([run.workflow_id for run in finished])
        return len(finished)

    def close(self) -> None:
        """Closes the connection."""
        self._client.destroy()
        self._pool.close()
