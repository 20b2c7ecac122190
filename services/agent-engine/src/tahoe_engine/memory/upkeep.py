"""Upkeep of a team's memory, as seen from the work that goes on in the background."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class UpkeepStep(StrEnum):
    """What upkeep does, in this order: each step finds what the ones before have left."""

    EXTRACTION = "extraction"
    STATISTICS = "statistics"
    EMBEDDING = "embedding"
    DUPLICATES = "duplicates"
    EXPIRY = "expiry"
    TIERS = "tiers"
    CONSOLIDATION = "consolidation"
    CELLS = "cells"


class UpkeepRequests(Protocol):
    """Where upkeep is asked for; `tahoe_engine.workflows.requests` has the durable one."""

    async def request(self, team_id: UUID) -> None:
        """Asks that the team's memory be tidied soon; asking again before it is done costs nothing."""
        ...


class NoUpkeep:
    """For programs that see to the upkeep at times of their own."""

    async def request(self, team_id: UUID) -> None:
        """Does nothing."""


class MemoryUpkeep(Protocol):
    """What does the upkeep, a bounded piece at a time."""

    async def list_teams(self) -> Sequence[UUID]:
        """Lists the teams whose memory may need upkeep."""
        ...

    async def run_step(self, team_id: UUID, step: UpkeepStep) -> int:
        """Does one bounded batch, idempotent.

        Returns:
            How many rows it changed; 0: nothing left.
        """
        ...
