"""What a run tells, taken by as much as is worth writing at once."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from tahoe_engine.runtime.model_errors import RunCancelledError
from tahoe_engine.runtime.run_events import ModelCallFinished, RunEvent, TextDelta, ToolCallFinished

MAX_UNWRITTEN = 1000
"""Events that wait for being written; then the model waits, too."""
END_SECONDS = 0.05
"""A model's last word waits so long for the end of the run, which is written with it."""
RESULT_SECONDS = 0.025
"""What tools found waits so long for what the model says to it."""


type HearRest = Callable[[RunEvent], None]


class EventBatches:
    """Listens to a run, whoever waits for what.

    Args:
        begin: Begins the run, which tells the listener given to it what is left when it is stopped.
    """

    def __init__(self, begin: Callable[[HearRest], AsyncGenerator[RunEvent]]) -> None:
        self._came: asyncio.Queue[RunEvent] = asyncio.Queue(MAX_UNWRITTEN)
        self._taken: list[RunEvent] = []
        self._rest: list[RunEvent] = []
        self._is_stopped = False
        self._listening = asyncio.create_task(self._listen(begin(self._rest.append)))
        self._next = asyncio.create_task(self._came.get())

    @property
    def is_over(self) -> bool:
        """Whether the run has ended, and all of it was taken."""
        return self._listening.done() and self._came.empty() and not self._next.done() and not self._rest

    def stop(self) -> None:
        """Stops the run; what it has told until then, and the rest, are taken as before."""
        if not self._is_stopped:  # a second time would cut off how it ends
            self._is_stopped = True
            self._listening.cancel()

    async def take(self, patience_s: float, next_text: float) -> list[RunEvent]:
        """Returns what is there, as soon as something is; nothing after a while, or at the end.

        Args:
            patience_s: Seconds to wait for something.
            next_text: Before this moment of the loop's clock, words alone wait for more of them.
        """
        await self._wait(patience_s)
        clock = asyncio.get_running_loop().time
        while self._has_only(TextDelta) and (left := next_text - clock()) > 0 and await self._wait(left):
            pass
        if self._has_only(ToolCallFinished):
            await self._wait(RESULT_SECONDS)
        last = self._taken[-1] if self._taken else None
        if isinstance(last, ModelCallFinished) and not last.calls:
            await self._wait(END_SECONDS)
        return self.drain()

    def drain(self) -> list[RunEvent]:
        """Returns what came and was not taken, without waiting."""
        self._collect()
        taken, self._taken = self._taken, []
        return taken

    async def finish(self) -> None:
        """Raises what the run raised, once all of it was taken.

        Raises:
            RunCancelledError: It was stopped.
        """
        if self._listening.cancelled():
            raise RunCancelledError("The run was cancelled.")
        await self._listening

    async def aclose(self) -> None:
        """Listens no more."""
        self._next.cancel()
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self._listening

    async def _listen(self, run: AsyncGenerator[RunEvent]) -> None:
        async with contextlib.aclosing(run):
            async for event in run:
                await self._came.put(event)

    def _has_only(self, kind: type[RunEvent]) -> bool:
        return bool(self._taken) and all(isinstance(event, kind) for event in self._taken)

    async def _wait(self, timeout_s: float) -> bool:
        """Waits for more; returns whether something came."""
        if self._came.empty():
            waited_for = {self._next, self._listening}
            await asyncio.wait(waited_for, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        return self._collect()

    def _collect(self) -> bool:
        before = len(self._taken)
        if self._next.done() and not self._next.cancelled():
            self._taken.append(self._next.result())
            self._next = asyncio.create_task(self._came.get())
        while not self._came.empty():
            self._taken.append(self._came.get_nowait())
        if self._listening.done():
            self._taken += self._rest
            self._rest.clear()
        return len(self._taken) > before
