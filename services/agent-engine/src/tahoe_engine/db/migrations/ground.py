"""What has to stand before a migration runs, and what is asked or done beside it."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tahoe_core.db.address import quote_identifier
from tahoe_core.db.engine import EngineOptions
from tahoe_core.db.rls import VERSION_TABLE

MIGRATION_OPTIONS = EngineOptions(
    pool_size=0,
    statement_timeout=0,  # a migration may rewrite a large table
    lock_timeout=60,  # but it does not hold everybody up behind a lock that it does not get
    idle_in_transaction_timeout=0,
    application_name="tahoe migration",
)
# One for the database, not for the schema: Alembic keeps its state in module globals, so that two services that one
# process migrates at the same time would take each other's.
_LOCK = 0x7461_686F_65


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
