from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, select

from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.memory_use import MemoryUseORM
from tahoe_engine.models.memory_models import UsedMemory


class MemoryUseRepository(BaseRepository[MemoryUseORM]):
    """Queries of `memory_use`."""

    model = MemoryUseORM
    noun = "use of a memory"

    async def record(self, answer_id: UUID, agent_id: UUID | None, used: Sequence[UsedMemory]) -> None:
        """Writes what was put before a model for one answer; a trigger counts and logs the access."""
        rows = [
            {"team_id": self.team_id, "answer_id": answer_id, "agent_id": agent_id, **memory.model_dump()}
            for memory in used
        ]
        if rows:
            await self.session.execute(insert(MemoryUseORM).values(rows))

    async def list_of_answer(self, answer_id: UUID) -> list[UsedMemory]:
        """Returns what was put before the model for an answer, in the order in which it stood there."""
        model = MemoryUseORM
        query = (
            select(model.memory_id, model.version, model.rank, model.score)
            .where(model.team_id == self.team_id, model.answer_id == answer_id)
            .order_by(model.rank)
        )
        return [UsedMemory.model_validate(row._asdict()) for row in await self.session.execute(query)]
