"""How what is remembered changes: never in place, always on record."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.session import give_reason
from tahoe_core.errors import ConflictError
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_cells import MemoryCellRepository
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.db.repositories.memory_statistics import MemoryStatisticsRepository
from tahoe_engine.memory.adding import to_lock
from tahoe_engine.models.memory_models import MemoryRecord, MemorySource, MemoryStatus

_MADE_OF_OTHERS = frozenset({MemorySource.CONSOLIDATION, MemorySource.COMPACTION})
_STATE = ("is_pinned", "importance", "confidence", "expires_at", "tags")


class MemoryReviser:
    """Changes memories within a session of their team."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._repository = MemoryRepository(session)
        self._cells = MemoryCellRepository(session)

    async def supersede(self, memory_id: UUID, row: NewMemory, reason: str, changed: Collection[str] = ()) -> UUID:
        """Puts a new version in the place of a live one, and returns its id.

        Args:
            memory_id: The version that is live.
            row: The next.
            reason: For the log.
            changed: Fields whose values are the row's own; in the others the state of the old version goes on, which
                may have changed since the row was made. A dispute goes on, too.

        Raises:
            NotFoundError: There is no such memory.
            ConflictError: Another version stands in its place already; the message names it.
        """
        await self._lock(memory_id)
        await give_reason(self._session, reason)
        if not await self._repository.retire([memory_id], MemoryStatus.SUPERSEDED, row.id):
            raise await self._describe_loss(memory_id)
        old = await self._repository.get_record(memory_id)  # as it will stay, now that it is retired
        state = {name: getattr(old, name) for name in _STATE if name not in changed}
        status = MemoryStatus.DISPUTED if old.contradicts else MemoryStatus.ACTIVE
        version = replace(
            row, root_id=old.root_id, version=old.version + 1, status=status, contradicts=old.contradicts, **state
        )
        await self._repository.insert([version], guarded=False)
        if old.contradicts:
            await self._repository.dispute(old.contradicts, [version.id], instead_of=old.id)
        return version.id

    async def change_state(self, memory_id: UUID, reason: str, **columns: Any) -> None:  # noqa: ANN401 - by name
        """Pins, unpins, weighs anew or dates the end of a live memory.

        Raises:
            NotFoundError: There is no such memory.
            ConflictError: It is not live any more.
        """
        await self._repository.get_record(memory_id)
        await give_reason(self._session, reason)
        if not await self._repository.set_state(memory_id, **columns):
            raise await self._describe_loss(memory_id)

    async def tag(self, memory_id: UUID, tags: Sequence[str]) -> None:
        """Gives a memory these tags and no others.

        Raises:
            NotFoundError: There is no such memory.
        """
        record = await self._lock(memory_id)  # an erasure takes the words of the tags, too
        if record.erased_at is None:
            await self._repository.set_tags(memory_id, list(dict.fromkeys(tags)))

    async def resolve(self, memory_id: UUID, reason: str) -> list[UUID]:
        """Decides a dispute for this memory; those that said otherwise are superseded by it, and returned.

        Raises:
            NotFoundError: There is no such memory.
            ConflictError: It is not disputed.
        """
        record = await self._lock(memory_id)
        if record.status is not MemoryStatus.DISPUTED:
            raise ConflictError(f"The memory is {record.status}, not disputed.")
        await give_reason(self._session, reason)
        losers = await self._repository.retire(record.contradicts, MemoryStatus.SUPERSEDED, memory_id)
        await self._repository.set_state(memory_id, status=MemoryStatus.ACTIVE, contradicts=[])
        return losers

    async def erase(self, memory_id: UUID, reason: str) -> list[UUID]:
        """Lays a tombstone over every version of a memory and every copy of its words; returns what was erased now.

        What was folded into a consolidation that goes, without having been named itself, counts again.

        Raises:
            NotFoundError: There is no such memory.
        """
        record = await self._lock(memory_id)  # or the next version would be written beside it, with the same words
        await give_reason(self._session, reason)
        roots = {record.root_id}
        if record.source in _MADE_OF_OTHERS:  # it says nearly what they say
            roots |= {original.root_id for original in await self._repository.list_records(record.related_to)}
        reached = roots
        while reached:
            reached = set(await self._repository.list_copies(reached)) - roots
            roots |= reached
        versions = [version for root in sorted(roots) for version in await self._repository.list_versions(root)]
        around = await self._cells.list_around([version.id for version in versions])
        if around:
            await self._cells.lock()
        erased = await self._repository.erase(roots)
        if around:
            await self._cells.average(around)
        made = [version.id for version in versions if version.source in _MADE_OF_OTHERS]
        if made:
            await give_reason(self._session, "what it was folded into was erased")
            await self._repository.unfold(made)
        await MemoryStatisticsRepository(self._session).forget(
            {version.author for version in versions if version.author}
        )
        return erased

    async def _lock(self, memory_id: UUID) -> MemoryRecord:
        """Waits for whoever decides about the same agent and user; returns the memory as it is then."""
        record = await self._repository.get_record(memory_id)
        await self._repository.lock_all({to_lock(record.agent_id, record.user_id)})
        return await self._repository.get_record(memory_id)

    async def _describe_loss(self, memory_id: UUID) -> ConflictError:
        now: MemoryRecord = await self._repository.get_record(memory_id)
        if now.superseded_by is None:
            return ConflictError(f"The memory is {now.status} and changes no more.")
        return ConflictError(
            f"The memory was superseded by {now.superseded_by}.", cure=f"Read /v1/memories/{now.superseded_by}."
        )
