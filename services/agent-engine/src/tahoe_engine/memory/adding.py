"""How a memory is added: what is known is merged, what contradicts is settled, nothing is lost."""

import zlib
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
from tahoe_engine.memory.sameness import is_same_statement
from tahoe_engine.models.memory_models import MAX_NAMED, MemoryRecord, MemorySource, MemoryStatus
from tahoe_engine.models.memory_outcomes import AddOutcome

_DECIDED = frozenset({MemorySource.EXPLICIT, MemorySource.FEEDBACK})
"""Sources of statements that hold against what was known before."""
_WHY_SUPERSEDED = "a later statement about the same subject"
_WHY_DISPUTED = "statements about the same subject contradict each other"
_SUBJECT_LOCKS = 32


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
        # A statement does not see what others write at the same moment, and what contradicts would stand side by side.
        await self._repository.lock_all({_subject_lock(row) for row in rows if row.subject and row.position is None})
        written = await self._repository.insert(_first_of_each(rows), guarded=True, looks_near=looks_near)
        # Every lock before the first row is settled and in one order, or two batches could wait for each other.
        await self._repository.lock_all({to_lock(row.agent_id, row.user_id) for row in rows if row.id not in written})
        return [Placed(row.id, AddOutcome.CREATED) if row.id in written else await self._settle(row) for row in rows]

    async def add_one(self, row: NewMemory) -> tuple[Placed, MemoryRecord]:
        """Writes one row, looking for the same in other words, too; returns where it went, and what stands there now.

        Raises:
            NotFoundError: An agent or a conversation is none of this team's.
        """
        looks_near = row.position is None
        if not row.subject and not row.tags:  # most are so, and one statement does all of it
            record = await self._repository.insert_new(row, looks_near=looks_near)
            if record is not None:
                return Placed(row.id, AddOutcome.CREATED), record
        [placed] = await self.add([row], looks_near=looks_near)
        return placed, await self._repository.get_record(placed.memory_id)

    async def merge_stored(self, record: MemoryRecord, older: MemoryRecord) -> UUID | None:
        """Merges two live memories that say the same; the next version of the older one stands in the place of both.

        Returns:
            The version; None where one of them was changed meanwhile.
        """
        await self._repository.lock_all({to_lock(older.agent_id, older.user_id)})
        row = await self._repeat(record)
        await give_reason(self._session, "another memory says the same")
        if not await self._retire_all([older.id, record.id], MemoryStatus.SUPERSEDED, row.id):
            return None
        merged = merge(row, await self._repository.get_record(older.id), MemoryStatus.ACTIVE)
        await self._repository.insert([merged], guarded=False)
        return merged.id

    async def fold(self, newest: MemoryRecord, change: dict[str, Any], reason: str) -> UUID | None:
        """Puts one memory in the place of several, which stay, archived.

        Args:
            newest: Whose words it has.
            change: What else it says, `related_to` the memories among it.
            reason: For the log.

        Returns:
            The new memory; None where one of them was changed meanwhile.
        """
        await self._repository.lock_all({to_lock(newest.agent_id, newest.user_id)})
        row = await self._repeat(newest, **change)
        await give_reason(self._session, reason)
        if not await self._retire_all(row.related_to, MemoryStatus.ARCHIVED, row.id):
            return None
        await self._repository.insert([row], guarded=False)
        return row.id

    async def _retire_all(self, ids: Sequence[UUID], status: MemoryStatus, by: UUID) -> bool:
        """Takes all of these out of use, or none."""
        async with self._session.begin_nested() as attempt:
            retired = await self._repository.retire(ids, status, by)
            if len(retired) < len(set(ids)):
                await attempt.rollback()
                return False
        return True

    async def _repeat(self, record: MemoryRecord, **change: Any) -> NewMemory:  # noqa: ANN401 - fields of MemoryCreate
        """Returns a new row with a stored memory's words, and so with its vector."""
        row = prepare(to_create(record).model_copy(update=change))
        vector = await self._repository.find_vector(record.id)
        return row if vector is None else replace(row, embedding=vector, embedding_model=record.embedding_model)

    async def _settle(self, row: NewMemory) -> Placed:
        """Finds what a row that was not simply new has to do with what is known; its scope is locked."""
        twins = await self._repository.list_twins(row)
        if row.position is not None and twins:
            return Placed(twins[0].id, AddOutcome.KNOWN)
        twin = next((twin for twin in twins if is_same_statement(row, twin)), None)
        subject = row.subject or (twin.subject if twin else None)
        peers = await self._repository.list_same_subject(row, subject) if subject and row.position is None else []
        others = [peer for peer in peers if twin is None or peer.id != twin.id]
        if twin is not None:
            return await self._merge(row, twin, others)
        if not others:
            await give_reason(self._session, "")
            await self._repository.insert([row], guarded=False)
            return Placed(row.id, AddOutcome.CREATED)
        if row.source in _DECIDED:
            return await self._supersede(row, others)
        return await self._dispute(row, others)

    async def _merge(self, row: NewMemory, twin: MemoryRecord, others: Sequence[MemoryRecord]) -> Placed:
        """Makes the next version of the twin; what contradicts both loses, or is disputed."""
        is_decided = row.source in _DECIDED
        losers = others if is_decided else []
        is_disputed = not is_decided and (bool(others) or twin.status is MemoryStatus.DISPUTED)
        await give_reason(self._session, _WHY_SUPERSEDED if losers else "the same was said again")
        retired = await self._repository.retire(
            [twin.id, *(loser.id for loser in losers)], MemoryStatus.SUPERSEDED, row.id
        )
        if twin.id not in retired:
            return await self._settle(row)  # somebody took it out of use a moment ago
        # Read again: it was pinned or tagged meanwhile, perhaps, and from now on it stays as it is.
        twin = await self._repository.get_record(twin.id)
        merged = merge(row, twin, MemoryStatus.DISPUTED if is_disputed else MemoryStatus.ACTIVE)
        if is_disputed:
            merged = replace(merged, contradicts=[other.id for other in others] or twin.contradicts)
        await self._repository.insert([merged], guarded=False)
        if is_disputed:
            await give_reason(self._session, _WHY_DISPUTED)
            await self._repository.dispute([other.id for other in others], [merged.id], instead_of=twin.id)
        if losers:
            return Placed(merged.id, AddOutcome.SUPERSEDED, [twin.id, *(loser.id for loser in losers)])
        return Placed(merged.id, AddOutcome.MERGED, [twin.id])

    async def _supersede(self, row: NewMemory, peers: Sequence[MemoryRecord]) -> Placed:
        newest = max(peers, key=lambda peer: (peer.created_at, peer.id))
        version = replace(row, root_id=newest.root_id, version=newest.version + 1)
        await give_reason(self._session, _WHY_SUPERSEDED)
        await self._repository.retire([peer.id for peer in peers], MemoryStatus.SUPERSEDED, version.id)
        await self._repository.insert([version], guarded=False)
        return Placed(version.id, AddOutcome.SUPERSEDED, [peer.id for peer in peers])

    async def _dispute(self, row: NewMemory, peers: Sequence[MemoryRecord]) -> Placed:
        others = [peer.id for peer in peers]
        await give_reason(self._session, _WHY_DISPUTED)
        disputed = replace(row, status=MemoryStatus.DISPUTED, contradicts=others)
        await self._repository.insert([disputed], guarded=False)
        await self._repository.dispute(others, [row.id])
        return Placed(row.id, AddOutcome.DISPUTED, others)


def merge(row: NewMemory, known: MemoryRecord, status: MemoryStatus) -> NewMemory:
    """Returns the next version of what is known: in the new words, with the provenance of both.

    Of what a thousand statements name, it keeps the newest; the versions before name the others.
    """
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
        source_message_ids=_join(known.source_message_ids, row.source_message_ids),
        related_to=_join(known.related_to, row.related_to),
        status=status,
        metadata=to_json_text(known.metadata) if row.metadata == "{}" else row.metadata,
        tags=list(dict.fromkeys([*known.tags, *row.tags])),
    )


def to_lock(agent_id: UUID | None, user_id: UUID | None) -> str:
    """Names the lock of whoever decides about what one agent knows of one user."""
    return f"{agent_id} {user_id}"


def _subject_lock(row: NewMemory) -> str:
    # Some tens rather than one a subject: a batch has hundreds, and Postgres keeps a few thousand for everybody.
    scope = f"{row.agent_id} {row.user_id} {row.subject}"
    return f"subject {zlib.crc32(scope.encode()) % _SUBJECT_LOCKS}"


def _join(known: Sequence[UUID], new: Sequence[UUID]) -> list[UUID]:
    return list(dict.fromkeys([*known, *new]))[-MAX_NAMED:]


def _first_of_each(rows: Sequence[NewMemory]) -> list[NewMemory]:
    """Leaves out what an earlier row of the same call says, too: a statement does not see what it writes itself."""
    firsts: dict[object, NewMemory] = {}
    subjects: set[object] = set()
    for row in rows:
        whose = (row.agent_id, row.user_id)
        place = (row.source_conversation_id, row.position) if row.position is not None else row.occurred_at
        key = (*whose, row.memory_type, row.content_hash, place)
        subject = (*whose, row.subject) if row.subject and row.position is None else None
        if subject in subjects or key in firsts:
            continue
        firsts[key] = row
        if subject:
            subjects.add(subject)
    return list(firsts.values())
