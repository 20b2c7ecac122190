"""Migrations from code: inside a running event loop, and safe when many processes do it at once."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import get_engine
from tahoe_core.db.rls import admit_application, list_team_tables
from tahoe_core.errors import InvalidInputError
from tahoe_engine.db.migrations.ground import MIGRATION_OPTIONS, has_role, run_alone, run_statements
from tahoe_engine.db.models import Base
from tahoe_engine.db.revision import find_revision

_FOLDER = Path(__file__).parent / "migrations"


async def upgrade(owner: DatabaseAddress, app_role: str) -> None:
    """Brings the schema to the newest revision and lets the application's role in; all of it or nothing.

    Run again, it changes nothing but what `app_role` may do, so that a deployment can change its roles.

    Args:
        owner: Where to migrate, as the role that owns the tables.
        app_role: The role that the application connects as: best another one than the owner.

    Raises:
        InvalidInputError: There is no such role.
        UnavailableError: The database does not answer, or somebody else migrates it or holds a lock for a minute.
    """

    async def steps(connection: AsyncConnection) -> None:
        if not await has_role(connection, app_role):
            raise _no_such_role(app_role)
        await connection.run_sync(_run_upgrade, owner.schema, app_role)
        await run_statements(connection, admit_application(owner.schema, app_role, list_team_tables(Base.metadata)))

    await run_alone(owner, steps)


async def downgrade(owner: DatabaseAddress, app_role: str, revision: str = "base") -> None:
    """Takes the schema back to a revision; what the tables of later ones held is lost.

    Raises:
        UnavailableError: The database does not answer, or somebody else migrates it or holds a lock for a minute.
    """

    async def steps(connection: AsyncConnection) -> None:
        await connection.run_sync(_run_downgrade, owner.schema, app_role, revision)

    await run_alone(owner, steps)


async def current(owner: DatabaseAddress) -> str | None:
    """Returns the revision that the schema stands at; None where nothing was migrated yet.

    Raises:
        UnavailableError: The database does not answer.
    """
    engine = get_engine(owner, MIGRATION_OPTIONS)
    try:
        async with engine.connect() as connection:
            return await find_revision(connection, owner.schema)
    finally:
        await engine.dispose()


def build_config(connection: Connection | None = None, schema: str = "", app_role: str = "") -> Config:
    """Returns Alembic's configuration; without a connection only its script directory is of use."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    if connection is not None:
        config.attributes.update(connection=connection, schema=schema, app_role=app_role)
    return config


def _run_upgrade(connection: Connection, schema: str, app_role: str) -> None:
    command.upgrade(build_config(connection, schema, app_role), "head")


def _run_downgrade(connection: Connection, schema: str, app_role: str, revision: str) -> None:
    command.downgrade(build_config(connection, schema, app_role), revision)


def _no_such_role(role: str) -> InvalidInputError:
    return InvalidInputError(
        f"The database has no role {role!r} for the application to connect as.",
        cure="Create it, or mend the user in DATABASE_URL.",
        field="DATABASE_URL",
    )
