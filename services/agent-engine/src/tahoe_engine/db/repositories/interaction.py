"""Queries of `interactions`; what comes in goes in by one statement, however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    ColumnElement,
    CompoundSelect,
    Integer,
    Row,
    Select,
    TableValuedAlias,
    Text,
    and_,
    bindparam,
    cast,
    column,
    exists,
    false,
    func,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.sql.type_api import TypeEngine

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_core.errors import ConflictError
from tahoe_engine.db.models.interaction import InteractionORM
from tahoe_engine.models.stored import InteractionFilter, SavedInteraction


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """A row to be written; the JSON columns are JSON text already.

    Attributes:
        content_hash: SHA-256 in hexadecimal of everything but the external id.
    """

    external_id: str | None
    type: str
    language: str | None
    occurred_at: datetime | None
    time_zone: str | None
    participants: str
    turns: str
    metadata: str
    content_hash: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same as another one."""
        return (self.content_hash if self.external_id is None else self.external_id, self.content_hash)


class InteractionRepository(BaseRepository[InteractionORM]):
    """Queries of `interactions`."""

    model = InteractionORM
    noun = "interaction"

    async def save(self, interactions: Sequence[NewInteraction]) -> list[SavedInteraction]:
        """Writes what is not there yet and finds what is, in the order of the input.

        Two that come at once with new contents for one external id both get a version, one after the other.
        """
        wanted = {new.key: new for new in interactions}
        saved: dict[tuple[str, str], SavedInteraction] = {}
        for _round in range(_MAX_ROUNDS):
            missing = [new for key, new in wanted.items() if key not in saved]
            if not missing:
                break
            # Another transaction may take a version's number first; the next round sees its row and counts on.
            rows = await self.session.execute(_SAVE, {"team": self.team_id, **_columns_of(missing)})
            for row in rows:
                saved[row.source_key, row.content_hash] = SavedInteraction(
                    id=row.id, version=row.version, created=row.created
                )
        else:
            raise ConflictError("Others write the same interactions all the time.", cure="Try again.")
        return _told_once([saved[new.key] for new in interactions])

    async def list_summaries(self, which: InteractionFilter, request: PageRequest) -> Page[Row[Any]]:
        """Lists what fits, newest first, without the turns."""
        row = self.model
        query: Select[*tuple[Any, ...]] = select(
            row.id,
            row.external_id,
            row.version,
            row.type,
            row.language,
            row.occurred_at,
            row.created_at,
        ).where(row.team_id == self.team_id)
        if which.external_id is not None:
            query = query.where(row.source_key == which.external_id)
        if which.type is not None:
            query = query.where(row.type == which.type)
        if which.created_from is not None:
            query = query.where(row.created_at >= which.created_from)
        if which.created_before is not None:
            query = query.where(row.created_at < which.created_before)
        return await self.page_of(query, request)


_MAX_ROUNDS = 20
_COLUMNS: dict[str, TypeEngine[Any]] = {
    "external_id": Text(),
    "type": Text(),
    "language": Text(),
    "occurred_at": TIMESTAMP(timezone=True),
    "time_zone": Text(),
    "participants": Text(),
    "turns": Text(),
    "metadata": Text(),
    "content_hash": Text(),
}
_JSON = ("participants", "turns", "metadata")
_SAVED = ("id", "source_key", "content_hash", "version")


def _columns_of(rows: Sequence[NewInteraction]) -> dict[str, list[Any]]:
    """One array a column: the statement stays the same for any number of rows, so that it is prepared once."""
    return {name: [getattr(row, name) for row in rows] for name in _COLUMNS}


def _told_once(saved: Sequence[SavedInteraction]) -> list[SavedInteraction]:
    """Of several that are one row, only the first created it."""
    told = set()
    result = []
    for one in saved:
        result.append(one.model_copy(update={"created": False}) if one.created and one.id in told else one)
        told.add(one.id)
    return result


def _save_statement() -> CompoundSelect[*tuple[Any, ...]]:
    table = InteractionORM.__table__
    team = bindparam("team", type_=InteractionORM.team_id.type)

    def unnest(*names: str) -> TableValuedAlias:
        arrays = [bindparam(name, type_=ARRAY(_COLUMNS[name])) for name in names]
        columns = [column(name, _COLUMNS[name]) for name in names]
        return func.unnest(*arrays).table_valued(*columns, with_ordinality="place").render_derived()

    def is_same(batch: TableValuedAlias) -> ColumnElement[bool]:
        key = func.coalesce(batch.c.external_id, batch.c.content_hash)
        own = table.c.team_id == team
        return and_(own, table.c.source_key == key, table.c.content_hash == batch.c.content_hash)

    keys = unnest("external_id", "content_hash")
    there = select(*(table.c[name] for name in _SAVED)).join_from(keys, table, is_same(keys)).cte("there")

    batch = unnest(*_COLUMNS)
    key = func.coalesce(batch.c.external_id, batch.c.content_hash)
    step = func.row_number().over(partition_by=key, order_by=batch.c.place)
    is_new = ~exists().where(is_same(batch))
    fresh = select(*batch.c, key.label("source_key"), step.label("step")).where(is_new).subquery("fresh")
    newest = (
        select(func.coalesce(func.max(table.c.version), 0))
        .where(table.c.team_id == team, table.c.source_key == fresh.c.source_key)
        .scalar_subquery()
    )
    values = {name: cast(fresh.c[name], JSONB) if name in _JSON else fresh.c[name] for name in _COLUMNS}
    # Everybody writes in the same order, so that two who write the same rows wait rather than deadlock.
    rows = select(team, cast(newest + fresh.c.step, Integer), *values.values()).order_by(
        fresh.c.source_key, fresh.c.place
    )
    added = (
        insert(InteractionORM)
        .from_select(["team_id", "version", *values], rows)
        .on_conflict_do_nothing()
        .returning(*(table.c[name] for name in _SAVED))
        .cte("added")
    )
    return union_all(select(added, true().label("created")), select(there, false().label("created")))


_SAVE = _save_statement()
