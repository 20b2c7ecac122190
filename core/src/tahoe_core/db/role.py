"""Who we are in the database, and whether row-level security holds for us."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_FACTS = text(
    "SELECT r.rolname,"
    " EXISTS (SELECT FROM pg_roles s WHERE s.rolsuper AND pg_has_role(r.oid, s.oid, 'MEMBER')),"
    " EXISTS (SELECT FROM pg_roles s WHERE s.rolbypassrls AND pg_has_role(r.oid, s.oid, 'MEMBER')),"
    " EXISTS ("
    " SELECT FROM pg_class c WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema()))"
    " AND c.relkind IN ('r', 'p') AND pg_has_role(r.oid, c.relowner, 'MEMBER'))"
    " FROM pg_roles r WHERE r.rolname = current_user"
)


@dataclass(frozen=True)
class RoleFacts:
    """What `tahoe doctor` has to know of the role that the application connects as.

    What a role that it is a member of may do counts as its own: `SET ROLE` is all it takes.

    Attributes:
        owns_tables: Whether it owns a table of the service's schema; it could then switch the policies off.
    """

    user: str
    is_superuser: bool
    bypasses_rls: bool
    owns_tables: bool

    @property
    def is_isolated(self) -> bool:
        """Whether the database itself keeps the teams apart, whatever this role asks."""
        return not (self.is_superuser or self.bypasses_rls or self.owns_tables)


async def inspect_role(connection: AsyncConnection) -> RoleFacts:
    """Looks at the role of an open connection."""
    user, is_superuser, bypasses_rls, owns_tables = (await connection.execute(_FACTS)).one()
    return RoleFacts(user, is_superuser, bypasses_rls, owns_tables)
