"""The demo's chapter on memory: a fact is learned, corrected, and asked for now and as of before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from rich.console import Console

from tahoe_cli.memory_view import MemoryView
from tahoe_cli.moments import show_exactly
from tahoe_cli.remembering import Desk
from tahoe_engine.models.agent_models import AgentDNA
from tahoe_engine.models.memory_models import (
    MemoryChange,
    MemoryCreate,
    MemoryEvent,
    MemoryHistory,
    MemoryRecord,
    MemorySearchRequest,
)
from tahoe_engine.reporting.pen import Pen
from tahoe_engine.reporting.visible_text import visible

AGENT = AgentDNA(name="Tahoe's demo", slug="tahoe-demo", role="Remembers what `tahoe demo` tells of.")
TAG = "demo"
SUBJECT = "rossi.address"
QUESTION = "Where do we send Ms Rossi's parcels?"
LEARNED = (
    MemoryCreate(content="Ms Rossi asks to be called in the afternoon.", subject="rossi.calls", tags=[TAG]),
    MemoryCreate(content="Mr Okafor's parcels go to the shop in Station Road.", subject="okafor.address", tags=[TAG]),
    MemoryCreate(content="Ms Rossi's parcels go to 12 Mill Lane, Leeds.", subject=SUBJECT, tags=[TAG]),
)
CORRECTED = MemoryChange(content="Ms Rossi's parcels go to 4 Harbour Street, Hull.")
REASON = "she called: she has moved"


@dataclass(frozen=True)
class Remembered:
    """What the chapter tells.

    Attributes:
        now: The best answer, with what is known now; None: nothing is.
        then: The best answer as of `before`.
        before: A moment at which the correction was not known yet.
    """

    now: MemoryRecord | None
    then: MemoryRecord | None
    before: datetime
    history: MemoryHistory


async def remember(desk: Desk) -> Remembered:
    """Learns the fact and corrects it, once a home; run again, it finds what is there and changes nothing."""
    agent_id = await desk.ensure_agent(AGENT)
    known = await _list_known(desk, agent_id)
    for fact in LEARNED:
        if fact.subject not in known:
            added = await desk.memories.add(fact.model_copy(update={"agent_id": agent_id}))
            known[fact.subject] = added.memory
    address = known[SUBJECT]
    if address.version == 1:
        address = await desk.memories.supersede(address.id, CORRECTED, REASON)
    history = await desk.memories.get_history(address.id)
    before = _find_moment(history)
    return Remembered(
        now=await _ask(desk, agent_id), then=await _ask(desk, agent_id, before), before=before, history=history
    )


def print_chapter(console: Console, told: Remembered) -> None:
    """Prints question, answers and history."""
    pen = Pen(console)
    pen.gap()
    pen.write(pen.text("What was known, and when", "bold"))
    pen.write(pen.text(f"The agent {AGENT.slug} was told an address, and later that it had changed.", "dim"))
    pen.gap()
    pen.write(pen.text(f"{QUESTION}", "bold"), "  ")
    moments = ("now", f"as of {show_exactly(told.before)}")
    width = max(map(len, moments))
    for moment, answer in zip(moments, (told.now, told.then), strict=True):
        content = answer.content if answer else "Nothing was known."
        pen.write(pen.text(visible(content)), pen.text(f"  {moment:<{width}}  ", "dim"))
    pen.gap()
    MemoryView(console).print_history(told.history)


def _find_moment(history: MemoryHistory) -> datetime:
    """Returns the last moment before the newest version took the place of the one before it."""
    previous = history.versions[-2].id
    ends = [event for event in history.events if event.memory_id == previous and event.event is MemoryEvent.SUPERSEDED]
    return ends[0].logged_at - timedelta.resolution


async def _list_known(desk: Desk, agent_id: UUID | None) -> dict[str | None, MemoryRecord]:
    request = MemorySearchRequest(query=QUESTION, agent_id=agent_id, tags=[TAG], limit=100)
    found = [result.memory for result in await desk.memories.search(request)]
    return {memory.subject: memory for memory in found if memory.agent_id == agent_id}


async def _ask(desk: Desk, agent_id: UUID | None, moment: datetime | None = None) -> MemoryRecord | None:
    request = MemorySearchRequest(query=QUESTION, agent_id=agent_id, tags=[TAG], limit=1, as_of=moment)
    found = await desk.memories.search(request)
    return found[0].memory if found else None
