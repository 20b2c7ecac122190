"""What a run tells, taken by as much as is worth writing at once."""

import asyncio

from tahoe_engine.runtime.run_events import ModelCallFinished, RunEvent, TextDelta, ToolCallFinished

END_SECONDS = 0.05
"""A model's last word waits so long for the end of the run, which is written with it."""
RESULT_SECONDS = 0.025
"""What tools found waits so long for what the model says to it."""


async def take_events(
    came: asyncio.Queue[RunEvent], listening: asyncio.Task[None], patience_s: float, next_text: float
) -> list[RunEvent]:
    """Returns what is there, as soon as something is; nothing after a while, or at the end.

    Args:
        came: What the run tells.
        listening: Ends with the run.
        patience_s: Seconds to wait for something.
        next_text: Before this moment of the loop's clock, words alone wait for more of them.
    """
    events = await _wait_for_more(came, listening, patience_s)
    clock = asyncio.get_running_loop().time
    while events and all(isinstance(event, TextDelta) for event in events) and (left := next_text - clock()) > 0:
        more = await _wait_for_more(came, listening, left)
        if not more:
            break
        events += more
    if events and all(isinstance(event, ToolCallFinished) for event in events):
        events += await _wait_for_more(came, listening, RESULT_SECONDS)
    if events and isinstance(events[-1], ModelCallFinished) and not events[-1].calls:
        events += await _wait_for_more(came, listening, END_SECONDS)
    return events


async def _wait_for_more(
    came: asyncio.Queue[RunEvent], listening: asyncio.Task[None], timeout_s: float
) -> list[RunEvent]:
    events = []
    if came.empty():
        first = asyncio.create_task(came.get())
        try:
            await asyncio.wait({first, listening}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not first.done():
                first.cancel()
        if first.cancelling():
            return []
        events = [first.result()]
    while not came.empty():
        events.append(came.get_nowait())
    return events
