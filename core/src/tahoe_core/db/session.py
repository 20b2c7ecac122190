"""One unit of work of one team."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import String, bindparam, exc, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random

from tahoe_core.errors import CollisionError, TahoeError, UnavailableError

TEAM_SETTING = "app.team_id"
ACTOR_SETTING = "app.actor"
REASON_SETTING = "app.reason"
MOMENT_SETTING = "app.moment"
"""What triggers that keep a log read: who acts, why, and when it began. They end with the transaction."""

# As the driver takes it: it opens every transaction, and compiling it would cost more than running it.
_ENTER = (
    f"SELECT set_config('{TEAM_SETTING}', $1, true), set_config('{ACTOR_SETTING}', $2, true),"
    f" set_config('{MOMENT_SETTING}', '', true)"
)
_PLAN_ONCE = ", set_config('plan_cache_mode', 'force_generic_plan', true)"
_EXPLAIN = select(func.set_config(REASON_SETTING, bindparam("reason", type_=String), True))

run_again = retry(
    retry=retry_if_exception_type(CollisionError), stop=stop_after_attempt(3), wait=wait_random(0, 0.1), reraise=True
)
"""Decorates what is one transaction, and runs it again where Postgres let it give way to another one.

Who takes its locks by several statements cannot always take them in one order with everybody else.
"""


@asynccontextmanager
async def team_session(
    factory: async_sessionmaker[AsyncSession], team_id: UUID, actor: str = "", *, plans_once: bool = False
) -> AsyncIterator[AsyncSession]:
    """Opens a session in which only this team's rows exist: one transaction, committed at the end.

    An error on the way rolls everything back. `session.info["team_id"]` holds the team.

    Args:
        factory: Of the application's role.
        team_id: Whose rows are seen and written.
        actor: Who acts, for tables that keep a log.
        plans_once: Whether Postgres keeps one plan a statement, whatever the values: for statements that take longer to
            plan than to run.

    Raises:
        UnavailableError: The database does not answer, or no connection came free in time.
    """
    session = factory()
    session.info["team_id"] = team_id
    try:
        await session.run_sync(_enter, _ENTER + _PLAN_ONCE if plans_once else _ENTER, (str(team_id), actor))
        yield session
        await session.commit()
    finally:
        session.expunge_all()
        if session.in_transaction():  # it failed; whoever cancels us does not keep the connection from going back
            await asyncio.shield(asyncio.create_task(session.close()))


def _enter(session: Session, statement: str, values: tuple[str, str]) -> None:
    """Begins the transaction; by one call, as each that is awaited apart costs as much as a statement."""
    session.begin()
    try:
        session.connection().exec_driver_sql(statement, values)
    except exc.TimeoutError as error:
        raise UnavailableError(
            "No database connection came free in time.",
            cure="Try again, or raise DATABASE_POOL_SIZE.",
        ) from error
    except exc.InvalidRequestError as error:  # the pool gives up when what it opens is cut again and again
        raise UnavailableError("Connections to the database are lost at once.", cure="Try again.") from error


async def give_reason(session: AsyncSession, reason: str) -> None:
    """Says why, for tables that keep a log; it holds until the next reason or the transaction's end."""
    await session.execute(_EXPLAIN, {"reason": reason})


def get_team(session: AsyncSession) -> UUID:
    """Returns the team of a session that `team_session` opened.

    Raises:
        TahoeError: The session belongs to no team.
    """
    team_id = session.info.get("team_id")
    if not isinstance(team_id, UUID):
        raise TahoeError("The session belongs to no team; open it with team_session.")
    return team_id
