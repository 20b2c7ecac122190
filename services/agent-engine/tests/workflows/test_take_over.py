"""Workers as real processes that are killed, frozen and stopped."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote
from uuid import uuid4

import pytest

from tahoe_core.db.address import DatabaseAddress
from tahoe_engine.memory.upkeep import UpkeepStep
from tahoe_engine.workflows.options import LeaseOptions, WorkerOptions
from tahoe_engine.workflows.requests import UpkeepQueue
from tahoe_engine.workflows.testing import Done, ProcessPlan, RecordedUpkeep

type Eventually = Callable[..., Awaitable[float]]
type StartWorkers = Callable[..., Awaitable[list["WorkerProcess"]]]

BATCHES = 10
SECONDS_A_BATCH = 0.2
# Both passes: six steps that find nothing (more) each, and the batches.
LINES = 2 * len(UpkeepStep) + BATCHES
TAKE_OVER_SECONDS = 10.0


class Database(Protocol):
    @property
    def app(self) -> DatabaseAddress: ...


class Runs(Protocol):
    database: Database

    async def fetch(self, query: str, **values: object) -> list[Any]: ...
    async def count(self, status: str, name: str = "tidy_team") -> int: ...


class WorkerProcess:
    """`python -m tahoe_engine.workflows.testing`."""

    def __init__(self, plan: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tahoe_engine.workflows.testing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(plan + "\n")
        self._process.stdin.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def expect(self, word: str) -> None:
        assert self._process.stdout is not None
        assert (await asyncio.to_thread(self._process.stdout.readline)).strip() == word

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=30)


@pytest.fixture
def record(tmp_path: Path) -> RecordedUpkeep:
    return RecordedUpkeep(tmp_path / "done")


@pytest.fixture
def start_workers(runs: Runs, tmp_path: Path) -> Iterator[StartWorkers]:
    """Starts two, of which either may take a run."""
    app = runs.database.app
    started: list[WorkerProcess] = []

    async def start(lease: LeaseOptions | None = None) -> list[WorkerProcess]:
        plan = ProcessPlan(
            url=f"postgresql://{quote(app.user, safe='')}:{quote(app.password or '', safe='')}@{app.host}:{app.port}"
            f"/{app.database}?schema={app.schema}",
            path=tmp_path / "done",
            left={UpkeepStep.EMBEDDING: BATCHES},
            seconds=SECONDS_A_BATCH,
            options=WorkerOptions(poll_seconds=0.5, grace_seconds=0.5, lease=lease or LeaseOptions()),
        )
        started.extend(WorkerProcess(plan.model_dump_json()) for _ in range(2))
        for worker in started:
            await worker.expect("started")
        return started

    yield start
    for worker in started:
        worker.end()


async def begin(runs: Runs, record: RecordedUpkeep, workers: Sequence[WorkerProcess], eventually: Eventually) -> int:
    """Has a run begun; returns the index of the worker that is in the middle of it."""
    queue = UpkeepQueue(runs.database.app)
    await queue.request(uuid4())
    await queue.aclose()

    async def is_in_the_middle() -> bool:
        return len(record.read()) >= 4

    await eventually(is_in_the_middle)
    return [worker.pid for worker in workers].index(record.read()[0].pid)


def list_done(record: RecordedUpkeep, worker: WorkerProcess) -> Sequence[Done]:
    return [done for done in record.read() if done.pid == worker.pid]


def is_done_by(record: RecordedUpkeep, worker: WorkerProcess) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return bool(list_done(record, worker))

    return look


def has_ended(runs: Runs) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await runs.count("SUCCESS") == 1

    return look


def assert_nothing_was_done_twice(record: RecordedUpkeep, in_flight: int) -> None:
    """But for what was going on when it stopped."""
    lines = record.read()
    assert sum(done.changed for done in lines) == BATCHES
    assert LINES <= len(lines) <= LINES + in_flight


class TestAWorkerThatIsKilled:
    async def test_is_replaced_within_ten_seconds_and_no_finished_step_is_done_again(
        self, runs: Runs, record: RecordedUpkeep, start_workers: StartWorkers, eventually: Eventually
    ) -> None:
        workers = await start_workers()
        killed = await begin(runs, record, workers, eventually)
        workers[killed].send(signal.SIGKILL)
        killed_at = time.time()
        other = workers[1 - killed]
        await eventually(is_done_by(record, other), TAKE_OVER_SECONDS)
        assert list_done(record, other)[0].at - killed_at < TAKE_OVER_SECONDS
        await eventually(has_ended(runs), 20)
        assert_nothing_was_done_twice(record, in_flight=1)


class TestAWorkerThatIsFrozen:
    async def test_goes_no_further_with_a_run_that_was_taken_over(
        self, runs: Runs, record: RecordedUpkeep, start_workers: StartWorkers, eventually: Eventually
    ) -> None:
        workers = await start_workers(LeaseOptions(seconds=2.5, beat_seconds=0.5))
        frozen = await begin(runs, record, workers, eventually)
        workers[frozen].send(signal.SIGSTOP)
        before = len(list_done(record, workers[frozen]))
        await eventually(is_done_by(record, workers[1 - frozen]), TAKE_OVER_SECONDS)
        workers[frozen].send(signal.SIGCONT)
        await eventually(has_ended(runs), 20)
        assert len(list_done(record, workers[frozen])) <= before + 1
        assert_nothing_was_done_twice(record, in_flight=1)


class TestAWorkerThatIsStopped:
    async def test_hands_over_at_once(
        self, runs: Runs, record: RecordedUpkeep, start_workers: StartWorkers, eventually: Eventually
    ) -> None:
        workers = await start_workers()
        stopped = await begin(runs, record, workers, eventually)
        workers[stopped].send(signal.SIGTERM)
        await workers[stopped].expect("stopped")
        assert len(await runs.fetch("SELECT executor_id FROM {leases}")) == 1
        assert await eventually(is_done_by(record, workers[1 - stopped])) < LeaseOptions().seconds
        await eventually(has_ended(runs), 20)
        assert_nothing_was_done_twice(record, in_flight=0)
