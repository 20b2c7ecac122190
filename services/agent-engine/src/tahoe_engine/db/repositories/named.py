"""What the repositories of things with a name have in common."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, ColumnExpressionArgument, Select, bindparam, exists, func, select, update
from sqlalchemy.orm import aliased

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.named import NamedEntity, VersionedEntity

_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key"), 0)))


class NamedRepository[Entity: NamedEntity](BaseRepository[Entity]):
    """Queries of a table whose rows their team calls by name."""

    async def lock(self) -> None:
        """Waits until nobody else changes this team's catalog, and keeps others waiting until the transaction ends.

        One lock a team rather than one a row: what is changed together is many rows, some not there yet, and changes
        of a catalog are rare.
        """
        await self.session.execute(_LOCK, {"key": f"agent_engine catalog {self.team_id}"})

    async def find_named(self, name: str) -> Entity | None:
        """Returns the row of that name, active or not, if there is one."""
        return await self.find_where(self.model.name == name)

    async def list_names(self) -> Sequence[str]:
        """Returns the names of what is active, sorted."""
        query = select(self.model.name).where(self.model.team_id == self.team_id, self.model.is_active)
        return (await self.session.scalars(query.order_by(self.model.name))).all()

    async def list_named(self, request: PageRequest, *, include_inactive: bool = False) -> Page[Entity]:
        """Lists what there is, newest first."""
        return await self.list_page(request, *self._activity(include_inactive=include_inactive))

    def _activity(self, *, include_inactive: bool) -> Sequence[ColumnExpressionArgument[bool]]:
        return [] if include_inactive else [self.model.is_active]


class VersionedRepository[Entity: VersionedEntity](NamedRepository[Entity]):
    """Queries of a table of versions; only the newest version of a name may be active."""

    async def find_named(self, name: str) -> Entity | None:
        """Returns the newest version, active or not, if there is one."""
        newest = self._with_parts(self.select()).where(self.model.name == name, self._is_newest())
        return (await self.session.scalars(newest)).one_or_none()

    async def find_active(self, name: str) -> Entity | None:
        """Returns the active version, if there is one."""
        query = self._with_parts(self.select()).where(self.model.name == name, self.model.is_active)
        return (await self.session.scalars(query)).one_or_none()

    async def find_version(self, name: str, version: int) -> Entity | None:
        """Returns one version, active or not, if there is one."""
        query = self._with_parts(self.select()).where(self.model.name == name, self.model.version == version)
        return (await self.session.scalars(query)).one_or_none()

    async def add_version(self, row: Entity, newest: Entity | None) -> Entity:
        """Writes a new version after the newest one, which is no longer active; call `lock` before reading it."""
        await self.deactivate(row.name)
        row.version = newest.version + 1 if newest else 1
        row.is_active = True
        return await self.add(row)

    async def deactivate(self, name: str) -> None:
        """Leaves no version of the name active."""
        active = (self.model.team_id == self.team_id, self.model.name == name, self.model.is_active)
        await self.session.execute(update(self.model).where(*active).values(is_active=False))

    async def list_named(self, request: PageRequest, *, include_inactive: bool = False) -> Page[Entity]:
        """Lists the newest version of each name, newest first."""
        query = self._with_parts(self.select()).where(
            self._is_newest(), *self._activity(include_inactive=include_inactive)
        )
        return (await self.page_of(query, request)).map(lambda row: row[0])

    async def list_versions(self, name: str, request: PageRequest) -> Page[Entity]:
        """Lists every version of a name, newest first."""
        query = self._with_parts(self.select()).where(self.model.name == name)
        return (await self.page_of(query, request)).map(lambda row: row[0])

    def _with_parts(self, query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        """Says what else is read along with a row."""
        return query

    def _is_newest(self) -> ColumnElement[bool]:
        newer = aliased(self.model)
        return ~exists().where(
            newer.team_id == self.team_id, newer.name == self.model.name, newer.version > self.model.version
        )
