"""The schema that runs stand in, and its form; DBOS, whose import takes longer than the question, is not needed."""

from sqlalchemy.ext.asyncio import AsyncConnection

from tahoe_core.db.address import quote_identifier
from tahoe_core.db.driver_errors import find_sqlstate
from tahoe_core.db.rls import VERSION_TABLE
from tahoe_core.errors import InvalidInputError, UnavailableError
from tahoe_engine.db.revision import HEAD

REVISION = "dbos-125.lease-1"
"""DBOS's newest migration and the form of our own tables beside its; a test holds it to the installed DBOS."""

REVISION_TABLE = "tahoe_revision"
LEASE_TABLE = "tahoe_lease"

_SUFFIX = "_dbos"
_MAX_NAME_BYTES = 63  # Postgres cuts longer names off
_NOTHING_THERE = ("42P01", "3F000")


def get_system_schema(schema: str) -> str:
    """Returns the name of the schema for the runs of a service.

    Raises:
        InvalidInputError: It would be too long for Postgres.
    """
    name = schema + _SUFFIX
    if len(name.encode()) > _MAX_NAME_BYTES:
        raise InvalidInputError(
            f"The schema {schema!r} has too long a name: {_SUFFIX} is appended to it for background work.",
            cure=f"Use at most {_MAX_NAME_BYTES - len(_SUFFIX)} bytes.",
            field="DATABASE_URL",
        )
    return name


async def is_current(connection: AsyncConnection, schema: str) -> bool:
    """Says whether a service's tables and the schema of its runs both stand at the newest form; one query.

    Where it finds nothing, the connection's transaction is rolled back.

    Raises:
        UnavailableError: The database does not answer, or the role may not look.
    """
    query = (
        f"SELECT version_num, revision FROM {quote_identifier(schema)}.{VERSION_TABLE}"  # noqa: S608 - quoted
        f" CROSS JOIN {quote_identifier(get_system_schema(schema))}.{REVISION_TABLE}"
    )
    try:
        row = (await connection.exec_driver_sql(query)).first()
    except UnavailableError as error:
        if find_sqlstate(error) not in _NOTHING_THERE:
            raise
        await connection.rollback()
        return False
    return row is not None and tuple(row) == (HEAD, REVISION)
