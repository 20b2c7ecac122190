"""Upkeep of memory as runs: one a team, and one that asks for all teams."""

import logging
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypedDict
from uuid import UUID

from dbos import DBOS

from tahoe_core.errors import TahoeError
from tahoe_engine.memory.upkeep import MemoryUpkeep, UpkeepStep
from tahoe_engine.workflows.client import RunClient
from tahoe_engine.workflows.names import REQUEST_ALL_TEAMS, TIDY_TEAM
from tahoe_engine.workflows.options import UpkeepOptions, WorkerOptions
from tahoe_engine.workflows.runner import Runner

# Being handed over counts as well, so a run has to live through a few deployments; one that kills its worker each time
# is given up after that many.
_MAX_TAKE_OVERS = 10
_LIST_SECONDS = 60.0
_MAX_DELETIONS = 20

type ScheduledFunction = Callable[[datetime, object], None]

log = logging.getLogger(__name__)


class Batch(TypedDict):
    """What is written down of a batch: that it changed so many rows, or the kind of error that it failed with."""

    changed: int
    failed: str | None


class UpkeepFailedError(TahoeError):
    """Some of a team's upkeep failed again and again; the rest was done."""


class MemoryUpkeepRuns:
    """Registers with DBOS, in a process that is going to launch it, how memory is kept.

    Args:
        upkeep: What does the work.
        runner: Brings it from DBOS's threads to the event loop.
        client: Asks for the runs of all teams.
        options: The bounds.
    """

    def __init__(self, upkeep: MemoryUpkeep, runner: Runner, client: RunClient, options: WorkerOptions) -> None:
        self._upkeep = upkeep
        self._runner = runner
        self._client = client
        self._options = options

    def register(self) -> ScheduledFunction:
        """Registers both functions; returns the one that a schedule is to call."""
        register = partial(DBOS.workflow, max_recovery_attempts=_MAX_TAKE_OVERS)

        @register(name=TIDY_TEAM)
        def tidy_team(team_id: str) -> int:
            with self._runner.run(_get_run_id()):
                return _Tidying(self._upkeep, self._runner, self._options.upkeep, UUID(team_id)).go()

        @register(name=REQUEST_ALL_TEAMS)
        def request_all_teams(_scheduled_at: datetime, _context: object) -> None:
            with self._runner.run(run_id := _get_run_id()):
                DBOS.run_step({"name": "request"}, self._request_all, run_id)
                DBOS.run_step({"name": "delete_finished"}, self._delete_finished, run_id)

        return request_all_teams

    def _request_all(self, run_id: str) -> int:
        teams = self._runner.call(run_id, self._upkeep.list_teams, _LIST_SECONDS)
        for team_id in teams:
            self._runner.require(run_id)
            self._client.request_upkeep(team_id)
        return len(teams)

    def _delete_finished(self, run_id: str) -> int:
        deleted = 0
        for _ in range(_MAX_DELETIONS):
            self._runner.require(run_id)
            now = self._client.delete_finished(self._options.keep_days)
            if not now:
                break
            deleted += now
        return deleted


class _Tidying:
    """One run for one team: all steps in order, again while there was something to do.

    Who asks while a run goes on gets no second one, so what came in meanwhile is seen by the next pass; what comes in
    during the last, in which nothing was left, by the next schedule.
    """

    def __init__(self, upkeep: MemoryUpkeep, runner: Runner, options: UpkeepOptions, team_id: UUID) -> None:
        self._upkeep = upkeep
        self._runner = runner
        self._options = options
        self._team_id = team_id
        self._failed: dict[UpkeepStep, str] = {}

    def go(self) -> int:
        """Returns how many rows changed in all.

        Raises:
            UpkeepFailedError: A step failed; the others were gone through nevertheless.
        """
        changed = 0
        for _ in range(self._options.max_passes):
            in_pass = sum(self._run_step(step) for step in UpkeepStep if step not in self._failed)
            changed += in_pass
            if not in_pass:
                break
        if self._failed:
            kinds = ", ".join(f"{step} ({kind})" for step, kind in self._failed.items())
            raise UpkeepFailedError(f"Upkeep of the memory of team {self._team_id} failed: {kinds}.")
        return changed

    def _run_step(self, step: UpkeepStep) -> int:
        changed = 0
        for _ in range(self._options.max_batches):
            batch = DBOS.run_step({"name": step.value}, self._run_batch, step)
            if batch["failed"] is not None:
                self._failed[step] = batch["failed"]
                break
            if not batch["changed"]:
                break
            changed += batch["changed"]
        return changed

    def _run_batch(self, step: UpkeepStep) -> Batch:
        """Tries until it works or the attempts are used up.

        Not by DBOS's own retries: they write an error's text into the database and the log, and it may hold what
        people said.
        """
        run_id = _get_run_id()
        for attempt in range(1, self._options.attempts + 1):
            try:
                work = partial(self._upkeep.run_step, self._team_id, step)
                return Batch(changed=self._runner.call(run_id, work, self._options.batch_seconds), failed=None)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other steps and teams go on
                kind, is_last = type(error).__name__, attempt == self._options.attempts
                log.log(
                    logging.ERROR if is_last else logging.WARNING,
                    "upkeep_step_failed",
                    extra={
                        "team_id": str(self._team_id),
                        "step": step.value,
                        "error": kind,
                        "at": _find_place(error),
                        "attempt": attempt,
                        "is_last": is_last,
                    },
                )
                if is_last:
                    return Batch(changed=0, failed=kind)
                self._runner.pause(self._options.retry_seconds * 2 ** (attempt - 1))
        raise AssertionError("unreachable")


def _get_run_id() -> str:
    run_id: str | None = DBOS.workflow_id
    if run_id is None:
        raise TahoeError("This is no run.")
    return run_id


def _find_place(error: BaseException) -> str:
    """Where it was raised, as file and line: a traceback would hold the error's text."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
