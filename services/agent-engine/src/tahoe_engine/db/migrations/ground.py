"""What has to stand before a migration runs, and what is asked or done beside it."""

from collections.abc import Awaitable, Callable, Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from tahoe_core.db.address import DatabaseAddress, quote_identifier
from tahoe_core.db.driver_errors import find_sqlstate
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_core.db.rls import VERSION_TABLE

_PATIENCE_SECONDS = 60
MIGRATION_OPTIONS = EngineOptions(
    pool_size=0,
    statement_timeout=0,  # a migration may rewrite a large table
    lock_timeout=_PATIENCE_SECONDS,
    idle_in_transaction_timeout=0,
    application_name="tahoe migration",
)
# Half of Postgres's deadlock_timeout: where the application and a migration wait for each other, the migration gives
# way, before Postgres looks for somebody to stop. Nobody waits longer behind a lock that it does not get.
_GIVE_WAY = "SET LOCAL lock_timeout = 500"
_LOCK_NOT_AVAILABLE = "55P03"
# One for the database, not for the schema: Alembic keeps its state in module globals, so that two services that one
# process migrates at the same time would take each other's.
_LOCK = 0x7461_686F_65


async def run_alone(owner: DatabaseAddress, steps: Callable[[AsyncConnection], Awaitable[None]]) -> None:
    """Runs steps in one transaction, alone among those who migrate, and in the way of nobody who works.

    Where a step does not get a lock at once all of it is taken back, and run again a little later.

    Args:
        owner: Where, as the role that owns the tables.
        steps: What to do on the prepared ground; it may run several times.

    Raises:
        UnavailableError: The database does not answer, or somebody else migrates it or holds a lock for a minute.
    """
    engine = get_engine(owner, MIGRATION_OPTIONS)
    try:
        await _run_alone(engine, owner.schema, steps)
    finally:
        await engine.dispose()


@retry(
    retry=retry_if_exception(lambda error: find_sqlstate(error) == _LOCK_NOT_AVAILABLE),
    stop=stop_after_delay(_PATIENCE_SECONDS),
    wait=wait_random(0.1, 1),
    reraise=True,
)
async def _run_alone(engine: AsyncEngine, schema: str, steps: Callable[[AsyncConnection], Awaitable[None]]) -> None:
    async with engine.begin() as connection:
        await prepare_ground(connection, schema)
        await connection.exec_driver_sql(_GIVE_WAY)
        await steps(connection)


async def prepare_ground(connection: AsyncConnection, schema: str) -> None:
    """Waits for anybody else who migrates this database, until the transaction's end, and makes the schema.

    Raises:
        UnavailableError: Somebody else migrates for a minute already, or the role may not make the missing schema.
    """
    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    # CREATE SCHEMA IF NOT EXISTS asks for the privilege even where the schema exists.
    is_there = text("SELECT to_regnamespace(:name) IS NOT NULL")
    if not await connection.scalar(is_there, {"name": quote_identifier(schema)}):
        await connection.exec_driver_sql(f"CREATE SCHEMA {quote_identifier(schema)}")


async def run_statements(connection: AsyncConnection, statements: Iterable[str]) -> None:
    """Runs one after the other."""
    for statement in statements:
        await connection.exec_driver_sql(statement)  # in text() a colon in a name would begin a parameter


async def has_role(connection: AsyncConnection, role: str) -> bool:
    """Whether the server knows the role."""
    query = text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)")
    return bool(await connection.scalar(query, {"role": role}))


async def read_revision(connection: AsyncConnection, schema: str) -> str | None:
    """Returns what stands in the schema's version table; an error where there is no such table."""
    query = f"SELECT version_num FROM {quote_identifier(schema)}.{VERSION_TABLE}"  # noqa: S608 - quoted
    revision: str | None = (await connection.exec_driver_sql(query)).scalar()
    return revision
