"""Makes the schema of the runs, and lets the application's role in; after that nobody needs the right to change it.

DBOS's migrations build indexes concurrently, outside of a transaction. Such a build waits for every older snapshot in
the database, and whoever waits in `SELECT pg_advisory_lock` holds one: hence a lock of its own, asked for by polling.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from dbos._serialization import DBOSPortableJSON
from dbos._sys_db import SystemDatabase
from psycopg import sql

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_engine.workflows.connections import SystemEngine, connect, explain
from tahoe_engine.workflows.logs import tame_logs
from tahoe_engine.workflows.schema import LEASE_TABLE, REVISION, REVISION_TABLE, get_system_schema

_LOCK = 0x7461_686F_6570  # beside the one of the services' own migrations
_LOCK_SECONDS = 60.0
_LOCK_POLL_SECONDS = 0.1
_APPLICATION_NAME = "tahoe migration"

_TABLES = (
    sql.SQL(
        "CREATE TABLE IF NOT EXISTS {schema}.{leases} ("
        " executor_id text PRIMARY KEY,"
        " host text NOT NULL,"
        " versions text[] NOT NULL,"
        " started_at timestamptz NOT NULL DEFAULT now(),"
        " expires_at timestamptz NOT NULL)"
    ),
    sql.SQL("CREATE TABLE IF NOT EXISTS {schema}.{revision} (revision text NOT NULL)"),
)
_GRANTS = (
    sql.SQL("GRANT USAGE ON SCHEMA {schema} TO {role}"),
    sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"),
    sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}"),
    sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}"),
)
# Where the application connects as the owner, taking its own rights away would take away the owner's.
_READ_ONLY = sql.SQL("REVOKE INSERT, UPDATE, DELETE ON {schema}.dbos_migrations, {schema}.{revision} FROM {role}")
_NOTE_REVISION = (
    sql.SQL("DELETE FROM {schema}.{revision}"),
    sql.SQL("INSERT INTO {schema}.{revision} (revision) VALUES ({newest})"),
)


async def upgrade_workflows(owner: DatabaseAddress, app_role: str) -> None:
    """Brings the schema of the runs to the form that this code needs; run again, it only renews the rights.

    It is no part of the transaction of the services' own migrations, which come first. Cut off, it goes on where it
    was the next time.

    Args:
        owner: The service's schema, as the role that owns its tables.
        app_role: The role that the application connects as.

    Raises:
        InvalidInputError: The name of the schema is too long, or there is no such role.
        UnavailableError: The database does not answer, the owner may not make the schema, or somebody else migrates it
            for too long.
    """
    await asyncio.to_thread(_upgrade, owner, app_role)


def _upgrade(owner: DatabaseAddress, app_role: str) -> None:
    schema = get_system_schema(owner.schema)
    try:
        with (
            connect(owner, _APPLICATION_NAME, autocommit=True, statement_seconds=0, lock_seconds=60) as connection,
            _alone(connection),
        ):
            _ensure_schema(connection, schema, owner.user)
            _run_dbos_migrations(owner, schema)
            _let_in(connection, schema, app_role)
    except psycopg.errors.UndefinedObject as error:
        raise InvalidInputError(
            f"The database has no role {app_role!r} for the application to connect as.",
            cure="Create it, or mend the user in DATABASE_URL.",
            field="DATABASE_URL",
        ) from error
    except (psycopg.Error, sa.exc.DBAPIError) as error:
        raise explain(error, owner) from error


@contextmanager
def _alone(connection: psycopg.Connection) -> Iterator[None]:
    deadline = time.monotonic() + _LOCK_SECONDS
    while not _fetch_bool(connection, sql.SQL("SELECT pg_try_advisory_lock({})").format(_LOCK)):
        if time.monotonic() > deadline:
            raise UnavailableError("Somebody else migrates the schema of the runs for too long.", cure="Try again.")
        time.sleep(_LOCK_POLL_SECONDS)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(sql.SQL("SELECT pg_advisory_unlock({})").format(_LOCK))


def _ensure_schema(connection: psycopg.Connection, schema: str, owner: str) -> None:
    is_there = sql.SQL("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = {})").format(schema)
    if _fetch_bool(connection, is_there):
        return
    try:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    except psycopg.errors.InsufficientPrivilege as error:
        raise UnavailableError(
            f"The role {owner!r} may not make the schema {schema}, which background work needs.",
            cure=f'Run as a superuser: CREATE SCHEMA "{schema}" AUTHORIZATION "{owner}"',
        ) from error


def _run_dbos_migrations(owner: DatabaseAddress, schema: str) -> None:
    """Does what `dbos migrate` does, but on an engine of ours: its own looks into other databases and makes some."""
    tame_logs()
    pool = SystemEngine(owner, _APPLICATION_NAME, pool_size=2, statement_seconds=0)
    try:
        system = SystemDatabase.create(
            system_database_url="postgresql://",
            engine_kwargs={},
            engine=pool.engine,
            schema=schema,
            serializer=DBOSPortableJSON,
            executor_id=None,
        )
        system.run_migrations()
    finally:
        pool.close()


def _let_in(connection: psycopg.Connection, schema: str, app_role: str) -> None:
    is_owner = _fetch_bool(connection, sql.SQL("SELECT pg_has_role({}, current_user, 'MEMBER')").format(app_role))
    statements = [*_TABLES, *_GRANTS, *_NOTE_REVISION, *([] if is_owner else [_READ_ONLY])]
    with connection.transaction():
        for statement in statements:
            connection.execute(
                statement.format(
                    schema=sql.Identifier(schema),
                    leases=sql.Identifier(LEASE_TABLE),
                    revision=sql.Identifier(REVISION_TABLE),
                    role=sql.Identifier(app_role),
                    newest=REVISION,
                )
            )


def _fetch_bool(connection: psycopg.Connection, query: sql.Composed) -> bool:
    row = connection.execute(query).fetchone()
    return bool(row and row[0])
