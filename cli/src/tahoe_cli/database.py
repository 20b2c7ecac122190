"""From settings to a database that is ready: started, migrated and seeded where that is ours to do."""

from dataclasses import dataclass

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.db.engine import EngineOptions, get_engine
from tahoe_core.errors import UnavailableError
from tahoe_core.postgres.lifecycle import EmbeddedServer, ensure_running
from tahoe_core.postgres.provision import ServiceDatabase, provision_service
from tahoe_engine.db.revision import HEAD
from tahoe_engine.settings import EngineSettings
from tahoe_engine.workflows import schema


@dataclass(frozen=True)
class Database:
    """Where the engine's tables are.

    Attributes:
        app: For the application's role.
        owner: For migrations.
        embedded: The server in the home; None when `DATABASE_URL` names another.
    """

    app: DatabaseAddress
    owner: DatabaseAddress
    embedded: EmbeddedServer | None


def open_database(settings: EngineSettings) -> Database:
    """Finds the database; without a `DATABASE_URL` the embedded Postgres is started and its roles made.

    Raises:
        InvalidInputError: `DATABASE_URL` is no address.
        EmbeddedPostgresError: The embedded server cannot be started.
    """
    if settings.database_url is not None:
        app = DatabaseAddress.parse(settings.database_url.get_secret_value(), default_schema=settings.db_schema)
        owner_url = settings.database_owner_url or settings.database_url
        owner = DatabaseAddress.parse(owner_url.get_secret_value(), default_schema=app.schema)
        return Database(app, owner, embedded=None)
    server = ensure_running(settings.home)
    name = settings.db_schema
    urls = provision_service(settings.home, ServiceDatabase(name, f"{name}_owner", f"{name}_app"))
    return Database(DatabaseAddress.parse(urls.app_url), DatabaseAddress.parse(urls.owner_url), embedded=server)


async def is_current(database: Database) -> bool:
    """Says whether all that is migrated stands at its newest form, with one query and without Alembic or DBOS."""
    engine = get_engine(database.app, EngineOptions(pool_size=0))
    try:
        async with engine.connect() as connection:
            return await schema.is_current(connection, database.app.schema)
    finally:
        await engine.dispose()


async def migrate(database: Database) -> None:
    """Brings the schema to the newest migration, then that of background work beside it to its newest form."""
    from tahoe_engine.db.migrate import upgrade  # noqa: PLC0415 - Alembic takes 0.2 s, and is needed once
    from tahoe_engine.workflows.migrate import upgrade_workflows  # noqa: PLC0415 - DBOS takes 0.4 s, as rarely

    await upgrade(database.owner, database.app.user)
    await upgrade_workflows(database.owner, database.app.user)


async def require_current(database: Database) -> bool:
    """Migrates the embedded database when it is behind; one that others run is theirs to migrate.

    Returns:
        Whether anything was migrated.

    Raises:
        UnavailableError: A database that is not ours is not at the newest migration.
    """
    if await is_current(database):
        return False
    if database.embedded is None:
        raise UnavailableError(
            f"The schema {database.app.schema} at {database.app.place} is not at the newest migration ({HEAD}).",
            cure="Run: tahoe db upgrade && tahoe db seed",
        )
    await migrate(database)
    return True
