"""How an export comes in: all of it in one transaction, or nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.session import give_reason, team_session
from tahoe_core.errors import NotFoundError
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.db.repositories.memory_transfer import MemoryTransferRepository
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory.export_lines import ExportLine, read_lines
from tahoe_engine.memory.import_plan import Here, ImportPlan, plan_import, translate
from tahoe_engine.memory.preparing import embed
from tahoe_engine.models.memory_models import MemoryStatus
from tahoe_engine.models.memory_transfer import ImportedMemories

WRITTEN_AT_ONCE = 500
EMBEDDED_AT_ONCE = 2_000
"""Some 15 seconds of the local model; the vectors of what is more are left to the upkeep."""


class MemoryImporter:
    """Brings an export in.

    What comes keeps what it says, its versions and their order, state, tags, pins and provenance; ids are translated.
    The log and the counts of use stay where they were made: here it has been known only since it came.

    Args:
        sessions: Of the application's role.
        team_id: Whose memory it becomes.
        embedding: What makes vectors.
        actor: Who acts, for the log.
    """

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], team_id: UUID, embedding: MemoryEmbedding, actor: str
    ) -> None:
        self._sessions = sessions
        self._team_id = team_id
        self._embedding = embedding
        self._actor = actor

    async def import_export(self, data: bytes, agent_id: UUID | None = None) -> ImportedMemories:
        """Writes what is not here yet.

        Args:
            data: JSONL, as `Memories.export` gives it.
            agent_id: Whose the memories of agents that this team does not have become.

        Raises:
            ReadError: A line is no memory; nothing was written.
            NotFoundError: A memory belongs to an agent that this team does not have.
        """
        lines = await asyncio.to_thread(read_lines, data)
        async with self._session() as session:
            plan = plan_import(lines, await self._look(session, lines, agent_id))
        vectors = await asyncio.to_thread(self._embed, plan.rows)
        async with self._session() as session:
            # Planned anew: others may have been here meanwhile, and now they wait.
            await MemoryRepository(session).lock("import")
            plan = plan_import(lines, await self._look(session, lines, agent_id))
            rows = [self._with_vector(row, vectors) for row in plan.rows]
            await _write(session, plan, rows)
        return ImportedMemories(
            added=len(rows),
            known=plan.known,
            outdated=plan.outdated,
            erased=plan.erased,
            unembedded=sum(_is_live(row) and row.embedding is None for row in rows),
        )

    async def _look(self, session: AsyncSession, lines: Sequence[ExportLine], agent_id: UUID | None) -> Here:
        repository = MemoryTransferRepository(session)
        records = [line.record for line in lines]
        mentioned = {one.id for one in records} | {
            other for one in records for other in (*one.contradicts, *one.related_to, one.superseded_by) if other
        }
        conversations = {one.source_conversation_id for one in records if one.source_conversation_id}
        standing = await repository.list_standing(
            ids=self._both(mentioned),
            roots=self._both({one.root_id for one in records}),
            hashes={line.row.content_hash for line in lines if line.row},
        )
        return Here(
            team_id=self._team_id,
            standing=standing,
            agents=await self._find_agents(repository, lines, agent_id),
            conversations=await repository.list_conversations(self._both(conversations)),
        )

    async def _find_agents(
        self, repository: MemoryTransferRepository, lines: Sequence[ExportLine], agent_id: UUID | None
    ) -> Mapping[UUID, UUID]:
        first = {line.record.agent_id: line.number for line in reversed(lines) if line.row}
        named = {there for there in first if there is not None}
        here = await repository.list_agents(named | ({agent_id} if agent_id else set()))
        if agent_id is not None and agent_id not in here:
            raise NotFoundError(f"There is no agent with the id {agent_id}.", field="agent_id")
        missing = named - here
        if missing and agent_id is None:
            one = min(missing, key=lambda there: first[there])
            raise NotFoundError(
                f"The memory on line {first[one]} belongs to the agent {one}, which this team does not have.",
                cure="Say which agent's they become (`agent_id`); nothing was imported.",
                field="agent_id",
            )
        return {there: there if there in here or agent_id is None else agent_id for there in named}

    def _both(self, ids: set[UUID]) -> set[UUID]:
        return ids | {translate(self._team_id, there) for there in ids}

    def _embed(self, rows: Sequence[NewMemory]) -> Mapping[str, NewMemory]:
        live = [row for row in rows if _is_live(row)][-EMBEDDED_AT_ONCE:]
        return {row.content: row for row in embed(live, self._embedding.documents)} if live else {}

    def _with_vector(self, row: NewMemory, made: Mapping[str, NewMemory]) -> NewMemory:
        source = made.get(row.content)
        return (
            row if source is None else replace(row, embedding=source.embedding, embedding_model=source.embedding_model)
        )

    def _session(self) -> AbstractAsyncContextManager[AsyncSession]:
        return team_session(self._sessions, self._team_id, self._actor)


async def _write(session: AsyncSession, plan: ImportPlan, rows: Sequence[NewMemory]) -> None:
    memories, transfer = MemoryRepository(session), MemoryTransferRepository(session)
    await give_reason(session, "imported")
    await transfer.add_conversations(plan.conversations)
    new = {row.id for row in rows}
    # What was here first, as whoever supersedes does: two versions of one memory never count at once.
    await transfer.retire([one for one in plan.retirements.values() if one.id not in new])
    for start in range(0, len(rows), WRITTEN_AT_ONCE):
        await memories.insert(rows[start : start + WRITTEN_AT_ONCE], guarded=False)
    await transfer.retire([one for one in plan.retirements.values() if one.id in new])
    for tier, ids in plan.tiers.items():
        await transfer.set_tier(ids, tier)


def _is_live(row: NewMemory) -> bool:
    return row.status in (MemoryStatus.ACTIVE, MemoryStatus.DISPUTED)
