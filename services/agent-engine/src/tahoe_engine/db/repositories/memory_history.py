"""Queries of `memory_log`, and of memories as they stood at a moment."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import TIMESTAMP, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.session import get_team
from tahoe_engine.db.models.memory import MemoryLogORM
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.models.memory_models import MemoryLogEntry, MemoryRecord

_AT = text(
    "SELECT id, status, tier, importance, confidence, is_pinned, expires_at, superseded_by FROM memory_at(:id, :moment)"
).bindparams(bindparam("id", type_=Uuid()), bindparam("moment", type_=TIMESTAMP(timezone=True)))


class MemoryHistoryRepository:
    """What happened to a team's memories, within the session it is given."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._team_id = get_team(session)

    async def list_entries(self, memory_ids: Sequence[UUID], limit: int = 1000) -> list[MemoryLogEntry]:
        """Returns what happened to these versions, in its order, each access of theirs included.

        Args:
            memory_ids: The versions.
            limit: The newest so many.
        """
        log = MemoryLogORM
        mine = log.memory_id.in_(memory_ids) | log.memory_ids.overlap(list(memory_ids))
        query = select(log).where(log.team_id == self._team_id, mine).order_by(log.id.desc()).limit(limit)
        rows = (await self._session.scalars(query)).all()
        return [MemoryLogEntry.model_validate(row, from_attributes=True) for row in reversed(rows)]

    async def find_at(self, memory_id: UUID, moment: datetime) -> MemoryRecord | None:
        """Returns the version that stood at a moment, with its state of then; None where there was none yet."""
        then = (await self._session.execute(_AT, {"id": memory_id, "moment": moment})).one_or_none()
        if then is None:
            return None
        record = await MemoryRepository(self._session).get_record(then.id)
        return record.model_copy(update={name: value for name, value in then._asdict().items() if name != "id"})

    async def count_events(self) -> dict[str, int]:
        """Returns how often each kind of event happened."""
        log = MemoryLogORM
        query = select(log.event, func.count().label("events")).where(log.team_id == self._team_id).group_by(log.event)
        return {row.event: row.events for row in await self._session.execute(query)}
