"""One team's memory, as a library: all it needs is a session factory and something that embeds."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.db.page import MAX_LIMIT, Page, PageRequest
from tahoe_core.db.session import run_again, team_session
from tahoe_core.errors import ConflictError, NotFoundError, UnavailableError
from tahoe_engine.db.repositories.memory import MemoryRepository
from tahoe_engine.db.repositories.memory_history import MemoryHistoryRepository
from tahoe_engine.db.repositories.memory_listing import MemoryListingRepository
from tahoe_engine.db.repositories.memory_overview import MemoryOverviewRepository
from tahoe_engine.db.repositories.memory_row import NewMemory
from tahoe_engine.embedding.memory_embedding import MemoryEmbedding
from tahoe_engine.memory.adding import MemoryAdder, Placed
from tahoe_engine.memory.preparing import check_tags, embed, prepare, to_create
from tahoe_engine.memory.revising import MemoryReviser
from tahoe_engine.memory.searching import MemorySearcher
from tahoe_engine.memory.transfer import MemoryImporter
from tahoe_engine.memory.upkeep import NoUpkeep, UpkeepRequests
from tahoe_engine.models.memory_filter import MemoryFilter
from tahoe_engine.models.memory_models import (
    MemoryChange,
    MemoryCreate,
    MemoryHistory,
    MemoryRecord,
    MemorySearchRequest,
    MemorySearchResult,
    MemoryStatus,
)
from tahoe_engine.models.memory_outcomes import AddedMemory, BulkAdded
from tahoe_engine.models.memory_overview import MemoryOverview
from tahoe_engine.models.memory_transfer import ImportedMemories

BATCH = 500
"""Memories a transaction of a bulk add."""


class Memories:
    """What a team's agents remember: added, found, changed on record, never lost.

    Every call is one transaction of its own, a bulk add one a batch. Other software can use it without the rest of
    Tahoe::

        memories = Memories(get_session_factory(get_engine(url)), team_id, local_memory_embedding())
        await memories.add(MemoryCreate(content="Ann prefers tea."))
        found = await memories.search(MemorySearchRequest(query="What does Ann drink?"))

    Args:
        sessions: Of the application's role.
        team_id: Whose memory it is.
        embedding: What makes vectors.
        upkeep: Where upkeep is asked for after something was added.
        actor: Who acts, for the log.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        team_id: UUID,
        embedding: MemoryEmbedding,
        upkeep: UpkeepRequests | None = None,
        actor: str = "library",
    ) -> None:
        self._sessions = sessions
        self._team_id = team_id
        self._embedding = embedding
        self._upkeep = upkeep or NoUpkeep()
        self._actor = actor
        self._searcher = MemorySearcher(sessions, team_id, embedding)

    @run_again
    async def add(self, memory: MemoryCreate) -> AddedMemory:
        """Remembers something: what is known is merged, what contradicts by its subject is settled.

        Raises:
            InvalidInputError: It cannot be stored, or its embedding does not fit.
            NotFoundError: An agent or a conversation is none of this team's.
        """
        [row] = await self._prepare([memory])
        async with team_session(self._sessions, self._team_id, self._actor, plans_once=True) as session:
            placed, record = await MemoryAdder(session).add_one(row)
        await self._upkeep.request(self._team_id)
        return AddedMemory(outcome=placed.outcome, memory=record, others=list(placed.others))

    async def add_many(self, memories: Sequence[MemoryCreate]) -> BulkAdded:
        """Remembers many, batch by batch; near duplicates among them are found by the upkeep.

        Sent again after a failure, what was stored the first time is merged or known.

        Raises:
            InvalidInputError: One of them cannot be stored; none of its batch is.
            UnavailableError: The database went away; the message says how many are stored.
            ConflictError: Others write the same all the time; the message says how many are stored.
        """
        placed: list[Placed] = []
        async with aclosing(self._prepare_batches(memories)) as batches:
            async for rows in batches:
                try:
                    placed += await self._add_batch(rows)
                except (UnavailableError, ConflictError) as error:
                    raise type(error)(
                        f"{error.message} {len(placed)} of {len(memories)} memories were stored before.",
                        cure="Send all of them again: what is stored already is not stored twice.",
                    ) from error
        await self._upkeep.request(self._team_id)
        return BulkAdded(ids=[place.memory_id for place in placed], outcomes=[place.outcome for place in placed])

    @run_again
    async def _add_batch(self, rows: Sequence[NewMemory]) -> list[Placed]:
        async with self._session() as session:
            return await MemoryAdder(session).add(rows, looks_near=False)

    async def search(self, request: MemorySearchRequest) -> list[MemorySearchResult]:
        """Finds what matters to a question, best first; nothing is recorded.

        Raises:
            UnavailableError: The database does not answer. An embedder that does not is done without.
        """
        return await self._searcher.search(request)

    async def get(self, memory_id: UUID) -> MemoryRecord:
        """Returns one version of a memory.

        Raises:
            NotFoundError: There is none with this id.
        """
        async with self._session() as session:
            return await MemoryRepository(session).get_record(memory_id)

    async def get_at(self, memory_id: UUID, moment: datetime) -> MemoryRecord:
        """Returns the version of a memory that stood at a moment, with the state it had then.

        Raises:
            NotFoundError: There was none yet.
        """
        async with self._session() as session:
            await MemoryRepository(session).get_record(memory_id)
            record = await MemoryHistoryRepository(session).find_at(memory_id, moment)
        if record is None:
            raise NotFoundError(f"At {moment.isoformat()} there was no memory {memory_id} yet.")
        return record

    async def get_history(self, memory_id: UUID) -> MemoryHistory:
        """Returns every version of a memory, and what happened to them.

        Raises:
            NotFoundError: There is none with this id.
        """
        async with self._session() as session:
            repository = MemoryRepository(session)
            versions = await repository.list_versions((await repository.get_record(memory_id)).root_id)
            events = await MemoryHistoryRepository(session).list_entries([version.id for version in versions])
        return MemoryHistory(versions=versions, events=events)

    async def list_page(self, request: PageRequest, which: MemoryFilter | None = None) -> Page[MemoryRecord]:
        """Lists every version of every memory, newest first.

        Args:
            request: Which part.
            which: Which versions; None: all.
        """
        async with self._session() as session:
            return await MemoryListingRepository(session).list_records(which or MemoryFilter(), request)

    async def get_overview(self) -> MemoryOverview:
        """Counts what there is."""
        async with self._session() as session:
            return await MemoryOverviewRepository(session).count()

    async def export(self) -> AsyncIterator[MemoryRecord]:
        """Yields every version of every memory, newest first."""
        newest: datetime | None = None
        cursor = None
        while True:
            page = await self.list_page(PageRequest.of(MAX_LIMIT, cursor))
            for record in page.items:
                newest = newest or record.created_at
                yield record
            cursor = page.next_cursor
            if cursor is None:
                break
        if newest is None:
            return
        # What was superseded while the pages were read needs what stands in its place.
        since = MemoryFilter(created_from=newest + timedelta(microseconds=1))
        while True:
            page = await self.list_page(PageRequest.of(MAX_LIMIT, cursor), since)
            for record in page.items:
                yield record
            cursor = page.next_cursor
            if cursor is None:
                return

    async def import_export(self, data: bytes, agent_id: UUID | None = None) -> ImportedMemories:
        """Takes in what `export` gave as JSONL, here or elsewhere; what is here already is not taken twice.

        Args:
            data: One version a line.
            agent_id: Whose the memories of agents that this team does not have become.

        Raises:
            ReadError: A line is no memory; nothing was written.
            NotFoundError: A memory belongs to an agent that this team does not have.
        """
        importer = MemoryImporter(self._sessions, self._team_id, self._embedding, self._actor)
        imported = await importer.import_export(data, agent_id)
        await self._upkeep.request(self._team_id)
        return imported

    @run_again
    async def supersede(self, memory_id: UUID, change: MemoryChange, reason: str = "changed") -> MemoryRecord:
        """Puts a new version in the place of a live memory.

        Raises:
            NotFoundError: There is no such memory.
            ConflictError: Another version stands in its place already.
        """
        old = await self.get(memory_id)
        changes = change.model_dump(exclude_none=True)
        [row] = await self._prepare([to_create(old).model_copy(update=changes)])
        async with self._session() as session:
            new_id = await MemoryReviser(session).supersede(memory_id, row, reason, set(changes))
            record = await MemoryRepository(session).get_record(new_id)
        await self._upkeep.request(self._team_id)
        return record

    @run_again
    async def pin(self, memory_id: UUID, *, pinned: bool = True, reason: str = "asked for") -> MemoryRecord:
        """Lets a memory come with every answer, or no longer.

        Raises:
            NotFoundError: There is no such memory.
            ConflictError: It is not live any more.
        """
        async with self._session() as session:
            await MemoryReviser(session).change_state(memory_id, reason, is_pinned=pinned)
            return await MemoryRepository(session).get_record(memory_id)

    @run_again
    async def tag(self, memory_id: UUID, tags: Sequence[str]) -> MemoryRecord:
        """Gives a memory these tags and no others.

        Raises:
            InvalidInputError: One of them cannot be a tag.
            NotFoundError: There is no such memory.
        """
        checked = check_tags(tags)
        async with self._session() as session:
            await MemoryReviser(session).tag(memory_id, checked)
            return await MemoryRepository(session).get_record(memory_id)

    @run_again
    async def resolve(self, memory_id: UUID, reason: str = "decided") -> MemoryRecord:
        """Decides a dispute for this memory.

        Raises:
            NotFoundError: There is no such memory.
            ConflictError: It is not disputed.
        """
        async with self._session() as session:
            await MemoryReviser(session).resolve(memory_id, reason)
            return await MemoryRepository(session).get_record(memory_id)

    @run_again
    async def archive(self, memory_id: UUID, reason: str) -> MemoryRecord:
        """Takes a memory out of use; it stays, and its history with it.

        Raises:
            NotFoundError: There is no such memory.
            ConflictError: It is not live any more.
        """
        async with self._session() as session:
            await MemoryReviser(session).change_state(memory_id, reason, status=MemoryStatus.ARCHIVED)
            return await MemoryRepository(session).get_record(memory_id)

    @run_again
    async def erase(self, memory_id: UUID, reason: str) -> list[UUID]:
        """Replaces the content of every version, and of what was made of it, by a tombstone; the fact stays on record.

        Args:
            memory_id: Any version.
            reason: For the log, which keeps it for ever: no personal data.

        Returns:
            The versions that were erased now.

        Raises:
            NotFoundError: There is no such memory.
        """
        async with self._session() as session:
            return await MemoryReviser(session).erase(memory_id, reason)

    async def _prepare_batches(self, memories: Sequence[MemoryCreate]) -> AsyncGenerator[list[NewMemory]]:
        """Yields batch by batch; while one is written, the next is made ready."""
        parts = [memories[start : start + BATCH] for start in range(0, len(memories), BATCH)]
        following: asyncio.Task[list[NewMemory]] | None = None
        try:
            for number, part in enumerate(parts, start=1):
                rows = await (following or self._prepare(part))
                following = asyncio.create_task(self._prepare(parts[number])) if number < len(parts) else None
                yield rows
        finally:
            if following is not None:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)

    async def _prepare(self, memories: Sequence[MemoryCreate]) -> list[NewMemory]:
        def make() -> list[NewMemory]:
            rows = [prepare(memory) for memory in memories]
            return embed(rows, self._embedding.documents, self._embedding.retiring)

        if len(memories) == 1 and memories[0].embedding_model == self._embedding.model:
            return make()  # sooner done than handed to a thread
        # In a thread: an embedder computes or waits while others want to be served.
        return await asyncio.to_thread(make)

    def _session(self) -> AbstractAsyncContextManager[AsyncSession]:
        return team_session(self._sessions, self._team_id, self._actor)
