"""The lease by which the other workers know that this process lives, and its watch over theirs."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import psycopg

from tahoe_core.db.address import DatabaseAddress
from tahoe_engine.workflows.connections import connect, explain
from tahoe_engine.workflows.lease_table import Executor, LeaseTable
from tahoe_engine.workflows.options import LeaseOptions

_APPLICATION_NAME = "tahoe lease"
_STATEMENT_SECONDS = 4
_REPORT_SECONDS = 60.0
_WAIT_POLL_SECONDS = 0.05
_END_SECONDS = 15.0
NEVER = float("inf")

log = logging.getLogger(__name__)


class Lease:
    """Held from `take` to `give_up`, on a thread and a connection of its own: nothing else can keep it from beating.

    With each beat it also takes over what dead workers have left, except for one lease's time after it started, after
    Postgres started, and after it could not beat itself: whoever comes back first would take the living for dead.

    Args:
        address: The service's schema, as the application's role.
        executor: Who this process is.
        options: How often, and for how long.
        list_running: Gives the runs that this process works on.
    """

    def __init__(
        self,
        address: DatabaseAddress,
        executor: Executor,
        options: LeaseOptions,
        list_running: Callable[[], Sequence[str]],
    ) -> None:
        self._address = address
        self._options = options
        self._list_running = list_running
        self._table = LeaseTable(address.schema, executor, options.seconds)
        self._connection: psycopg.Connection | None = None
        self._renewed_at = -NEVER
        self._sweeps_from = 0.0
        self._reports_at = 0.0
        self._stranded: Mapping[str, int] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="tahoe-lease", daemon=True)

    @property
    def is_held(self) -> bool:
        """Whether nobody can have taken our runs over, judged by our own clock from the start of the last beat."""
        return time.monotonic() < self._renewed_at + self._options.seconds

    def take(self) -> None:
        """Enters the lease; DBOS must not be launched before.

        Raises:
            UnavailableError: The database does not answer, or its schema for runs is missing.
        """
        try:
            self._renew()
            self._table.forget_old(self._connect())
        except psycopg.Error as error:
            self._disconnect()
            raise explain(error, self._address) from error
        self._thread.start()

    def wait_until_held(self, seconds: float) -> bool:
        """Waits for the next beat after a lapse; False: there was none in time."""
        deadline = time.monotonic() + seconds
        while not self.is_held:
            if time.monotonic() > deadline or self._ending.is_set():
                return False
            time.sleep(_WAIT_POLL_SECONDS)
        return True

    def give_up(self) -> None:
        """Hands over: ends the beat, returns our runs to the queue and removes the lease.

        If Postgres does not answer, the others find out when the lease has run out.
        """
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(_END_SECONDS)
        self._renewed_at = -NEVER
        try:
            runs = self._table.give_up(self._connect())
        except psycopg.Error as error:
            log.warning("runs_not_handed_over", extra={"error": type(error).__name__})
        else:
            if runs:
                log.info("runs_handed_over", extra={"runs": list(runs)})
        finally:
            self._disconnect()

    def _keep(self) -> None:
        while not self._ending.wait(self._options.beat_seconds):
            try:
                self._renew()
                self._look_around()
            except psycopg.Error as error:
                if self._sweeps_from != NEVER:
                    log.warning("lease_not_renewed", extra={"error": type(error).__name__})
                self._sweeps_from = NEVER
                self._disconnect()

    def _renew(self) -> None:
        begin = time.monotonic()
        was_lost = self._sweeps_from == NEVER or begin > self._renewed_at + self._options.seconds
        self._table.renew(self._connect())
        self._renewed_at = begin
        if was_lost:
            log.info("lease_taken")
            self._sweeps_from = begin + self._options.seconds

    def _look_around(self) -> None:
        now = time.monotonic()
        if now < self._sweeps_from:
            return
        taken = self._table.take_over(self._connect(), self._list_running())
        if taken:
            log.warning("runs_taken_over", extra={"runs": list(taken)})
        adopted = self._table.adopt(self._connect())
        if adopted:
            log.info("runs_adopted", extra={"runs": list(adopted)})
        if now >= self._reports_at:
            self._reports_at = now + _REPORT_SECONDS
            self._report_stranded()

    def _report_stranded(self) -> None:
        stranded = self._table.count_stranded(self._connect())
        if stranded and stranded != self._stranded:
            log.error("runs_that_no_worker_can_finish", extra={"by_version": dict(stranded)})
        self._stranded = stranded

    def _connect(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(
                self._address, _APPLICATION_NAME, autocommit=True, statement_seconds=_STATEMENT_SECONDS
            )
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
