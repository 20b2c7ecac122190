"""Upkeep as runs, in a worker of this process."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

import pytest

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.errors import TahoeError
from tahoe_engine.memory.upkeep import UpkeepStep
from tahoe_engine.workflows.client import RunClient
from tahoe_engine.workflows.lease import Lease
from tahoe_engine.workflows.options import UpkeepOptions, WorkerOptions
from tahoe_engine.workflows.requests import UpkeepQueue
from tahoe_engine.workflows.running import running_worker
from tahoe_engine.workflows.testing import RecordedUpkeep

type Eventually = Callable[..., Awaitable[float]]

QUICK = WorkerOptions(poll_seconds=0.1, grace_seconds=2, upkeep=UpkeepOptions(attempts=3, retry_seconds=0.05))


class Database(Protocol):
    @property
    def app(self) -> DatabaseAddress: ...


class Runs(Protocol):
    database: Database

    async def fetch(self, query: str, **values: object) -> list[Any]: ...
    async def count(self, status: str, name: str = "tidy_team") -> int: ...


@pytest.fixture
async def queue(runs: Runs) -> AsyncIterator[UpkeepQueue]:
    queue = UpkeepQueue(runs.database.app, pause_seconds=0.1)
    yield queue
    await queue.aclose()


def has_finished(runs: Runs, count: int = 1, status: str = "SUCCESS") -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await runs.count(status) >= count

    return look


class TestARequest:
    async def test_has_every_step_done_in_order_until_nothing_is_left(
        self, runs: Runs, queue: UpkeepQueue, tmp_path: Path, eventually: Eventually
    ) -> None:
        team = uuid4()
        upkeep = RecordedUpkeep(tmp_path / "done", {UpkeepStep.EMBEDDING: 2, UpkeepStep.TIERS: 1})
        async with running_worker(runs.database.app, upkeep, QUICK):
            await queue.request(team)
            await eventually(has_finished(runs))
        first = [
            ("extraction", 0),
            ("statistics", 0),
            ("embedding", 1),
            ("embedding", 1),
            ("embedding", 0),
            ("duplicates", 0),
        ]
        first += [("expiry", 0), ("tiers", 1), ("tiers", 0), ("consolidation", 0), ("cells", 0)]
        second = [(step.value, 0) for step in UpkeepStep]
        assert [(done.step.value, done.changed) for done in upkeep.read()] == first + second
        assert {done.team_id for done in upkeep.read()} == {team}

    async def test_made_twenty_times_is_one_run_or_two(
        self, runs: Runs, queue: UpkeepQueue, tmp_path: Path, eventually: Eventually
    ) -> None:
        upkeep = RecordedUpkeep(tmp_path / "done", {UpkeepStep.EXPIRY: 1})
        other = UpkeepQueue(runs.database.app, pause_seconds=0)
        async with running_worker(runs.database.app, upkeep, QUICK):
            team = uuid4()
            for _ in range(10):
                await asyncio.gather(queue.request(team), other.request(team))
            await eventually(has_finished(runs))
            await asyncio.sleep(0.5)
        await other.aclose()
        ((count,),) = await runs.fetch("SELECT count(*) FROM {runs} WHERE name = 'tidy_team'")
        assert count in {1, 2}

    async def test_made_before_any_worker_is_there_waits_for_one(
        self, runs: Runs, tmp_path: Path, eventually: Eventually
    ) -> None:
        queue = UpkeepQueue(runs.database.app)
        await queue.request(uuid4())
        await queue.aclose()
        assert await runs.count("ENQUEUED") == 1
        async with running_worker(runs.database.app, RecordedUpkeep(tmp_path / "done"), QUICK):
            await eventually(has_finished(runs))

    async def test_is_no_error_when_the_database_is_away(self, caplog: pytest.LogCaptureFixture) -> None:
        nowhere = DatabaseAddress.parse("postgresql://app:made-up@127.0.0.1:9/tahoe?schema=agent_engine")
        queue = UpkeepQueue(nowhere)
        await queue.request(uuid4())
        await queue.aclose()
        assert "upkeep_not_requested" in caplog.text
        assert "made-up" not in caplog.text

    async def test_writes_ids_and_counts_and_nothing_else(
        self, runs: Runs, queue: UpkeepQueue, tmp_path: Path, eventually: Eventually
    ) -> None:
        team = uuid4()
        async with running_worker(runs.database.app, RecordedUpkeep(tmp_path / "done"), QUICK):
            await queue.request(team)
            await eventually(has_finished(runs))
        ((inputs,),) = await runs.fetch("SELECT inputs FROM {inputs}")
        assert inputs == f'{{"namedArgs":{{}},"positionalArgs":["{team}"]}}'
        outputs = await runs.fetch("SELECT DISTINCT output FROM {steps}")
        assert [output for (output,) in outputs] == ['{"changed":0,"failed":null}']


class TestAStepThatRaises:
    @pytest.fixture
    def upkeep(self, tmp_path: Path) -> "BrokenUpkeep":
        return BrokenUpkeep(tmp_path / "done")

    async def test_is_tried_again_and_then_reported_while_all_else_goes_on(
        self,
        runs: Runs,
        queue: UpkeepQueue,
        upkeep: "BrokenUpkeep",
        eventually: Eventually,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        broken, sound = uuid4(), uuid4()
        upkeep.broken = broken
        async with running_worker(runs.database.app, upkeep, QUICK):
            await queue.request(broken)
            await queue.request(sound)
            await eventually(has_finished(runs))
            await eventually(has_finished(runs, status="ERROR"))
        assert upkeep.attempts == QUICK.upkeep.attempts
        assert [done.step for done in upkeep.read() if done.team_id == sound] == list(UpkeepStep)
        others = [step for step in UpkeepStep if step is not UpkeepStep.EMBEDDING]
        assert [done.step for done in upkeep.read() if done.team_id == broken] == others
        reports = [record for record in caplog.records if record.msg == "upkeep_step_failed"]
        assert [record.levelno for record in reports] == [logging.WARNING, logging.WARNING, logging.ERROR]
        assert getattr(reports[-1], "error", None) == "SecretSaidError"

    async def test_leaves_no_trace_of_what_people_said(
        self,
        runs: Runs,
        queue: UpkeepQueue,
        upkeep: "BrokenUpkeep",
        eventually: Eventually,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        upkeep.broken = uuid4()
        async with running_worker(runs.database.app, upkeep, QUICK):
            await queue.request(upkeep.broken)
            await eventually(has_finished(runs, status="ERROR"))
        ((error,),) = await runs.fetch("SELECT error FROM {outputs} WHERE error IS NOT NULL")
        assert f"team {upkeep.broken} failed: embedding (SecretSaidError)" in error
        assert "hunter2" not in caplog.text + error

    async def test_is_given_up_when_it_takes_too_long(
        self, runs: Runs, queue: UpkeepQueue, tmp_path: Path, eventually: Eventually
    ) -> None:
        slow = RecordedUpkeep(tmp_path / "done", seconds=60)
        bounded = UpkeepOptions(attempts=1, batch_seconds=0.05)
        options = WorkerOptions(poll_seconds=0.1, upkeep=bounded)
        async with running_worker(runs.database.app, slow, options):
            await queue.request(uuid4())
            await eventually(has_finished(runs, status="ERROR"))
        assert slow.read() == []

    async def test_that_never_ends_is_bounded(
        self, runs: Runs, queue: UpkeepQueue, tmp_path: Path, eventually: Eventually
    ) -> None:
        endless = RecordedUpkeep(tmp_path / "done", {UpkeepStep.TIERS: 1000})
        options = WorkerOptions(poll_seconds=0.1, upkeep=UpkeepOptions(max_batches=3, max_passes=2))
        async with running_worker(runs.database.app, endless, options):
            await queue.request(uuid4())
            await eventually(has_finished(runs))
        assert sum(done.changed for done in endless.read()) == 6


class TestTheSchedule:
    async def test_asks_for_every_team_once(self, runs: Runs, tmp_path: Path, eventually: Eventually) -> None:
        upkeep = RecordedUpkeep(tmp_path / "done")
        upkeep.teams = [uuid4() for _ in range(3)]
        async with running_worker(runs.database.app, upkeep, WorkerOptions(poll_seconds=0.1, sweep_cron="* * * * * *")):
            await eventually(has_finished(runs, 3))
        assert {done.team_id for done in upkeep.read()} == set(upkeep.teams)
        assert await runs.count("ERROR", "request_all_teams") == 0

    async def test_removes_runs_that_ended_long_ago(self, runs: Runs) -> None:
        ages = {"old": 8, "new": 6}
        for name, days in ages.items():
            await runs.fetch(
                "INSERT INTO {runs} (workflow_uuid, status, name, application_name, priority, created_at, updated_at,"
                " completed_at) SELECT :name, 'SUCCESS', 'tidy_team', 'tahoe-agent-engine', 0, ms, ms, ms"
                " FROM (SELECT (extract(epoch FROM now() - make_interval(days => :days)) * 1000)::bigint AS ms)",
                name=name,
                days=days,
            )
        client = RunClient(runs.database.app)
        removed = [await asyncio.to_thread(client.delete_finished, 7) for _ in range(2)]
        client.close()
        assert removed == [1, 0]
        assert await runs.fetch("SELECT workflow_uuid FROM {runs}") == [("new",)]


class TestAWorker:
    async def test_does_no_more_at_a_time_than_it_is_told(
        self, runs: Runs, queue: UpkeepQueue, tmp_path: Path, eventually: Eventually
    ) -> None:
        upkeep = CountingUpkeep(tmp_path / "done", seconds=0.02)
        options = WorkerOptions(poll_seconds=0.1, concurrency=2)
        async with running_worker(runs.database.app, upkeep, options):
            for _ in range(6):
                await queue.request(uuid4())
            await eventually(has_finished(runs, 6))
        assert upkeep.most == 2

    async def test_goes_on_after_a_lapse_of_its_lease_with_what_nobody_took(
        self,
        runs: Runs,
        queue: UpkeepQueue,
        tmp_path: Path,
        eventually: Eventually,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(Lease, "is_held", False)
        monkeypatch.setattr(Lease, "wait_until_held", lambda _lease, _seconds: True)
        async with running_worker(runs.database.app, RecordedUpkeep(tmp_path / "done"), QUICK):
            await queue.request(uuid4())
            await eventually(has_finished(runs))

    async def test_is_the_only_one_of_its_process(self, runs: Runs, tmp_path: Path) -> None:
        upkeep = RecordedUpkeep(tmp_path / "done")
        async with running_worker(runs.database.app, upkeep, QUICK):
            with pytest.raises(TahoeError, match="Another worker runs in this process"):
                async with running_worker(runs.database.app, upkeep, QUICK):
                    pass

    async def test_can_be_started_after_another_has_stopped(self, runs: Runs, tmp_path: Path) -> None:
        upkeep, ids = RecordedUpkeep(tmp_path / "done"), set()
        for _ in range(2):
            async with running_worker(runs.database.app, upkeep, QUICK) as worker:
                ids.add(worker.executor_id)
                assert await runs.fetch("SELECT executor_id FROM {leases}") == [(worker.executor_id,)]
            assert await runs.fetch("SELECT executor_id FROM {leases}") == []
        assert len(ids) == 2

    async def test_hands_over_what_it_cannot_end_in_time(
        self, runs: Runs, queue: UpkeepQueue, tmp_path: Path, eventually: Eventually
    ) -> None:
        upkeep = RecordedUpkeep(tmp_path / "done", seconds=0.4)
        options = WorkerOptions(poll_seconds=0.1, grace_seconds=0.05)

        async def has_begun() -> bool:
            return len(upkeep.read()) >= 2

        async with running_worker(runs.database.app, upkeep, options):
            await queue.request(uuid4())
            await eventually(has_begun)
        assert await runs.count("ENQUEUED") == 1
        done = len(upkeep.read())
        async with running_worker(runs.database.app, upkeep, options):
            await eventually(has_finished(runs))
        assert done < len(UpkeepStep)
        assert [done.step for done in upkeep.read()] == list(UpkeepStep)


class SecretSaidError(Exception):
    """Its text stands for what people said."""


class BrokenUpkeep(RecordedUpkeep):
    """Raises in one step of one team."""

    broken: UUID | None = None
    attempts = 0

    async def run_step(self, team_id: UUID, step: UpkeepStep) -> int:
        if (team_id, step) == (self.broken, UpkeepStep.EMBEDDING):
            self.attempts += 1
            raise SecretSaidError("my password is hunter2")
        return await super().run_step(team_id, step)


class CountingUpkeep(RecordedUpkeep):
    """Counts how many batches go on at a time."""

    now = 0
    most = 0

    async def run_step(self, team_id: UUID, step: UpkeepStep) -> int:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await super().run_step(team_id, step)
        finally:
            self.now -= 1
