"""From DBOS's threads into the event loop where the services live, as long as a run is ours."""

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

_LEASE_WAIT_SECONDS = 30.0
_LEAVE_SECONDS = 2.0  # for a thread that has nothing to wait for any more
_CLOSE_POLL_SECONDS = 0.05


class LeftToOthersError(BaseException):
    """This process goes no further with the run; whoever takes it up begins with the step that was not finished.

    No `Exception`, since DBOS would write one down as the outcome.
    """


class Holding(Protocol):
    """Whether the runs that were claimed are still ours; `tahoe_engine.workflows.lease` knows."""

    @property
    def is_held(self) -> bool:
        """Whether nobody can have taken them over."""
        ...

    def wait_until_held(self, seconds: float) -> bool:
        """Waits until nobody can any more; False: that did not come about in time."""
        ...


class Runner:
    """Runs coroutines of one event loop for functions that DBOS runs on threads.

    The services, their connection pools above all, belong to the loop that they were made in, so DBOS's own is of no
    use to them; and a launch or an outage that blocks DBOS does not block ours.

    Args:
        loop: Where the coroutines run.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lease: Holding | None = None
        self._owns: Callable[[str], bool] = lambda _run_id: False
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._running: dict[str, int] = {}
        self._calls: set[concurrent.futures.Future[Any]] = set()

    def hold_by(self, lease: Holding, owns: Callable[[str], bool]) -> None:
        """Says by what the runs are held, before the first begins.

        Args:
            lease: While it is held, all of them are ours.
            owns: Asks the database whether a run is still that of the calling thread's execution.
        """
        self._lease = lease
        self._owns = owns

    def list_running(self) -> Sequence[str]:
        """Lists the runs that are on a thread of this process."""
        with self._lock:
            return list(self._running)

    @contextmanager
    def run(self, run_id: str) -> Iterator[None]:
        """Counts a run as running. It may be there twice for a moment: taken from us, and claimed by us again."""
        with self._lock:
            self._running[run_id] = self._running.get(run_id, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._running[run_id] -= 1
                if not self._running[run_id]:
                    del self._running[run_id]

    def call[T](self, run_id: str, work: Callable[[], Coroutine[Any, Any, T]], limit_seconds: float) -> T:
        """Runs a coroutine on the loop and waits for it, if the run is still ours.

        After a lapse of the lease, a frozen process for instance, the run may have gone to another worker. DBOS fences
        what a step writes down, but not its beginning.

        Raises:
            LeftToOthersError: The run is not ours any more, or this process stops.
            TimeoutError: It took longer than the limit, and was cancelled.
        """
        self.require(run_id)
        with self._lock:
            if self._ending.is_set():
                raise LeftToOthersError
            future = asyncio.run_coroutine_threadsafe(work(), self._loop)
            self._calls.add(future)
        try:
            return future.result(limit_seconds)
        except concurrent.futures.CancelledError:
            raise LeftToOthersError from None
        finally:
            future.cancel()
            with self._lock:
                self._calls.discard(future)

    def require(self, run_id: str) -> None:
        """Returns if the run is still ours.

        Raises:
            LeftToOthersError: It is not, or this process stops.
        """
        if self._ending.is_set() or self._lease is None:
            raise LeftToOthersError
        if self._lease.is_held:
            return
        if not self._lease.wait_until_held(_LEASE_WAIT_SECONDS) or not self._owns(run_id):
            raise LeftToOthersError

    def pause(self, seconds: float) -> None:
        """Waits, but not beyond the process's stop.

        Raises:
            LeftToOthersError: This process stops.
        """
        if self._ending.wait(seconds):
            raise LeftToOthersError

    async def close(self, grace_seconds: float) -> None:
        """Lets no run go further, and cancels the calls that are not done after the grace."""
        self._ending.set()
        await _wait_until(lambda: not self._list_calls(), grace_seconds)
        for call in self._list_calls():
            call.cancel()
        await _wait_until(lambda: not self.list_running(), _LEAVE_SECONDS)

    def _list_calls(self) -> Sequence[concurrent.futures.Future[Any]]:
        with self._lock:
            return list(self._calls)


async def _wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:  # noqa: ASYNC110 - other threads make it so
        await asyncio.sleep(_CLOSE_POLL_SECONDS)
