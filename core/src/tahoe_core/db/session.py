"""One unit of work of one team."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import String, bindparam, exc, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tahoe_core.errors import TahoeError, UnavailableError

TEAM_SETTING = "app.team_id"

_ENTER = select(func.set_config(TEAM_SETTING, bindparam("team", type_=String), True))


@asynccontextmanager
async def team_session(factory: async_sessionmaker[AsyncSession], team_id: UUID) -> AsyncIterator[AsyncSession]:
    """Opens a session in which only this team's rows exist: one transaction, committed at the end.

    An error on the way rolls everything back. `session.info["team_id"]` holds the team.

    Raises:
        UnavailableError: The database does not answer, or no connection came free in time.
    """
    async with factory() as session:
        session.info["team_id"] = team_id
        async with session.begin():
            try:
                await session.execute(_ENTER, {"team": str(team_id)})
            except exc.TimeoutError as error:
                raise UnavailableError(
                    "No database connection came free in time.",
                    cure="Try again, or raise DATABASE_POOL_SIZE.",
                ) from error
            yield session


def get_team(session: AsyncSession) -> UUID:
    """Returns the team of a session that `team_session` opened.

    Raises:
        TahoeError: The session belongs to no team.
    """
    team_id = session.info.get("team_id")
    if not isinstance(team_id, UUID):
        raise TahoeError("The session belongs to no team; open it with team_session.")
    return team_id
