"""The `alembic` command: where the database is, as the environment says."""

import asyncio
from logging.config import fileConfig

from alembic import context
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.errors import InvalidInputError
from tahoe_engine.db.migrations.ground import run_alone
from tahoe_engine.db.migrations.run import print_script, run_with_connection
from tahoe_engine.settings import EngineSettings, load_settings


def run_for_command_line() -> None:
    """Does what the `alembic` command asks for.

    Raises:
        InvalidInputError: The environment names no database, or nothing says which role the application has.
    """
    if context.config.config_file_name:
        fileConfig(context.config.config_file_name, disable_existing_loggers=False)
    settings = load_settings()
    owner, app = _list_addresses(settings)
    role = context.get_x_argument(as_dictionary=True).get("app_role") or (app.user if app else None)
    if role is None:
        raise InvalidInputError("Nothing says which role the application has.", cure="Add -x app_role=NAME.")
    if context.is_offline_mode():
        print_script(owner.schema if owner else settings.db_schema, role)
    elif owner:
        asyncio.run(_run_online(owner, role))
    else:
        raise InvalidInputError("Set DATABASE_OWNER_URL or DATABASE_URL; `tahoe db upgrade` needs neither.")


def _list_addresses(settings: EngineSettings) -> tuple[DatabaseAddress | None, DatabaseAddress | None]:
    """The owner's way in and the application's; where only one is given, it stands for both."""
    owner = settings.database_owner_url or settings.database_url
    app = settings.database_url or settings.database_owner_url
    return _parse(owner, settings.db_schema), _parse(app, settings.db_schema)


def _parse(url: SecretStr | None, schema: str) -> DatabaseAddress | None:
    return DatabaseAddress.parse(url.get_secret_value(), default_schema=schema) if url else None


async def _run_online(owner: DatabaseAddress, app_role: str) -> None:
    async def steps(connection: AsyncConnection) -> None:
        await connection.run_sync(run_with_connection, owner.schema, app_role)

    await run_alone(owner, steps)
