"""How a memory is added: what is known is merged, what contradicts is settled, nothing is lost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.session import give_reason
from tahoe_core.db.storable import to_json_text
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.memory.preparing import prepare, to_create
from tahoe_engine.memory.sameness import say_the_same
from tahoe_engine.models.memory_models import MemoryRecord, MemorySource, MemoryStatus
from tahoe_engine.models.memory_outcomes import AddOutcome

_DECIDED = frozenset({MemorySource.EXPLICIT, MemorySource.FEEDBACK})
"""Sources of statements that hold against what was known before."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a row went."""

    memory_id: UUID
    outcome: AddOutcome
    others: Sequence[UUID] = ()


class MemoryAdder:
    """Writes rows within a session of their team."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._repository = MemoryRepository(session)

    async def add(self, rows: Sequence[NewMemory], *, looks_near: bool) -> list[Placed]:
        """Writes rows, in the order of the input.

        Most are new, and one statement writes them all; each of the others is settled by itself.

        Raises:
            NotFoundError: An agent or a conversation is none of this team's.
        """
        written = await self._repository.insert(_first_of_each(rows), guarded=True, looks_near=looks_near)
        return [Placed(row.id, AddOutcome.CREATED) if row.id in written else await self._settle(row) for row in rows]

    async def merge_stored(self, record: MemoryRecord, older: MemoryRecord) -> UUID:
        """Merges two live memories that say the same; the next version of the older one stands in the place of both."""
        merged = merge(await self._repeat(record), older)
        await give_reason(self._session, "another memory says the same")
        await self._repository.retire([older.id, record.id], MemoryStatus.SUPERSEDED, merged.id)
        await self._repository.insert([merged], guarded=False)
        return merged.id

    async def fold(self, newest: MemoryRecord, change: dict[str, Any], reason: str) -> UUID:
        """Puts one memory in the place of several, which stay, archived.

        Args:
            newest: Whose words it has.
            change: What else it says, `related_to` the memories among it.
            reason: For the log.
        """
        row = await self._repeat(newest, **change)
        await give_reason(self._session, reason)
        await self._repository.retire(row.related_to, MemoryStatus.ARCHIVED, row.id)
        await self._repository.insert([row], guarded=False)
        return row.id

    async def _repeat(self, record: MemoryRecord, **change: Any) -> NewMemory:  # noqa: ANN401 - fields of MemoryCreate
        """Returns a new row with a stored memory's words, and so with its vector."""
        row = prepare(to_create(record).model_copy(update=change))
        vector = await self._repository.find_vector(record.id)
        return row if vector is None else replace(row, embedding=vector, embedding_model=record.embedding_model)

    async def _settle(self, row: NewMemory) -> Placed:
        # One lock an agent and user: who says the same at the same moment decides one after the other.
        await self._repository.lock(row.agent_id, row.user_id)
        twins = await self._repository.list_twins(row)
        if row.position is not None and twins:
            return Placed(twins[0].id, AddOutcome.KNOWN)
        twin = next((twin for twin in twins if say_the_same(twin.content, row.content)), None)
        if twin is not None:
            return await self._merge(row, twin)
        peers = await self._repository.list_same_subject(row) if row.subject and row.position is None else []
        if not peers:
            await self._repository.insert([row], guarded=False)
            return Placed(row.id, AddOutcome.CREATED)
        if row.source in _DECIDED:
            return await self._supersede(row, peers)
        return await self._dispute(row, peers)

    async def _merge(self, row: NewMemory, twin: MemoryRecord) -> Placed:
        merged = merge(row, twin)
        await give_reason(self._session, "the same was said again")
        await self._repository.retire([twin.id], MemoryStatus.SUPERSEDED, merged.id)
        await self._repository.insert([merged], guarded=False)
        return Placed(merged.id, AddOutcome.MERGED, [twin.id])

    async def _supersede(self, row: NewMemory, peers: Sequence[MemoryRecord]) -> Placed:
        peers = sorted(peers, key=lambda peer: (peer.created_at, peer.id))
        newest = peers[-1]
        version = replace(row, root_id=newest.root_id, version=newest.version + 1)
        await give_reason(self._session, "a later statement about the same subject")
        await self._repository.retire([peer.id for peer in peers], MemoryStatus.SUPERSEDED, version.id)
        await self._repository.insert([version], guarded=False)
        return Placed(version.id, AddOutcome.SUPERSEDED, [peer.id for peer in peers])

    async def _dispute(self, row: NewMemory, peers: Sequence[MemoryRecord]) -> Placed:
        others = [peer.id for peer in peers]
        await give_reason(self._session, "statements about the same subject contradict each other")
        disputed = replace(row, status=MemoryStatus.DISPUTED, contradicts=others)
        await self._repository.insert([disputed], guarded=False)
        await self._repository.dispute(others, [row.id])
        return Placed(row.id, AddOutcome.DISPUTED, others)


def merge(row: NewMemory, known: MemoryRecord) -> NewMemory:
    """Returns the next version of what is known: in the new words, with the provenance of both."""
    expiries = [row.expires_at, known.expires_at]
    return replace(
        row,
        root_id=known.root_id,
        version=known.version + 1,
        importance=max(row.importance, known.importance),
        confidence=max(row.confidence, known.confidence),
        is_pinned=row.is_pinned or known.is_pinned,
        expires_at=max((moment for moment in expiries if moment), default=None) if all(expiries) else None,
        subject=row.subject or known.subject,
        source_message_ids=list(dict.fromkeys([*known.source_message_ids, *row.source_message_ids])),
        related_to=list(dict.fromkeys([*known.related_to, *row.related_to])),
        status=known.status,
        contradicts=known.contradicts,
        metadata=to_json_text(known.metadata) if row.metadata == "{}" else row.metadata,
        tags=list(dict.fromkeys([*known.tags, *row.tags])),
    )


def _first_of_each(rows: Sequence[NewMemory]) -> list[NewMemory]:
    """Leaves out what an earlier row of the same call says, too: a statement does not see what it writes itself."""
    firsts: dict[object, NewMemory] = {}
    subjects: set[object] = set()
    for row in rows:
        whose = (row.agent_id, row.user_id)
        key = (*whose, row.content_hash, row.source_conversation_id if row.position is not None else None, row.position)
        subject = (*whose, row.subject) if row.subject and row.position is None else None
        if subject in subjects or key in firsts:
            continue
        firsts[key] = row
        if subject:
            subjects.add(subject)
    return list(firsts.values())
