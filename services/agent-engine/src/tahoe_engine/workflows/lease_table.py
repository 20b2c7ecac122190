"""What workers ask of the database beside DBOS: their leases, and runs whose worker has none any more.

Every statement on DBOS's own tables that is not DBOS's stands here. It relies on names that DBOS does not promise; the
version is pinned, and `test_dbos_contract.py` holds them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql

from tahoe_engine.workflows.names import APPLICATION, FINISHABLE_VERSIONS, VERSION
from tahoe_engine.workflows.schema import LEASE_TABLE, get_system_schema

INTERNAL_QUEUE = "_dbos_internal_queue"
_FORGET_DAYS = 1
# A run that DBOS has claimed is on its thread within milliseconds; one that is not after this was lost on the way.
_LOST_SECONDS = 30

_RENEW = """
INSERT INTO {leases} (executor_id, host, versions, expires_at)
VALUES (%(executor)s, %(host)s, %(versions)s, now() + %(lease)s)
ON CONFLICT (executor_id) DO UPDATE SET expires_at = excluded.expires_at
"""
_FORGET = "DELETE FROM {leases} WHERE expires_at < now() - make_interval(days => %(forget_days)s)"
_GIVE_UP = "DELETE FROM {leases} WHERE executor_id = %(executor)s"

# What DBOS's own recovery writes, so that its queue picks exactly one runner; its resume would leave the queue, the
# deadline and the deduplication behind. No sweep for one lease after Postgres came up: nobody could renew before.
_RETURN_RUNS = """
WITH orphans AS (
    SELECT run.workflow_uuid FROM {runs} AS run
    WHERE run.status = 'PENDING'
      AND (run.application_name = %(application)s OR run.application_name IS NULL)
      AND ({condition})
    FOR NO KEY UPDATE OF run SKIP LOCKED
)
UPDATE {runs} AS run SET
    status = 'ENQUEUED', owner_xid = NULL, started_at_epoch_ms = NULL,
    updated_at = (extract(epoch FROM now()) * 1000)::bigint,
    queue_name = coalesce(run.queue_name, %(internal_queue)s)
FROM orphans WHERE run.workflow_uuid = orphans.workflow_uuid
RETURNING run.workflow_uuid
"""
_OF_THE_DEAD = """
    now() - pg_postmaster_start_time() > %(lease)s AND (
        NOT EXISTS (
            SELECT FROM {leases} AS lease WHERE lease.executor_id = run.executor_id AND lease.expires_at > now()
        )
        OR run.executor_id = %(executor)s AND run.workflow_uuid <> ALL (%(running)s)
        AND run.started_at_epoch_ms < extract(epoch FROM now() - make_interval(secs => %(lost_seconds)s)) * 1000
    )
"""
_OF_MINE = "run.executor_id = %(executor)s"

_ADOPT = """
UPDATE {runs} SET application_version = %(version)s
WHERE status = 'ENQUEUED' AND application_name = %(application)s
  AND application_version <> %(version)s AND application_version = ANY (%(versions)s)
RETURNING workflow_uuid
"""
_STRANDED = """
SELECT run.application_version, count(*) FROM {runs} AS run
WHERE run.status IN ('ENQUEUED', 'PENDING') AND run.application_name = %(application)s
  AND run.application_version IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM {leases} AS lease WHERE lease.expires_at > now() AND run.application_version = ANY (lease.versions)
  )
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Executor:
    """One start of one process that works on runs.

    Attributes:
        id: Never used twice, so that a restarted process is not taken for the one before.
        host: Where it runs, for people who look at the table.
    """

    id: str
    host: str


class LeaseTable:
    """The statements, on a connection in autocommit that the caller keeps.

    Args:
        schema: The service's own; the tables are in the one beside it.
        executor: On whose behalf.
        lease_seconds: For how long a renewal holds.
    """

    def __init__(self, schema: str, executor: Executor, lease_seconds: float) -> None:
        system = get_system_schema(schema)
        self._names = {"leases": sql.Identifier(system, LEASE_TABLE), "runs": sql.Identifier(system, "workflow_status")}
        self._values: Mapping[str, Any] = {
            "executor": executor.id,
            "host": executor.host,
            "application": APPLICATION,
            "version": VERSION,
            "versions": sorted({VERSION, *FINISHABLE_VERSIONS}),
            "lease": timedelta(seconds=lease_seconds),
            "lost_seconds": _LOST_SECONDS,
            "forget_days": _FORGET_DAYS,
            "internal_queue": INTERNAL_QUEUE,
        }

    def renew(self, connection: psycopg.Connection) -> None:
        """Takes the lease, or has it run from now."""
        self._run(connection, _RENEW)

    def forget_old(self, connection: psycopg.Connection) -> None:
        """Removes the leases of processes that have long been gone."""
        self._run(connection, _FORGET)

    def give_up(self, connection: psycopg.Connection) -> Sequence[str]:
        """Returns the executor's runs to the queue and ends its lease; which runs those were."""
        with connection.transaction():
            runs = self._run(connection, _RETURN_RUNS.replace("{condition}", _OF_MINE))
            self._run(connection, _GIVE_UP)
        return [run for (run,) in runs]

    def take_over(self, connection: psycopg.Connection, running: Sequence[str]) -> Sequence[str]:
        """Returns to the queue what nobody works on any more: the runs of executors without a lease.

        Args:
            connection: In autocommit.
            running: What this process works on; what it claimed longer ago and does not work on was lost on the way.

        Returns:
            Which runs those were.
        """
        query = _RETURN_RUNS.replace("{condition}", _OF_THE_DEAD)
        return [run for (run,) in self._run(connection, query, running=list(running))]

    def adopt(self, connection: psycopg.Connection) -> Sequence[str]:
        """Makes queued runs of older versions that this one can finish its own; which runs those were."""
        return [run for (run,) in self._run(connection, _ADOPT)]

    def count_stranded(self, connection: psycopg.Connection) -> Mapping[str, int]:
        """Counts, by version, the runs that no living worker can finish."""
        return dict(self._run(connection, _STRANDED))

    def _run(self, connection: psycopg.Connection, query: str, **values: object) -> list[Any]:
        # The only format fields are names, and the texts are constants of this module.
        statement = sql.SQL(query).format(**self._names)
        cursor = connection.execute(statement, {**self._values, **values})
        return cursor.fetchall() if cursor.description else []
