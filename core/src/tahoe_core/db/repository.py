"""The base of every repository: the only kind of class that writes queries."""

from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnExpressionArgument, Row, Select, bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.base import TeamEntity
from tahoe_core.db.page import Cursor, Page, PageRequest
from tahoe_core.db.session import get_team
from tahoe_core.errors import NotFoundError


class BaseRepository[Entity: TeamEntity]:
    """Queries of one table, within the session it is given; it never commits.

    Row-level security keeps other teams' rows away. The queries name the team as well: with a value rather than a
    look-up the planner knows how large the team is.
    """

    model: type[Entity]
    noun: str
    """What a row is called in messages."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.team_id = get_team(session)

    def select(self) -> Select[Entity]:
        """Begins a query of this team's rows."""
        return select(self.model).where(self.model.team_id == self.team_id)

    async def get(self, row_id: UUID) -> Entity:
        """Returns the row.

        Raises:
            NotFoundError: There is none, or it is another team's.
        """
        row = await self.find(row_id)
        if row is None:
            raise NotFoundError(f"There is no {self.noun} with the id {row_id}.")
        return row

    async def find(self, row_id: UUID) -> Entity | None:
        """Returns the row, if there is one."""
        found = await self.session.scalars(_select_one(cast("Any", self.model)), {"team": self.team_id, "row": row_id})
        row: Entity | None = found.one_or_none()
        return row

    async def find_where(self, *conditions: ColumnExpressionArgument[bool]) -> Entity | None:
        """Returns the only row that fits, if there is one."""
        found = await self.session.scalars(self.select().where(*conditions))
        return found.one_or_none()

    async def add(self, row: Entity) -> Entity:
        """Writes a new row, with the id and the times that the database gives it.

        Raises:
            ConflictError: There is such a row already.
        """
        row.team_id = self.team_id
        self.session.add(row)
        await self.session.flush()
        return row

    async def change(self, row: Entity) -> Entity:
        """Writes what has changed in a row that was read before."""
        await self.session.flush()
        await self.session.refresh(row, ["updated_at"])
        return row

    async def list_page(self, request: PageRequest, *conditions: ColumnExpressionArgument[bool]) -> Page[Entity]:
        """Lists the rows that fit, newest first."""
        page = await self.page_of(self.select().where(*conditions), request)
        return page.map(lambda row: row[0])

    async def page_of(self, query: Select[*tuple[Any, ...]], request: PageRequest) -> Page[Row[Any]]:
        """Cuts a page out of a query of this table; its rows need `created_at` and `id`, or the entity first."""
        created_at, row_id = self.model.created_at, self.model.id
        if request.after:
            query = query.where(tuple_(created_at, row_id) < (request.after.created_at, request.after.id))
        query = query.order_by(created_at.desc(), row_id.desc()).limit(request.limit + 1)
        rows = (await self.session.execute(query)).all()
        items = rows[: request.limit]
        has_more = len(rows) > request.limit
        return Page(items, _cursor_of(items[-1], self.model).encode() if has_more else None)


@cache
def _select_one(model: Any) -> Select[Any]:  # noqa: ANN401 - a class, which to mypy is not hashable
    """Builds the query that is run most only once: that takes longer than to run it."""
    return select(model).where(model.team_id == bindparam("team"), model.id == bindparam("row"))


def _cursor_of(row: Row[Any], model: type[TeamEntity]) -> Cursor:
    source = row[0] if isinstance(row[0], model) else row
    return Cursor(source.created_at, source.id)
