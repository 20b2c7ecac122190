"""Migrates the database of a deployment, once, before the service that needs it: `python -m tahoe_engine.migrate`.

It connects as the role that owns the tables, which the service does not know. Many may run it at once: one migrates,
the others wait and find nothing to do.
"""

import asyncio
import sys

from tahoe_core.db.address import DatabaseAddress
from tahoe_core.errors import InvalidInputError, TahoeError
from tahoe_core.logs import configure_logging
from tahoe_engine.db.migrate import current, upgrade
from tahoe_engine.db.revision import HEAD
from tahoe_engine.settings import EngineSettings, load_settings
from tahoe_engine.workflows.migrate import upgrade_workflows


def main() -> int:
    """Prints from where to where, or what is wrong."""
    try:
        settings = load_settings()
        configure_logging(settings.log_level, settings.log_format)
        sys.stdout.write(asyncio.run(migrate(settings)) + "\n")
    except TahoeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def migrate(settings: EngineSettings) -> str:
    """Brings the schema and that of background work to their newest form; returns what was done.

    Raises:
        InvalidInputError: The owner's or the application's way in is not set.
        UnavailableError: The database does not answer.
    """
    if settings.database_owner_url is None or settings.database_url is None:
        raise InvalidInputError(
            "A migration needs the role that owns the tables, and the name of the application's.",
            cure="Set AGENT_ENGINE_DB_OWNER_PASSWORD and AGENT_ENGINE_DB_PASSWORD, or both addresses.",
            field="DATABASE_OWNER_URL",
        )
    app = DatabaseAddress.parse(settings.database_url.get_secret_value(), default_schema=settings.db_schema)
    owner = DatabaseAddress.parse(settings.database_owner_url.get_secret_value(), default_schema=app.schema)
    before = await current(owner)
    await upgrade(owner, app.user)
    await upgrade_workflows(owner, app.user)
    return f"{owner.schema} at {owner.place}: {before or 'empty'} → {HEAD}"


if __name__ == "__main__":
    sys.exit(main())
