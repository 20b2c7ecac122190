"""An event loop in a thread of its own: the main thread waits for keys, to which alone Python gives Ctrl-C."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine
from concurrent.futures import Future
from contextlib import aclosing, suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self


class Background:
    """Runs coroutines while the block lasts; those that are left at its end are cancelled."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="chat")

    def __enter__(self) -> Self:
        """Starts the thread."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the thread."""
        self.call(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start[T](self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begins some work."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Does some work and returns its result; Ctrl-C cancels it."""
        future = self.start(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def stream[T](self, source: AsyncGenerator[T]) -> "Stream[T]":
        """Begins to read a generator."""
        return Stream(self, source)


class Stream[T]:
    """What a generator of the other thread yields.

    Unlike a generator of this thread, it can be read on after Ctrl-C came while it was waited for.
    """

    def __init__(self, background: Background, source: AsyncGenerator[T]) -> None:
        self._items: SimpleQueue[tuple[T] | None] = SimpleQueue()
        self._background = background
        self._reading = background.call(self._begin(source))

    def __iter__(self) -> Self:
        """Reads it once."""
        return self

    def __next__(self) -> T:
        """Waits for the next one; raises what the generator raised."""
        item = self._items.get()
        if item is None:
            self._items.put(None)
            self._background.call(self._end())
            raise StopIteration
        return item[0]

    def close(self) -> None:
        """Breaks the generator off, and waits until it is closed."""
        self._background.call(self._break_off())

    async def _begin(self, source: AsyncGenerator[T]) -> asyncio.Task[None]:
        return asyncio.create_task(self._read(source))

    async def _end(self) -> None:
        await self._reading

    async def _break_off(self) -> None:
        self._reading.cancel()
        await asyncio.wait({self._reading})

    async def _read(self, source: AsyncGenerator[T]) -> None:
        try:
            async with aclosing(source):
                async for item in source:
                    self._items.put((item,))
        finally:
            self._items.put(None)


async def _cancel_others() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    with suppress(TimeoutError):
        async with asyncio.timeout(5):
            await asyncio.gather(*others, return_exceptions=True)
