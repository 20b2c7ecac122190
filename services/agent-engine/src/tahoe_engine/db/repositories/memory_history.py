"""Queries of `memory_log`, and of memories as they stood at a moment."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, TIMESTAMP, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.session import get_team
from tahoe_engine.db.models.memory import MemoryLogORM
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.models.memory_models import MemoryLogEntry, MemoryRecord, MemoryStatus

_AT = text("SELECT id FROM memory_at(:id, :moment)").bindparams(
    bindparam("id", type_=Uuid()), bindparam("moment", type_=TIMESTAMP(timezone=True))
)
_STATES = text(
    """
    SELECT m.id, l.status, l.tier, l.importance, l.confidence, l.is_pinned, l.expires_at, l.superseded_by, ARRAY(
        SELECT t.tag FROM memory_tag t
        WHERE t.team_id = :team AND t.memory_id = m.id AND t.created_at <= :moment
            AND (t.removed_at IS NULL OR t.removed_at > :moment AND m.erased_at IS NULL) ORDER BY t.tag
    ) AS tags
    FROM memory m CROSS JOIN LATERAL (
        SELECT * FROM memory_log l WHERE l.team_id = :team AND l.memory_id = m.id AND l.logged_at <= :moment
        ORDER BY l.id DESC LIMIT 1
    ) l
    WHERE m.team_id = :team AND m.id = ANY (:ids)
    """
).bindparams(
    bindparam("team", type_=Uuid()),
    bindparam("moment", type_=TIMESTAMP(timezone=True)),
    bindparam("ids", type_=ARRAY(Uuid)),
)


class MemoryHistoryRepository:
    """What happened to a team's memories, within the session it is given."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._team_id = get_team(session)

    async def list_entries(self, memory_ids: Sequence[UUID], limit: int = 1000) -> list[MemoryLogEntry]:
        """Returns what happened to these versions, in its order.

        Args:
            memory_ids: The versions.
            limit: The newest so many accesses; all of what changed them.
        """
        log = MemoryLogORM
        here = select(log).where(log.team_id == self._team_id)
        changes = here.where(log.memory_id.in_(memory_ids))
        # By an index of the accesses alone: whether one array holds what another does, none can say under RLS.
        accesses = here.where(log.memory_ids.is_not(None), log.memory_ids.overlap(list(memory_ids)))
        rows = [
            *await self._session.scalars(changes),
            *await self._session.scalars(accesses.order_by(log.id.desc()).limit(limit)),
        ]
        ordered = sorted(rows, key=lambda row: row.id)
        return [MemoryLogEntry.model_validate(row, from_attributes=True) for row in ordered]

    async def find_at(self, memory_id: UUID, moment: datetime) -> MemoryRecord | None:
        """Returns the version that stood at a moment, with its state of then; None where there was none yet."""
        version = (await self._session.execute(_AT, {"id": memory_id, "moment": moment})).scalar_one_or_none()
        if version is None:
            return None
        [record] = await self.rebuild([await MemoryRepository(self._session).get_record(version)], moment)
        return record

    async def rebuild(self, records: Sequence[MemoryRecord], moment: datetime) -> list[MemoryRecord]:
        """Returns the same versions with the state and the tags that they had at a moment.

        Accesses are counted until now. What was erased since stays erased.
        """
        ids = [record.id for record in records]
        rows = await self._session.execute(_STATES, {"team": self._team_id, "moment": moment, "ids": ids})
        states = {row.id: row._asdict() for row in rows}
        return [
            MemoryRecord.model_validate(_as_then(record.model_dump(), states[record.id]))
            for record in records
            if record.id in states
        ]

    async def count_events(self) -> dict[str, int]:
        """Returns how often each kind of event happened."""
        log = MemoryLogORM
        query = select(log.event, func.count().label("events")).where(log.team_id == self._team_id).group_by(log.event)
        return {row.event: row.events for row in await self._session.execute(query)}


def _as_then(record: dict[str, object], state: dict[str, object]) -> dict[str, object]:
    then = record | state
    return then if then["status"] == MemoryStatus.DISPUTED else then | {"contradicts": []}
