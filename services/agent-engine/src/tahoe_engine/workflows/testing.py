"""Upkeep that only writes down what it is asked for, and a worker process that does it; both for tests.

`python -m tahoe_engine.workflows.testing`, with a `ProcessPlan` as a line of JSON on standard input, prints `started`,
works until SIGTERM, and prints `stopped`.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.logs import configure_logging
from tahoe_engine.memory.upkeep import UpkeepStep
from tahoe_engine.workflows.options import WorkerOptions
from tahoe_engine.workflows.running import running_worker


class Done(NamedTuple):
    """One batch, as it was written down at its end."""

    team_id: UUID
    step: UpkeepStep
    changed: int
    pid: int
    at: float


class RecordedUpkeep:
    """Fulfils `MemoryUpkeep` with a file, which outlives the process: a line a batch.

    Args:
        path: The file; several processes may share it.
        left: How many batches there are to do of a step, for every team.
        seconds: How long a batch takes.
    """

    def __init__(self, path: Path, left: Mapping[UpkeepStep, int] | None = None, seconds: float = 0.0) -> None:
        self._path = path
        self._left = left or {}
        self._seconds = seconds
        self.teams: list[UUID] = []

    async def list_teams(self) -> Sequence[UUID]:
        """Lists what `teams` holds."""
        return self.teams

    async def run_step(self, team_id: UUID, step: UpkeepStep) -> int:
        """Changes one row if there is anything left to do."""
        await asyncio.sleep(self._seconds)
        done = sum(line.changed for line in self.read() if (line.team_id, line.step) == (team_id, step))
        changed = 1 if done < self._left.get(step, 0) else 0
        line = json.dumps([str(team_id), step, changed, os.getpid(), time.time()])
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        return changed

    def read(self) -> Sequence[Done]:
        """Returns all that was written down, the oldest first."""
        if not self._path.exists():
            return []
        lines = [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]
        return [Done(UUID(team), UpkeepStep(step), *rest) for team, step, *rest in lines]


class ProcessPlan(BaseModel):
    """What a worker process is to do; it comes on standard input, since the URL holds a password."""

    url: str
    path: Path
    left: dict[UpkeepStep, int]
    seconds: float
    options: WorkerOptions


async def _work(plan: ProcessPlan) -> None:
    ending = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    upkeep = RecordedUpkeep(plan.path, plan.left, plan.seconds)
    async with running_worker(DatabaseAddress.parse(plan.url), upkeep, plan.options):
        _say("started")
        await ending.wait()
    _say("stopped")


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    configure_logging("info", "json")
    asyncio.run(_work(ProcessPlan.model_validate_json(sys.stdin.readline())))
