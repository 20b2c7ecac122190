from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Double, Integer, Uuid, any_, bindparam, select, text

from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.memory_use import MemoryUseORM
from tahoe_engine.models.memory_models import UsedMemory

# One statement whatever the number of rows: it is compiled once, and the trigger that logs the use sees them together.
_RECORD = text(
    "INSERT INTO memory_use (team_id, answer_id, agent_id, memory_id, version, rank, score)"
    " SELECT :team, :answer, :agent, u.* FROM unnest(:memory_ids, :versions, :ranks, :scores) u"
).bindparams(
    bindparam("team", type_=Uuid()),
    bindparam("answer", type_=Uuid()),
    bindparam("agent", type_=Uuid()),
    bindparam("memory_ids", type_=ARRAY(Uuid)),
    bindparam("versions", type_=ARRAY(Integer)),
    bindparam("ranks", type_=ARRAY(Integer)),
    bindparam("scores", type_=ARRAY(Double)),
)
_USE = MemoryUseORM.metadata.tables[MemoryUseORM.__tablename__].c
_LIST = (
    select(_USE.answer_id, _USE.memory_id, _USE.version, _USE.rank, _USE.score)
    .where(_USE.team_id == bindparam("team"), _USE.answer_id == any_(bindparam("answers", type_=ARRAY(Uuid))))
    .order_by(_USE.rank)
)


class MemoryUseRepository(BaseRepository[MemoryUseORM]):
    """Queries of `memory_use`."""

    model = MemoryUseORM
    noun = "use of a memory"

    async def record(self, answer_id: UUID, agent_id: UUID | None, used: Sequence[UsedMemory]) -> None:
        """Writes what was put before a model for one answer; a trigger counts and logs the access."""
        if used:
            values = {
                "team": self.team_id,
                "answer": answer_id,
                "agent": agent_id,
                "memory_ids": [memory.memory_id for memory in used],
                "versions": [memory.version for memory in used],
                "ranks": [memory.rank for memory in used],
                "scores": [memory.score for memory in used],
            }
            await self.session.execute(_RECORD, values)

    async def list_of_answer(self, answer_id: UUID) -> list[UsedMemory]:
        """Returns what was put before the model for an answer, in the order in which it stood there."""
        return (await self.list_of_answers([answer_id])).get(answer_id, [])

    async def list_of_answers(self, answer_ids: Collection[UUID]) -> Mapping[UUID, list[UsedMemory]]:
        """Returns the same for each of several answers before which anything was put."""
        found: defaultdict[UUID, list[UsedMemory]] = defaultdict(list)
        for row in await self.session.execute(_LIST, {"team": self.team_id, "answers": list(answer_ids)}):
            found[row.answer_id].append(
                UsedMemory(memory_id=row.memory_id, version=row.version, rank=row.rank, score=row.score)
            )
        return found
