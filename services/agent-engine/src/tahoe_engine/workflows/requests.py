"""Asking for upkeep at no cost to who asks."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from tahoe_core.db.address import DatabaseAddress

if TYPE_CHECKING:
    from tahoe_engine.workflows.client import RunClient

_PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class UpkeepQueue:
    """Fulfils `UpkeepRequests` in any process, whether a worker runs in it or not.

    A request is noted and passed on in the background, at most once a second and team, however many are made: adding
    ten thousand memories costs one. What a dying process had noted and not passed on, the workers' schedule finds.

    Args:
        address: The service's schema, as the application's role.
        pause_seconds: Between two rounds of passing on.
    """

    def __init__(self, address: DatabaseAddress, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self._address = address
        self._pause_seconds = pause_seconds
        self._noted: set[UUID] = set()
        self._passing_on: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._client: RunClient | None = None

    async def request(self, team_id: UUID) -> None:
        """Asks that the team's memory be tidied soon; it never waits and never fails."""
        self._noted.add(team_id)
        if self._passing_on is None or self._passing_on.done():
            self._passing_on = asyncio.create_task(self._pass_on())

    async def aclose(self) -> None:
        """Passes on what is noted, and closes the connection."""
        self._closing.set()
        if self._passing_on is not None:
            await self._passing_on
        if self._client is not None:
            await asyncio.to_thread(self._client.close)

    async def _pass_on(self) -> None:
        while self._noted:
            teams, self._noted = sorted(self._noted), set()
            try:
                await asyncio.to_thread(self._enqueue, teams)
            except Exception as error:  # noqa: BLE001 - memory works without upkeep, and the schedule comes anyway
                log.warning("upkeep_not_requested", extra={"teams": len(teams), "error": type(error).__name__})
            if not self._closing.is_set():
                await self._pause()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), self._pause_seconds)
        except TimeoutError:
            return

    def _enqueue(self, teams: Sequence[UUID]) -> None:
        if self._client is None:
            from tahoe_engine.workflows.client import RunClient  # noqa: PLC0415 - DBOS takes 0.4 s

            self._client = RunClient(self._address)
        for team_id in teams:
            self._client.request_upkeep(team_id)
