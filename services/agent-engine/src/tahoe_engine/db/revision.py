"""Which migration a database stands at, found without Alembic, whose import takes longer than the question."""

from sqlalchemy.ext.asyncio import AsyncConnection

from tahoe_core.db.driver_errors import find_sqlstate
from tahoe_core.errors import UnavailableError
from tahoe_engine.db.migrations.ground import read_revision

HEAD = "006_agent_versions"
"""The newest migration; a test holds it to the script directory."""

_NOTHING_THERE = ("42P01", "3F000")


async def find_revision(connection: AsyncConnection, schema: str) -> str | None:
    """Returns the revision of a service's schema; None where nothing was migrated yet.

    One query; where it finds nothing, the connection's transaction is rolled back.

    Raises:
        UnavailableError: The database does not answer, or the role may not look.
    """
    try:
        return await read_revision(connection, schema)
    except UnavailableError as error:
        if find_sqlstate(error) not in _NOTHING_THERE:
            raise
        await connection.rollback()
        return None


def is_enough(revision: str | None) -> bool:
    """Whether this code can work on a schema that stands at the revision: at its own or at a later one.

    While a new release takes over, the old one works on beside it on the schema of the new, so a migration only adds
    what the release before can do without; what it must take away goes with a later one (docs/guides/deploy.md).
    """
    return revision is not None and _number(revision) >= _number(HEAD)


def _number(revision: str) -> int:
    digits = revision.partition("_")[0]
    return int(digits) if digits.isdecimal() else -1
