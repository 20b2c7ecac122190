from collections.abc import Iterator

from sqlalchemy import ColumnExpressionArgument, exists

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.memory import MemoryORM, MemoryTagORM
from tahoe_engine.db.repositories.memory_row import select_records, to_record
from tahoe_engine.models.memory_filter import MemoryFilter
from tahoe_engine.models.memory_models import MemoryRecord


class MemoryListingRepository(BaseRepository[MemoryORM]):
    """Lists of `memory`, cut down to what somebody asks for."""

    model = MemoryORM
    noun = "memory"

    async def list_records(self, which: MemoryFilter, request: PageRequest) -> Page[MemoryRecord]:
        """Lists the versions that fit, newest first."""
        query = select_records().where(MemoryORM.team_id == self.team_id, *self._conditions(which))
        return (await self.page_of(query, request)).map(to_record)

    def _conditions(self, which: MemoryFilter) -> Iterator[ColumnExpressionArgument[bool]]:
        model, tag = MemoryORM, MemoryTagORM
        for name in ("agent_id", "user_id", "memory_type", "status", "subject"):
            wanted = getattr(which, name)
            if wanted is not None:
                yield getattr(model, name) == wanted
        if which.created_from is not None:
            yield model.created_at >= which.created_from
        if which.created_before is not None:
            yield model.created_at < which.created_before
        if which.tag is not None:
            yield exists().where(
                tag.team_id == self.team_id, tag.memory_id == model.id, tag.tag == which.tag, tag.removed_at.is_(None)
            )
