"""Counts over a team's memory."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import func, select

from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.memory import MemoryORM
from tahoe_engine.db.repositories.memory_history import MemoryHistoryRepository
from tahoe_engine.models.memory_models import MemoryStatus
from tahoe_engine.models.memory_overview import MemoryOverview

_LIVE = (MemoryStatus.ACTIVE, MemoryStatus.DISPUTED)


class MemoryOverviewRepository(BaseRepository[MemoryORM]):
    """Counts `memory` and `memory_log`, by one pass over each."""

    model = MemoryORM
    noun = "memory"

    async def count(self) -> MemoryOverview:
        """Counts everything there is."""
        model = MemoryORM
        parts = (model.status, model.memory_type, model.tier, model.embedding_model)
        query = (
            select(
                *parts,
                func.count().label("versions"),
                func.count().filter(model.is_pinned).label("pinned"),
                func.count(model.erased_at).label("erased"),
                func.min(model.created_at).label("oldest"),
                func.max(model.created_at).label("newest"),
            )
            .where(model.team_id == self.team_id)
            .group_by(*parts)
        )
        rows = (await self.session.execute(query)).all()
        live = [row for row in rows if row.status in _LIVE]
        models = _sum(live, lambda row: row.embedding_model)
        return MemoryOverview(
            versions=sum(row.versions for row in rows),
            live=sum(row.versions for row in live),
            statuses=_sum(rows, lambda row: row.status.value),
            types=_sum(live, lambda row: row.memory_type.value),
            tiers=_sum(live, lambda row: row.tier.value),
            models={name: number for name, number in models.items() if name is not None},
            pinned=sum(row.pinned for row in live),
            unembedded=models.get(None, 0),
            erased=sum(row.erased for row in rows),
            oldest_at=min((row.oldest for row in rows), default=None),
            newest_at=max((row.newest for row in rows), default=None),
            events=await MemoryHistoryRepository(self.session).count_events(),
        )


def _sum(rows: Sequence[Any], name: Callable[[Any], str | None]) -> dict[Any, int]:
    """Adds the rows up by a name, the largest first."""
    totals: Counter[str | None] = Counter()
    for row in rows:
        totals[name(row)] += row.versions
    return dict(totals.most_common())
