"""Whether a run may go further here."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from tahoe_engine.workflows.runner import LeftToOthersError, Runner

LIMIT_SECONDS = 10.0


class Held:
    """A lease that says what it is told to."""

    def __init__(self, *, is_held: bool, comes_back: bool = False) -> None:
        self.is_held = is_held
        self._comes_back = comes_back

    def wait_until_held(self, _seconds: float) -> bool:
        return self._comes_back


@pytest.fixture
async def runner() -> Runner:
    return Runner(asyncio.get_running_loop())


async def answer() -> threading.Thread:
    return threading.current_thread()


def call(runner: Runner) -> Callable[[], threading.Thread]:
    return lambda: runner.call("run", answer, LIMIT_SECONDS)


class TestACall:
    async def test_runs_on_the_loop(self, runner: Runner) -> None:
        runner.hold_by(Held(is_held=True), lambda _run: False)
        assert await asyncio.to_thread(call(runner)) is threading.current_thread()

    async def test_needs_a_lease(self, runner: Runner) -> None:
        with pytest.raises(LeftToOthersError):
            await asyncio.to_thread(call(runner))

    @pytest.mark.parametrize(("comes_back", "is_ours"), [(False, True), (True, False)])
    async def test_is_left_to_others_after_a_lapse_in_which_the_run_may_have_gone(
        self, runner: Runner, *, comes_back: bool, is_ours: bool
    ) -> None:
        runner.hold_by(Held(is_held=False, comes_back=comes_back), lambda _run: is_ours)
        with pytest.raises(LeftToOthersError):
            await asyncio.to_thread(call(runner))

    async def test_goes_on_after_a_lapse_in_which_nobody_took_the_run(self, runner: Runner) -> None:
        runner.hold_by(Held(is_held=False, comes_back=True), lambda run: run == "run")
        assert await asyncio.to_thread(call(runner)) is threading.current_thread()

    async def test_is_cancelled_when_it_takes_too_long(self, runner: Runner) -> None:
        runner.hold_by(Held(is_held=True), lambda _run: True)
        ended = asyncio.Event()

        async def last_for_ever() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        with pytest.raises(TimeoutError):
            await asyncio.to_thread(runner.call, "run", last_for_ever, 0.05)
        await asyncio.wait_for(ended.wait(), LIMIT_SECONDS)

    async def test_raises_what_its_work_raises(self, runner: Runner) -> None:
        runner.hold_by(Held(is_held=True), lambda _run: True)

        async def fail() -> None:
            raise ValueError("made up")

        with pytest.raises(ValueError, match="made up"):
            await asyncio.to_thread(runner.call, "run", fail, LIMIT_SECONDS)


class TestClosing:
    async def test_lets_a_call_end_within_the_grace(self, runner: Runner) -> None:
        runner.hold_by(Held(is_held=True), lambda _run: True)

        async def last() -> str:
            await asyncio.sleep(0.1)
            return "done"

        going_on = asyncio.create_task(asyncio.to_thread(runner.call, "run", last, LIMIT_SECONDS))
        await asyncio.sleep(0.05)
        await runner.close(grace_seconds=5)
        assert await going_on == "done"

    async def test_leaves_longer_ones_and_all_that_follow_to_others(self, runner: Runner) -> None:
        runner.hold_by(Held(is_held=True), lambda _run: True)
        going_on = asyncio.create_task(asyncio.to_thread(runner.call, "run", asyncio.Event().wait, LIMIT_SECONDS))
        await asyncio.sleep(0.05)
        await runner.close(grace_seconds=0.05)
        with pytest.raises(LeftToOthersError):
            await going_on
        with pytest.raises(LeftToOthersError):
            await asyncio.to_thread(call(runner))

    async def test_ends_pauses(self, runner: Runner) -> None:
        pausing = asyncio.create_task(asyncio.to_thread(runner.pause, LIMIT_SECONDS))
        await asyncio.sleep(0.05)
        await runner.close(grace_seconds=0)
        with pytest.raises(LeftToOthersError):
            await asyncio.wait_for(pausing, 1)
