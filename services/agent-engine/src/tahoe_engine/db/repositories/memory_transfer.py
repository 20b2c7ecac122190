"""Queries by which memories move from one store to another."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.agent import AgentORM
from tahoe_engine.db.models.conversation import ConversationORM
from tahoe_engine.db.models.memory import MemoryORM
from tahoe_engine.models.conversation_models import ConversationStatus
from tahoe_engine.models.memory_models import MemoryStatus, MemoryTier, MemoryType

ASKED_AT_ONCE = 5_000


class Saying(NamedTuple):
    """What makes one memory the same as another: what it says, for whom, and where it was said.

    Attributes:
        place: Conversation and position, where it has a position.
        happened_at: Of an episode; the same that happens again is another one.
    """

    content_hash: UUID
    memory_type: MemoryType
    agent_id: UUID | None
    user_id: UUID | None
    place: tuple[UUID | None, int] | None
    happened_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A version that stands here already.

    Attributes:
        saying: None for one that was erased.
    """

    id: UUID
    root_id: UUID
    version: int
    status: MemoryStatus
    saying: Saying | None


@dataclass(frozen=True, slots=True)
class Retirement:
    """A version that counts no more, and what stands in its place."""

    id: UUID
    status: MemoryStatus
    superseded_by: UUID | None


_RETIRE = text(
    """
    UPDATE memory m SET status = CAST(r.status AS memory_status), superseded_by = r.superseded_by
    FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:successors AS uuid[]))
        AS r (id, status, superseded_by)
    WHERE m.team_id = :team AND m.id = r.id
    """
).bindparams(
    bindparam("team", type_=Uuid()),
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("statuses", type_=ARRAY(Text)),
    bindparam("successors", type_=ARRAY(Uuid)),
)


class MemoryTransferRepository(BaseRepository[MemoryORM]):
    """What is here already, and the state that comes along."""

    model = MemoryORM
    noun = "memory"

    async def list_standing(
        self, ids: Collection[UUID], roots: Collection[UUID], hashes: Collection[UUID]
    ) -> list[Standing]:
        """Returns the versions with one of these ids, of one of these memories, or that say one of these things."""
        model = MemoryORM
        found: dict[UUID, Standing] = {}
        for column, wanted in ((model.id, ids), (model.root_id, roots), (model.content_hash, hashes)):
            listed = list(wanted)
            for start in range(0, len(listed), ASKED_AT_ONCE):
                piece = bindparam("wanted", listed[start : start + ASKED_AT_ONCE], type_=ARRAY(Uuid))
                for standing in await self._list(column == func.any(piece)):
                    found[standing.id] = standing
        return list(found.values())

    async def list_agents(self, ids: Collection[UUID]) -> set[UUID]:
        """Returns those of these agents that the team has."""
        query = select(AgentORM.id).where(AgentORM.team_id == self.team_id, AgentORM.id.in_(ids))
        return set(await self.session.scalars(query))

    async def list_conversations(self, ids: Collection[UUID]) -> set[UUID]:
        """Returns those of these conversations that the team has."""
        model = ConversationORM
        listed = bindparam("wanted", list(ids), type_=ARRAY(Uuid))
        query = select(model.id).where(model.team_id == self.team_id, model.id == func.any(listed))
        return set(await self.session.scalars(query))

    async def add_conversations(self, sources: Mapping[UUID, UUID]) -> None:
        """Writes stand-ins for conversations that are kept elsewhere, so that their memories stay neighbours.

        Args:
            sources: Id here → id there.
        """
        rows = [
            {
                "id": here,
                "team_id": self.team_id,
                "external_id": f"import:{there}",
                "title": "Imported with its memories",
                "status": ConversationStatus.CLOSED,
            }
            for here, there in sources.items()
        ]
        if rows:
            await self.session.execute(insert(ConversationORM).on_conflict_do_nothing(), rows)

    async def retire(self, retirements: Sequence[Retirement]) -> None:
        """Takes versions out of use, live or not."""
        if retirements:
            parameters = {
                "team": self.team_id,
                "ids": [one.id for one in retirements],
                "statuses": [one.status.value for one in retirements],
                "successors": [one.superseded_by for one in retirements],
            }
            await self.session.execute(_RETIRE, parameters)

    async def set_tier(self, ids: Collection[UUID], tier: MemoryTier) -> None:
        """Moves memories to a tier."""
        model = MemoryORM
        listed = bindparam("wanted", list(ids), type_=ARRAY(Uuid))
        where = [model.team_id == self.team_id, model.id == func.any(listed), model.tier != tier]
        await self.session.execute(update(model).where(*where).values(tier=tier))

    async def _list(self, condition: ColumnElement[bool]) -> list[Standing]:
        model = MemoryORM
        query = select(
            model.id,
            model.root_id,
            model.version,
            model.status,
            model.content_hash,
            model.memory_type,
            model.agent_id,
            model.user_id,
            model.source_conversation_id,
            model.position,
            model.occurred_at,
        ).where(model.team_id == self.team_id, condition)
        return [
            Standing(
                id=row.id,
                root_id=row.root_id,
                version=row.version,
                status=row.status,
                saying=None
                if row.content_hash is None
                else Saying(
                    content_hash=row.content_hash,
                    memory_type=row.memory_type,
                    agent_id=row.agent_id,
                    user_id=row.user_id,
                    place=None if row.position is None else (row.source_conversation_id, row.position),
                    happened_at=row.occurred_at if row.memory_type is MemoryType.EPISODIC else None,
                ),
            )
            for row in await self.session.execute(query)
        ]
