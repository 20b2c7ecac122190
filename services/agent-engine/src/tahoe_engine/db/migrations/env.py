"""What Alembic runs, whoever called it: `tahoe_engine.db.migrate` with a connection, or the `alembic` command."""

import asyncio
from logging.config import fileConfig

from alembic import context
from sqlalchemy import Connection

from tahoe_core.db.address import DatabaseAddress, quote_identifier
from tahoe_core.db.engine import get_engine
from tahoe_core.errors import InvalidInputError
from tahoe_engine.db.migrations.ground import MIGRATION_OPTIONS, prepare_ground
from tahoe_engine.db.models import Base
from tahoe_engine.settings import EngineSettings, load_settings

VERSION_TABLE = "alembic_version"


def run_with_connection(connection: Connection, schema: str, app_role: str) -> None:
    """Runs the command over an open connection; its owner commits."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        version_table_schema=schema,
        include_name=lambda name, kind, _parents: not (kind == "table" and name == VERSION_TABLE),
        compare_type=True,
        compare_server_default=True,
        app_role=app_role,
        schema=schema,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_offline(schema: str, app_role: str) -> None:
    """Prints the statements, for people who run them themselves."""
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        version_table=VERSION_TABLE,
        version_table_schema=schema,
        app_role=app_role,
        schema=schema,
    )
    with context.begin_transaction():
        context.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
        context.execute(f"SET LOCAL search_path TO {quote_identifier(schema)}, public")
        context.run_migrations()


async def run_online(owner: DatabaseAddress, app_role: str) -> None:
    """Runs the command for `alembic` itself, in an event loop of its own."""
    engine = get_engine(owner, MIGRATION_OPTIONS)
    try:
        async with engine.begin() as connection:
            await prepare_ground(connection, owner.schema)
            await connection.run_sync(run_with_connection, owner.schema, app_role)
    finally:
        await engine.dispose()


def find_addresses(settings: EngineSettings) -> tuple[DatabaseAddress, DatabaseAddress] | None:
    """Returns the owner's and the application's way in, as the environment says; one stands for the other."""
    owner_url, app_url = settings.database_owner_url, settings.database_url
    url, other = owner_url or app_url, app_url or owner_url
    if url is None or other is None:
        return None
    return (
        DatabaseAddress.parse(url.get_secret_value(), default_schema=settings.db_schema),
        DatabaseAddress.parse(other.get_secret_value(), default_schema=settings.db_schema),
    )


def run_for_command() -> None:
    """Runs what the `alembic` command asks for."""
    if context.config.config_file_name:
        fileConfig(context.config.config_file_name, disable_existing_loggers=False)
    settings = load_settings()
    addresses = find_addresses(settings)
    app_role = context.get_x_argument(as_dictionary=True).get("app_role") or (addresses[1].user if addresses else None)
    if app_role is None:
        raise InvalidInputError("Nothing says which role the application has.", cure="Add -x app_role=NAME.")
    if context.is_offline_mode():
        run_offline(addresses[0].schema if addresses else settings.db_schema, app_role)
    elif addresses:
        asyncio.run(run_online(addresses[0], app_role))
    else:
        raise InvalidInputError("Set DATABASE_OWNER_URL or DATABASE_URL; `tahoe db upgrade` needs neither.")


attributes = context.config.attributes
if "connection" in attributes:
    run_with_connection(attributes["connection"], attributes["schema"], attributes["app_role"])
else:
    run_for_command()
