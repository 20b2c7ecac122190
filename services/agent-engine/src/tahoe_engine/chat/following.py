"""Those who follow turns in this process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from tahoe_engine.chat.chat_events import ChatEvent, Cursor

MAX_WAITING = 10_000
"""Events that wait for a follower that does not read; then it is left behind, and can follow again from its cursor."""


class Follower:
    """One who follows a turn."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[ChatEvent | None] = asyncio.Queue(MAX_WAITING)
        self.is_left_behind = False

    async def next(self, timeout_s: float) -> ChatEvent | None:
        """Returns the next event; None: what is written says more, or nothing came in time."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._events.get()
        except TimeoutError:
            return None

    def tell(self, events: Sequence[ChatEvent | None]) -> None:
        """Gives events to the follower; None has it read what is written."""
        try:
            for event in events:
                self._events.put_nowait(event)
        except asyncio.QueueFull:
            self.is_left_behind = True


class Followers:
    """Who follows which turn."""

    def __init__(self) -> None:
        self._by_turn: defaultdict[UUID, set[Follower]] = defaultdict(set)
        self._silent: dict[UUID, tuple[UUID, Cursor]] = {}
        self._looking_out: list[set[UUID]] = []

    @contextmanager
    def look_out(self) -> Iterator[set[UUID]]:
        """Yields the turns that are cancelled while the block lasts, in which one begins: it may be one of them.

        It can be found, and cancelled, between the moment when it stands in the database and that when it runs here.
        """
        cancelled: set[UUID] = set()
        self._looking_out.append(cancelled)
        try:
            yield cancelled
        finally:
            self._looking_out = [one for one in self._looking_out if one is not cancelled]

    def note_cancelled(self, turn_id: UUID) -> None:
        """Notes that a turn was cancelled from here."""
        for cancelled in self._looking_out:
            cancelled.add(turn_id)

    def begin(self, team_id: UUID, turn_id: UUID, said: Cursor) -> None:
        """Notes that a turn begins here, to answer what was said up to the cursor."""
        self._silent[turn_id] = team_id, said

    def is_silent(self, team_id: UUID, turn_id: UUID, after: Cursor | None) -> bool:
        """Whether a team's turn that began here has told nothing yet, so that who follows it now misses nothing."""
        owner, said = self._silent.get(turn_id, (None, None))
        return owner == team_id and after is not None and said is not None and after >= said

    def forget(self, turn_id: UUID) -> None:
        """Notes that a turn does not run here any more; who still follows it reads how it stands."""
        self._silent.pop(turn_id, None)
        for follower in self._by_turn.get(turn_id, ()):
            follower.tell([None])

    @contextmanager
    def follow(self, turn_id: UUID) -> Iterator[Follower]:
        """Follows a turn while the block lasts."""
        follower = Follower()
        self._by_turn[turn_id].add(follower)
        try:
            yield follower
        finally:
            self._by_turn[turn_id].discard(follower)
            if not self._by_turn[turn_id]:
                del self._by_turn[turn_id]

    def tell(self, turn_id: UUID, events: Sequence[ChatEvent]) -> None:
        """Tells those who follow a turn."""
        if events:
            self._silent.pop(turn_id, None)
        for follower in self._by_turn.get(turn_id, ()):
            follower.tell(events)
