"""Queries of `memory` that write it, read it by id and follow its versions."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    ColumnExpressionArgument,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from tahoe_core.db.driver_errors import find_sqlstate
from tahoe_core.db.repository import BaseRepository
from tahoe_core.errors import InvalidInputError, NotFoundError
from tahoe_engine.db.models.memory import MemoryORM, MemoryTagORM
from tahoe_engine.db.repositories.memory_closeness import list_close
from tahoe_engine.db.repositories.memory_insert import NEAR_COSINE, write_memories, write_memory
from tahoe_engine.db.repositories.memory_nearest import list_nearest
from tahoe_engine.db.repositories.memory_row import NewMemory, select_records, to_record
from tahoe_engine.models.memory_models import MemoryRecord, MemorySource, MemoryStatus, MemoryType

TOMBSTONE = "[erased]"
_LIVE = (MemoryStatus.ACTIVE, MemoryStatus.DISPUTED)
_TWINS = 10
_FOR_ALL_AGENTS = (MemoryType.SHARED, MemoryType.USER_PROFILE)
_LOCKS = text(
    "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 0) AS key"
    " FROM unnest(CAST(:names AS text[])) name ORDER BY 1 OFFSET 0) named"
).bindparams(bindparam("names", type_=ARRAY(Text)))
_ALWAYS = select_records().where(
    MemoryORM.team_id == bindparam("team"),
    or_(MemoryORM.is_pinned, MemoryORM.memory_type == MemoryType.IDENTITY),
    MemoryORM.status.in_(_LIVE),
    or_(MemoryORM.expires_at.is_(None), MemoryORM.expires_at > func.now()),
    or_(
        MemoryORM.agent_id.is_(None),
        MemoryORM.agent_id == bindparam("agent"),
        MemoryORM.memory_type.in_(_FOR_ALL_AGENTS),
    ),
    or_(MemoryORM.user_id.is_(None), MemoryORM.user_id == bindparam("user")),
)
"""Built once, as it comes with every answer: that takes longer than to run it."""
_FOREIGN_KEY_VIOLATION = "23503"
_TEAMS = text("SELECT * FROM list_memory_teams()")


class MemoryRepository(BaseRepository[MemoryORM]):
    """Queries of `memory` and `memory_tag`; what it reads are records, without the derived columns."""

    model = MemoryORM
    noun = "memory"

    async def insert(
        self, rows: Sequence[NewMemory], *, guarded: bool, looks_near: bool = False
    ) -> dict[UUID, datetime]:
        """Writes rows by one statement, and returns when each was written.

        Args:
            rows: Their embeddings have one length.
            guarded: Whether rows that say again what is known, or speak of a subject that is, are left out; the caller
                finds them missing from the answer.
            looks_near: Whether the same in other words counts as known.

        Raises:
            NotFoundError: There is no such agent or conversation, or it is another team's.
        """
        try:
            written = await write_memories(self.session, self.team_id, rows, guarded=guarded, looks_near=looks_near)
        except InvalidInputError as error:
            raise _find_missing(error) or error from error
        tags = [tag for row in rows if row.id in written for tag in self._tag_rows(row.id, row.tags)]
        if tags:
            await self.session.execute(insert(MemoryTagORM).values(tags))
        return written

    async def insert_new(self, row: NewMemory, *, looks_near: bool) -> MemoryRecord | None:
        """Writes a row without tags unless it says again what is known, or speaks of a subject that is.

        Raises:
            NotFoundError: There is no such agent or conversation, or it is another team's.
        """
        try:
            return await write_memory(self.session, self.team_id, row, looks_near=looks_near)
        except InvalidInputError as error:
            raise _find_missing(error) or error from error

    async def lock(self, *key: object) -> None:
        """Waits until nobody else decides about the same thing, until the transaction ends."""
        await self.lock_all({" ".join(map(str, key))})

    async def lock_all(self, names: Collection[str]) -> None:
        """Waits for several at once, in one order for everybody: nobody waits for each other."""
        if names:
            await self.session.execute(
                _LOCKS, {"names": [f"agent_engine memory {self.team_id} {name}" for name in names]}
            )

    async def get_record(self, memory_id: UUID) -> MemoryRecord:
        """Returns one version.

        Raises:
            NotFoundError: There is none, or it is another team's.
        """
        found = await self._list(MemoryORM.id == memory_id)
        if not found:
            raise NotFoundError(f"There is no memory with the id {memory_id}.")
        return found[0]

    async def find_vector(self, memory_id: UUID) -> list[float] | None:
        """Returns a memory's vector, if it has one."""
        model = MemoryORM
        query = select(model.embedding).where(model.team_id == self.team_id, model.id == memory_id)
        return await self.session.scalar(query)

    async def list_records(self, ids: Collection[UUID]) -> list[MemoryRecord]:
        """Returns the versions of these ids, as far as there are any, in no order."""
        return await self._list(MemoryORM.id.in_(ids))

    async def list_places(self, conversation_id: UUID, key: str) -> dict[str, int]:
        """Returns the places of a conversation that are remembered, by what the metadata have under a key."""
        model = MemoryORM
        name = model.metadata_json[key].as_string()
        query = select(name, model.position).where(
            model.team_id == self.team_id,
            model.source_conversation_id == conversation_id,
            model.position.is_not(None),
            name.is_not(None),
        )
        return {row[0]: row[1] for row in await self.session.execute(query)}

    async def list_versions(self, root_id: UUID) -> list[MemoryRecord]:
        """Returns every version, oldest first."""
        return sorted(await self._list(MemoryORM.root_id == root_id), key=lambda record: record.version)

    async def list_twins(self, row: NewMemory) -> list[MemoryRecord]:
        """Returns what is live and says the same, in the same words or nearly so; the same words first."""
        model = MemoryORM
        here = [*self._within(row), model.memory_type == row.memory_type, model.status.in_(_LIVE)]
        if row.position is not None:
            place = and_(model.source_conversation_id == row.source_conversation_id, model.position == row.position)
            return await self._list(*here, place, model.content_hash == row.content_hash)
        here.append(model.position.is_(None))
        if row.memory_type is MemoryType.EPISODIC:
            here.append(model.occurred_at.is_not_distinct_from(row.occurred_at))
        found = await self._list(*here, model.content_hash == row.content_hash)
        twins = sorted(found, key=lambda record: record.created_at)
        if row.memory_type is not MemoryType.EPISODIC:
            close = await list_close(self.session, row, NEAR_COSINE, _TWINS)
            twins += [record for record in close if record not in twins]
        return twins[:_TWINS]

    async def list_same_subject(self, row: NewMemory, subject: str) -> list[MemoryRecord]:
        """Returns what is live and speaks of a subject, to the same agent and user and to the same readers."""
        model = MemoryORM
        conditions = [
            *self._within(row),
            model.subject == subject,
            model.position.is_(None),
            model.status.in_(_LIVE),
            or_(model.expires_at.is_(None), model.expires_at > func.now()),
        ]
        if row.agent_id is not None:  # an agent's own notes say nothing against what it shares
            conditions.append(model.memory_type.in_(_FOR_ALL_AGENTS) == (row.memory_type in _FOR_ALL_AGENTS))
        return await self._list(*conditions)

    async def retire(
        self, memory_ids: Collection[UUID], status: MemoryStatus, superseded_by: UUID | None = None
    ) -> list[UUID]:
        """Takes live memories out of use; returns those that were live still, for somebody may have been quicker."""
        model = MemoryORM
        where = [model.team_id == self.team_id, model.id.in_(memory_ids), model.status.in_(_LIVE)]
        changed = update(model).where(*self._in_order(*where)).values(status=status, superseded_by=superseded_by)
        return list(await self.session.scalars(changed.returning(model.id)))

    async def set_state(self, memory_id: UUID, **columns: Any) -> bool:  # noqa: ANN401 - columns of state, by name
        """Changes the state of a live memory; says whether it was live."""
        model = MemoryORM
        where = [model.team_id == self.team_id, model.id == memory_id, model.status.in_(_LIVE)]
        changed = await self.session.execute(update(model).where(*where).values(**columns).returning(model.id))
        return changed.one_or_none() is not None

    async def dispute(
        self, memory_ids: Sequence[UUID], against: Sequence[UUID], instead_of: UUID | None = None
    ) -> None:
        """Marks live memories as disputed by others.

        Args:
            memory_ids: Those to mark.
            against: What says otherwise.
            instead_of: A version that said so before, and is gone.
        """
        model = MemoryORM
        kind = model.contradicts.type
        before = func.array_remove(model.contradicts, bindparam("gone", instead_of, type_=Uuid()))
        contradicts = func.array_cat(before, bindparam("against", list(against), type_=kind))
        where = [model.team_id == self.team_id, model.id.in_(memory_ids), model.status.in_(_LIVE)]
        await self.session.execute(
            update(model).where(*self._in_order(*where)).values(status=MemoryStatus.DISPUTED, contradicts=contradicts)
        )

    async def list_always(self, agent_id: UUID | None, user_id: UUID | None) -> list[MemoryRecord]:
        """Returns what comes with every answer: identity and what is pinned, as far as it may be seen."""
        asked = {"team": self.team_id, "agent": agent_id, "user": user_id}
        rows = self._records(await self.session.execute(_ALWAYS, asked))
        return sorted(rows, key=lambda row: (row.memory_type != MemoryType.IDENTITY, -row.importance, row.created_at))

    async def search_by_embedding(
        self,
        embedding: Sequence[float],
        embedding_model: str,
        limit: int = 10,
        types: Collection[MemoryType] | None = None,
    ) -> list[tuple[MemoryRecord, float]]:
        """Returns the nearest live memories by cosine alone, nearest first, with their cosine.

        It looks at the whole team and at no visibility: for tidying and for measuring. Agents use the hybrid search.
        """
        return await list_nearest(self.session, self.team_id, embedding, embedding_model, limit, types)

    async def find_similar(
        self, memory_id: UUID, threshold: float = NEAR_COSINE, limit: int = 10
    ) -> list[MemoryRecord]:
        """Returns live memories of the same kind, agent and user that say nearly the same as this, nearest first.

        What has a place in a conversation was said, and is none of them.

        Raises:
            NotFoundError: There is no such memory.
        """
        return await list_close(self.session, await self.get(memory_id), threshold, limit)

    async def erase(self, root_ids: Collection[UUID]) -> list[UUID]:
        """Lays the tombstone over every version; returns the versions that had none yet."""
        model = MemoryORM
        where = [model.team_id == self.team_id, model.root_id.in_(root_ids), model.erased_at.is_(None)]
        erased = (
            update(model)
            .where(*self._in_order(*where))
            .values(
                content=TOMBSTONE,
                erased_at=func.clock_timestamp(),
                status=MemoryStatus.ARCHIVED,
                **dict.fromkeys(("subject", "author", "content_hash", "embedding", "embedding_model", "lexemes")),
                metadata_json={},
            )
        )
        ids = list(await self.session.scalars(erased.returning(model.id)))
        tag = MemoryTagORM
        await self.session.execute(
            update(tag)
            .where(tag.team_id == self.team_id, tag.memory_id.in_(ids))
            .values(tag=func.concat("erased ", tag.id), removed_at=func.coalesce(tag.removed_at, func.log_moment()))
        )
        return ids

    async def list_copies(self, root_ids: Collection[UUID]) -> list[UUID]:
        """Returns the roots of other memories that hold the words of these.

        What was made of them by consolidation or compaction; what was merged with them by the upkeep, where the words
        of one stand under the root of the other.
        """
        version, copy = aliased(MemoryORM), aliased(MemoryORM)
        are_linked = or_(copy.superseded_by == version.id, version.superseded_by == copy.id)
        made = (MemorySource.CONSOLIDATION, MemorySource.COMPACTION)
        is_merged = and_(
            copy.content_hash == version.content_hash,
            are_linked,
            # What was folded into one are several episodes, each of which may go without the others.
            copy.source.not_in(made),
            version.source.not_in(made),
        )
        is_made_of_it = and_(
            copy.source.in_(made),
            version.id == any_(copy.related_to),
        )
        query = (
            select(copy.root_id)
            .distinct()
            .join(version, and_(version.team_id == copy.team_id, version.root_id != copy.root_id))
            .where(
                version.team_id == self.team_id,
                version.root_id.in_(root_ids),
                copy.erased_at.is_(None),
                or_(is_merged, is_made_of_it),
            )
        )
        return list(await self.session.scalars(query))

    async def unfold(self, folded_into: Collection[UUID]) -> None:
        """Lets memories count again that were archived in favour of one that was erased, without being erased too."""
        model = MemoryORM
        where = [
            model.team_id == self.team_id,
            model.superseded_by.in_(folded_into),
            model.status == MemoryStatus.ARCHIVED,
            model.erased_at.is_(None),
        ]
        statement = update(model).where(*self._in_order(*where))
        await self.session.execute(statement.values(status=MemoryStatus.ACTIVE, superseded_by=None))

    async def set_tags(self, memory_id: UUID, tags: Collection[str]) -> None:
        """Gives a memory these tags and no others."""
        tag = MemoryTagORM
        taken = tag.tag.not_in(tags) if tags else tag.tag.is_not(None)
        here = [tag.team_id == self.team_id, tag.memory_id == memory_id]
        await self.session.execute(
            update(tag).where(*here, taken, tag.removed_at.is_(None)).values(removed_at=func.log_moment())
        )
        if tags:
            statement = insert(tag).values(self._tag_rows(memory_id, tags))
            await self.session.execute(
                statement.on_conflict_do_nothing(
                    index_elements=["team_id", "memory_id", "tag"], index_where=tag.removed_at.is_(None)
                )
            )

    async def list_teams(self) -> list[UUID]:
        """Returns every team that has memories, whoever asks: ids, and nothing else."""
        return list(await self.session.scalars(_TEAMS))

    def _tag_rows(self, memory_id: UUID, tags: Collection[str]) -> list[dict[str, Any]]:
        # Of the moment at which the log says that the memory was written, so that it never stood without them.
        common = {"team_id": self.team_id, "memory_id": memory_id, "created_at": func.log_moment()}
        return [common | {"tag": tag} for tag in dict.fromkeys(tags)]

    async def _list(self, *conditions: ColumnExpressionArgument[bool]) -> list[MemoryRecord]:
        query = select_records().where(MemoryORM.team_id == self.team_id, *conditions)
        return self._records(await self.session.execute(query))

    def _records(self, rows: Any) -> list[MemoryRecord]:  # noqa: ANN401 - a result of select_records
        return [to_record(row) for row in rows]

    def _within(self, row: NewMemory | MemoryORM) -> list[ColumnExpressionArgument[bool]]:
        return [
            MemoryORM.agent_id.is_not_distinct_from(row.agent_id),
            MemoryORM.user_id.is_not_distinct_from(row.user_id),
        ]

    def _in_order(self, *conditions: ColumnExpressionArgument[bool]) -> list[ColumnElement[bool]]:
        """Holds for the rows that fit, which are locked in the order of their ids: nobody waits for each other."""
        model = MemoryORM
        locked = select(model.id).where(*conditions).order_by(model.id).with_for_update(key_share=True)
        # An array, which is made first, so that each row is found by its key; IN would read the whole table.
        ids = func.array(locked.scalar_subquery(), type_=ARRAY(Uuid))
        return [model.team_id == self.team_id, model.id == any_(ids)]


def _find_missing(error: InvalidInputError) -> NotFoundError | None:
    """What another team has and what nobody has are told apart by nothing: both are not found."""
    if find_sqlstate(error) != _FOREIGN_KEY_VIOLATION:
        return None
    noun, field = (
        ("conversation", "source_conversation_id") if "conversation" in error.message else ("agent", "agent_id")
    )
    return NotFoundError(f"There is no {noun} with the given id.", field=field)
