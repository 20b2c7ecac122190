"""Queries of `memory` that write it, read it by id and follow its versions."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pgvector import HalfVector
from sqlalchemy import ColumnElement, ColumnExpressionArgument, and_, bindparam, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tahoe_core.db.driver_errors import find_sqlstate
from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_core.errors import InvalidInputError, NotFoundError
from tahoe_engine.db.models.memory import MemoryORM, MemoryTagORM
from tahoe_engine.db.repositories.memory_insert import INSERT, NEAR_COSINE, bind
from tahoe_engine.db.repositories.memory_row import NewMemory, select_records, to_record
from tahoe_engine.models.memory_models import MemoryRecord, MemoryStatus, MemoryType

TOMBSTONE = "[erased]"
_LIVE = (MemoryStatus.ACTIVE, MemoryStatus.DISPUTED)
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key"), 0)))
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
        parameters = bind(self.team_id, rows, guarded=guarded, looks_near=looks_near)
        try:
            written = {row.id: row.created_at for row in await self.session.execute(INSERT, parameters)}
        except InvalidInputError as error:
            raise _find_missing(error) or error from error
        tags = [
            {"team_id": self.team_id, "memory_id": row.id, "tag": tag}
            for row in rows
            if row.id in written
            for tag in dict.fromkeys(row.tags)
        ]
        if tags:
            await self.session.execute(insert(MemoryTagORM), tags)
        return written

    async def lock(self, *key: object) -> None:
        """Waits until nobody else decides about the same thing, until the transaction ends."""
        await self.session.execute(_LOCK, {"key": f"agent_engine memory {self.team_id} {' '.join(map(str, key))}"})

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
        same: ColumnElement[bool] = model.content_hash == row.content_hash
        conditions = same
        if row.memory_type is MemoryType.EPISODIC:
            conditions = and_(same, model.occurred_at.is_not_distinct_from(row.occurred_at))
        elif row.embedding is not None:
            conditions = or_(same, self._is_near(row))
        query = select_records().where(model.team_id == self.team_id, *here, model.position.is_(None), conditions)
        return self._records(await self.session.execute(query.order_by(same.desc(), model.created_at).limit(5)))

    async def list_same_subject(self, row: NewMemory) -> list[MemoryRecord]:
        """Returns what is live and speaks of the same subject, to the same agent and user."""
        model = MemoryORM
        return await self._list(
            *self._within(row), model.subject == row.subject, model.position.is_(None), model.status.in_(_LIVE)
        )

    async def retire(
        self, memory_ids: Collection[UUID], status: MemoryStatus, superseded_by: UUID | None = None
    ) -> list[UUID]:
        """Takes live memories out of use; returns those that were live still, for somebody may have been quicker."""
        model = MemoryORM
        where = [model.team_id == self.team_id, model.id.in_(memory_ids), model.status.in_(_LIVE)]
        changed = update(model).where(*where).values(status=status, superseded_by=superseded_by)
        return list(await self.session.scalars(changed.returning(model.id)))

    async def set_state(self, memory_id: UUID, **columns: Any) -> bool:  # noqa: ANN401 - columns of state, by name
        """Changes the state of a live memory; says whether it was live."""
        model = MemoryORM
        where = [model.team_id == self.team_id, model.id == memory_id, model.status.in_(_LIVE)]
        changed = await self.session.execute(update(model).where(*where).values(**columns).returning(model.id))
        return changed.one_or_none() is not None

    async def dispute(self, memory_ids: Sequence[UUID], against: Sequence[UUID]) -> None:
        """Marks live memories as disputed by others."""
        model = MemoryORM
        where = [model.team_id == self.team_id, model.id.in_(memory_ids), model.status.in_(_LIVE)]
        contradicts = func.array_cat(
            model.contradicts, bindparam("against", list(against), type_=model.contradicts.type)
        )
        await self.session.execute(
            update(model).where(*where).values(status=MemoryStatus.DISPUTED, contradicts=contradicts)
        )

    async def list_always(self, agent_id: UUID | None, user_id: UUID | None) -> list[MemoryRecord]:
        """Returns what comes with every answer: identity and what is pinned, as far as it may be seen."""
        model = MemoryORM
        identity = model.memory_type == MemoryType.IDENTITY
        rows = await self._list(
            or_(model.is_pinned, identity),
            model.status.in_(_LIVE),
            or_(model.expires_at.is_(None), model.expires_at > func.now()),
            or_(
                model.agent_id.is_(None),
                model.agent_id == agent_id,
                model.memory_type.in_((MemoryType.SHARED, MemoryType.USER_PROFILE)),
            ),
            or_(model.user_id.is_(None), model.user_id == user_id),
        )
        return sorted(rows, key=lambda row: (row.memory_type != MemoryType.IDENTITY, -row.importance, row.created_at))

    async def list_memories(
        self, request: PageRequest, *conditions: ColumnExpressionArgument[bool]
    ) -> Page[MemoryRecord]:
        """Lists what fits, newest first."""
        query = select_records().where(MemoryORM.team_id == self.team_id, *conditions)
        return (await self.page_of(query, request)).map(to_record)

    async def search_by_embedding(
        self, embedding: Sequence[float], embedding_model: str, limit: int = 10
    ) -> list[tuple[MemoryRecord, float]]:
        """Returns the nearest live memories by cosine alone, nearest first, with their cosine.

        It looks at the whole team and at no visibility: for tidying and for measuring. Agents use the hybrid search.
        """
        similarity = self._similarity(list(embedding)).label("cosine")
        query = (
            select_records()
            .add_columns(similarity)
            .where(
                MemoryORM.team_id == self.team_id,
                MemoryORM.status.in_(_LIVE),
                MemoryORM.embedding_model == embedding_model,
            )
            .order_by(similarity.desc())
            .limit(limit)
        )
        return [(to_record(row), row.cosine) for row in await self.session.execute(query)]

    async def find_similar(
        self, memory_id: UUID, threshold: float = NEAR_COSINE, limit: int = 10
    ) -> list[MemoryRecord]:
        """Returns live memories of the same agent and user that say nearly the same as this one, nearest first.

        Raises:
            NotFoundError: There is no such memory.
        """
        row = await self.get(memory_id)
        if row.embedding is None:
            return []
        model = MemoryORM
        similarity = self._similarity(row.embedding)
        query = (
            select_records()
            .where(
                model.team_id == self.team_id,
                model.id != memory_id,
                model.status.in_(_LIVE),
                model.embedding_model == row.embedding_model,
                model.agent_id.is_not_distinct_from(row.agent_id),
                model.user_id.is_not_distinct_from(row.user_id),
                similarity >= threshold,
            )
            .order_by(similarity.desc())
            .limit(limit)
        )
        return self._records(await self.session.execute(query))

    async def erase(self, root_ids: Collection[UUID]) -> list[UUID]:
        """Lays the tombstone over every version; returns the versions that had none yet."""
        model = MemoryORM
        erased = (
            update(model)
            .where(model.team_id == self.team_id, model.root_id.in_(root_ids), model.erased_at.is_(None))
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
            .values(
                tag=func.concat("erased ", tag.id), removed_at=func.coalesce(tag.removed_at, func.clock_timestamp())
            )
        )
        return ids

    async def list_derived(self, ids: Collection[UUID]) -> list[UUID]:
        """Returns the roots of what was made of these: consolidations and compactions hold their words, too."""
        model = MemoryORM
        query = (
            select(model.root_id)
            .distinct()
            .where(
                model.team_id == self.team_id,
                model.source.in_(("consolidation", "compaction")),
                model.related_to.overlap(list(ids)),
                model.erased_at.is_(None),
            )
        )
        return list(await self.session.scalars(query))

    async def set_tags(self, memory_id: UUID, tags: Collection[str]) -> None:
        """Gives a memory these tags and no others."""
        tag = MemoryTagORM
        taken = tag.tag.not_in(tags) if tags else tag.tag.is_not(None)
        here = [tag.team_id == self.team_id, tag.memory_id == memory_id]
        await self.session.execute(
            update(tag).where(*here, taken, tag.removed_at.is_(None)).values(removed_at=func.clock_timestamp())
        )
        if tags:
            rows = [{"team_id": self.team_id, "memory_id": memory_id, "tag": name} for name in tags]
            statement = insert(tag).on_conflict_do_nothing(
                index_elements=["team_id", "memory_id", "tag"], index_where=tag.removed_at.is_(None)
            )
            await self.session.execute(statement, rows)

    async def list_teams(self) -> list[UUID]:
        """Returns every team that has memories, whoever asks: ids, and nothing else."""
        return list(await self.session.scalars(_TEAMS))

    async def _list(self, *conditions: ColumnExpressionArgument[bool]) -> list[MemoryRecord]:
        query = select_records().where(MemoryORM.team_id == self.team_id, *conditions)
        return self._records(await self.session.execute(query))

    def _records(self, rows: Any) -> list[MemoryRecord]:  # noqa: ANN401 - a result of select_records
        return [to_record(row) for row in rows]

    def _within(self, row: NewMemory) -> list[ColumnExpressionArgument[bool]]:
        return [
            MemoryORM.agent_id.is_not_distinct_from(row.agent_id),
            MemoryORM.user_id.is_not_distinct_from(row.user_id),
        ]

    def _is_near(self, row: NewMemory) -> ColumnElement[bool]:
        is_same_model = MemoryORM.embedding_model == row.embedding_model
        return and_(is_same_model, self._similarity(row.embedding or []) >= NEAR_COSINE)

    def _similarity(self, embedding: list[float]) -> Any:  # noqa: ANN401 - pgvector's operators are not typed
        return -MemoryORM.embedding.max_inner_product(HalfVector(embedding))


def _find_missing(error: InvalidInputError) -> NotFoundError | None:
    """What another team has and what nobody has are told apart by nothing: both are not found."""
    if find_sqlstate(error) != _FOREIGN_KEY_VIOLATION:
        return None
    noun, field = (
        ("conversation", "source_conversation_id") if "conversation" in error.message else ("agent", "agent_id")
    )
    return NotFoundError(f"There is no {noun} with the given id.", field=field)
