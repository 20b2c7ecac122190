"""Upkeep of a team's memory: what is counted, embedded, merged, archived and moved once nobody waits for it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import give_reason, team_session
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_statistics import MemoryStatisticsRepository
from tahoe_engine.db.repositories.memory_upkeep import Mark, MemoryUpkeepRepository, TierRules
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory.adding import MemoryAdder
from tahoe_engine.memory.cells import MemoryCells
from tahoe_engine.memory.sameness import is_same_statement
from tahoe_engine.memory.upkeep import UpkeepStep
from tahoe_engine.models.memory_models import MemoryRecord, MemorySource, MemoryStatus

BATCH = 200
EMBEDDED_AT_ONCE = 64
COMPARED_AT_ONCE = 20
"""Each is compared with its agent's whole memory: some milliseconds in a large team."""
RESTING_TIME = timedelta(days=7)
"""Episodes are left alone for so long: what happens again and again is seen as such only afterwards."""
ALIKE = 0.95
FEWEST_ALIKE = 3

NOBODY = UUID(int=0)


class MemoryTidying:
    """Does the upkeep, a bounded piece at a time; every piece may be done again.

    Memories are merged and folded in a transaction each: one that held the rows and scopes of several could wait for
    somebody who has them in another order, and waits for it.

    Args:
        sessions: Of the application's role.
        load_embedding: What makes vectors; loaded when first needed.
        tiers: When memories move between tiers.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        load_embedding: Callable[[], MemoryEmbedding],
        tiers: TierRules | None = None,
    ) -> None:
        self._sessions = sessions
        self._load_embedding = load_embedding
        self._tiers = tiers or TierRules()
        self._steps = {
            UpkeepStep.STATISTICS: self._count,
            UpkeepStep.EMBEDDING: self._embed,
            UpkeepStep.DUPLICATES: self._merge_duplicates,
            UpkeepStep.EXPIRY: self._expire,
            UpkeepStep.TIERS: self._move,
            UpkeepStep.CONSOLIDATION: self._consolidate,
            UpkeepStep.CELLS: MemoryCells(sessions).sort_some,
        }

    async def list_teams(self) -> Sequence[UUID]:
        """Lists every team that has memories."""
        async with team_session(self._sessions, NOBODY) as session:
            return await MemoryRepository(session).list_teams()

    async def run_step(self, team_id: UUID, step: UpkeepStep) -> int:
        """Does one bounded batch; returns how many rows it dealt with, 0 where nothing is left.

        Raises:
            UnavailableError: The database or the embedder does not answer.
        """
        return await self._steps[step](team_id) if step in self._steps else 0

    async def tidy(self, team_id: UUID) -> None:
        """Does everything that is to be done, for a program without background work."""
        for step in UpkeepStep:
            while await self.run_step(team_id, step):
                pass

    async def _count(self, team_id: UUID) -> int:
        async with team_session(self._sessions, team_id, "upkeep") as session:
            statistics = MemoryStatisticsRepository(session)
            return int(await statistics.has_grown() and await statistics.count())

    async def _embed(self, team_id: UUID) -> int:
        embedder = (await asyncio.to_thread(self._load_embedding)).documents
        async with team_session(self._sessions, team_id) as session:
            texts = await MemoryUpkeepRepository(session).list_unembedded(embedder.model, EMBEDDED_AT_ONCE)
        if not texts:
            return 0
        made = await asyncio.to_thread(embedder.embed, list(texts.values()))
        vectors = {memory_id: vector.tolist() for memory_id, vector in zip(texts, made, strict=True)}
        async with team_session(self._sessions, team_id, "upkeep") as session:
            await MemoryUpkeepRepository(session).set_embeddings(embedder.model, vectors)
        return len(vectors)

    async def _merge_duplicates(self, team_id: UUID) -> int:
        async with team_session(self._sessions, team_id) as session:
            records = await MemoryUpkeepRepository(session).list_since(
                "compared_until", COMPARED_AT_ONCE, episodic=False
            )
        for record in records:
            async with team_session(self._sessions, team_id, "upkeep") as session:
                await self._merge_into_older(session, record)
        await self._set_mark(team_id, "compared_until", records)
        return len(records)

    async def _merge_into_older(self, session: AsyncSession, record: MemoryRecord) -> None:
        repository = MemoryRepository(session)
        if (await repository.get_record(record.id)).status is not MemoryStatus.ACTIVE:
            return  # merged a moment ago
        for older in await repository.find_similar(record.id):
            is_fit = older.status is MemoryStatus.ACTIVE and older.position is None
            if is_fit and older.created_at <= record.created_at and is_same_statement(older, record):
                await MemoryAdder(session).merge_stored(record, older)
                return

    async def _expire(self, team_id: UUID) -> int:
        async with team_session(self._sessions, team_id, "upkeep") as session:
            await give_reason(session, "its time is over")
            return await MemoryUpkeepRepository(session).expire(BATCH)

    async def _move(self, team_id: UUID) -> int:
        async with team_session(self._sessions, team_id, "upkeep") as session:
            await give_reason(session, "how often and how lately it was used")
            return await MemoryUpkeepRepository(session).move(self._tiers, BATCH)

    async def _consolidate(self, team_id: UUID) -> int:
        rested = datetime.now(UTC) - RESTING_TIME
        async with team_session(self._sessions, team_id) as session:
            records = await MemoryUpkeepRepository(session).list_since(
                "consolidated_until", COMPARED_AT_ONCE, episodic=True, before=rested
            )
        for record in records:
            async with team_session(self._sessions, team_id, "upkeep") as session:
                await self._fold_alike(session, record, rested)
        await self._set_mark(team_id, "consolidated_until", records)
        return len(records)

    async def _set_mark(self, team_id: UUID, mark: Mark, records: Sequence[MemoryRecord]) -> None:
        if records:
            async with team_session(self._sessions, team_id) as session:
                await MemoryUpkeepRepository(session).set_mark(mark, records[-1].created_at)

    async def _fold_alike(self, session: AsyncSession, record: MemoryRecord, rested: datetime) -> None:
        """Folds episodes that say nearly the same into one; they stay, archived, and it says which they are."""
        repository = MemoryRepository(session)
        if (await repository.get_record(record.id)).status is not MemoryStatus.ACTIVE:
            return
        alike = [
            other
            for other in await repository.find_similar(record.id, ALIKE, limit=BATCH)
            if other.memory_type is record.memory_type
            and other.status is MemoryStatus.ACTIVE
            and other.position is None
            and (other.author, other.subject) == (record.author, record.subject)
            and other.created_at < rested
        ]
        originals = sorted([record, *alike], key=lambda other: other.occurred_at or other.created_at)
        if len(originals) < FEWEST_ALIKE:
            return
        newest = originals[-1]
        times = [other.occurred_at or other.created_at for other in originals]
        change = {
            "source": MemorySource.CONSOLIDATION,
            "importance": max(other.importance for other in originals),
            "is_pinned": any(other.is_pinned for other in originals),
            "related_to": [other.id for other in originals],
            "tags": sorted({tag for other in originals for tag in other.tags}),
            "metadata": {
                "occurrences": len(originals),
                "first_at": times[0].isoformat(),
                "last_at": times[-1].isoformat(),
            },
        }
        await MemoryAdder(session).fold(newest, change, f"{len(originals)} episodes say nearly the same")
