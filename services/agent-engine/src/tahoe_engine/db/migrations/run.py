"""How a migration is run: over an open connection, or as a script that somebody else runs."""

from alembic import context
from sqlalchemy import Connection

from tahoe_core.db.address import quote_identifier
from tahoe_core.db.rls import VERSION_TABLE
from tahoe_engine.db.models import Base


def run_with_connection(connection: Connection, schema: str, app_role: str) -> None:
    """Runs Alembic's command over an open connection, whose owner commits."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        # Named, or Alembic would take the version table of somebody else that stands in `public`.
        version_table_schema=schema,
        include_name=lambda name, kind, _parents: not (kind == "table" and name == VERSION_TABLE),
        compare_type=True,
        compare_server_default=True,
        schema=schema,
        app_role=app_role,
    )
    with context.begin_transaction():
        context.run_migrations()


def print_script(schema: str, app_role: str) -> None:
    """Prints the statements, for people who run them themselves."""
    context.configure(
        dialect_name="postgresql",
        literal_binds=True,
        version_table=VERSION_TABLE,
        version_table_schema=schema,
        schema=schema,
        app_role=app_role,
    )
    with context.begin_transaction():
        context.execute(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
        context.execute(f"SET LOCAL search_path TO {quote_identifier(schema)}, public")
        context.run_migrations()
