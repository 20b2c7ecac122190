"""Row-level security: the statements by which a migration gives a table to its teams.

Two policies and a trigger a table with `team_id`:

- `team_isolation`: a row is seen and written only in a transaction that says `app.team_id`. FORCE holds the table's
  owner to it as well.
- `owner_access` admits the owner's role, for migrations that change data. It is left out where the application
  connects as the owner or as a member of its role, so that a deployment with a single role is isolated, too.
- `keep_team` refuses to move a row to another team, whoever asks.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import MetaData

from tahoe_core.db.address import quote_identifier, quote_literal
from tahoe_core.db.session import TEAM_SETTING

TEAM_POLICY = "team_isolation"
OWNER_POLICY = "owner_access"
KEEP_TEAM = "keep_team"
VERSION_TABLE = "alembic_version"

MAY_CHANGE = "SELECT, INSERT, UPDATE"
"""What the application may do with a table: nothing is hard-deleted, so there is no DELETE and no TRUNCATE."""
_MAY = "app_may"
MAY_ADD = {_MAY: "SELECT, INSERT"}
"""`info` of a table of which nothing is ever changed."""
MAY_READ = {_MAY: "SELECT"}
"""`info` of a table that only triggers and functions of the owner write."""

# The select makes it one look-up a statement rather than one a row.
_IS_OWN = f"team_id = (select nullif(current_setting('{TEAM_SETTING}', true), '')::uuid)"


def create_guard() -> Sequence[str]:
    """Returns what a schema needs once, before its first table is protected."""
    what = "MESSAGE = 'team_id of ' || TG_TABLE_NAME || ' never changes', ERRCODE = '23000'"
    return (f"CREATE FUNCTION {KEEP_TEAM}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE USING {what}; END $$",)


def drop_guard() -> Sequence[str]:
    """Returns what undoes `create_guard`, after the last protected table is gone."""
    return (f"DROP FUNCTION {KEEP_TEAM}()",)


def protect_table(table: str) -> Sequence[str]:
    """Returns what gives a new table with `team_id` to its teams; `admit_roles` says who may use it at all."""
    name = quote_identifier(table)
    # Looked at only when an UPDATE names the column, so other updates pay nothing.
    moves = f"BEFORE UPDATE OF team_id ON {name} FOR EACH ROW WHEN (OLD.team_id IS DISTINCT FROM NEW.team_id)"
    return (
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY {TEAM_POLICY} ON {name} USING ({_IS_OWN}) WITH CHECK ({_IS_OWN})",
        f"CREATE TRIGGER {KEEP_TEAM} {moves} EXECUTE FUNCTION {KEEP_TEAM}()",
    )


def admit_roles(table: str, app_role: str, may: str = MAY_CHANGE) -> Sequence[str]:
    """Returns what lets the owner and the application's role in; it can be run again when the roles have changed.

    Args:
        table: One that `protect_table` gave to the teams.
        app_role: The role that the application connects as.
        may: Privileges, as GRANT takes them.
    """
    name, role = quote_identifier(table), quote_identifier(app_role)
    is_this = f"polrelid = {quote_literal(name)}::regclass AND polname = {quote_literal(OWNER_POLICY)}"
    # A policy that is as it should be is left alone: to make it anew would lock the table against everybody.
    declare = (
        f"DECLARE is_owner boolean := {_is_owner(app_role)};"  # noqa: S608 - quoted
        " wanted oid[] := ARRAY(SELECT oid FROM pg_roles WHERE rolname = current_user AND NOT is_owner);"
        f" admitted oid[] := coalesce((SELECT polroles FROM pg_policy WHERE {is_this}), '{{}}');"
    )
    admit = (
        f"IF NOT is_owner THEN REVOKE ALL ON {name} FROM {role}; GRANT {may} ON {name} TO {role}; END IF;"
        " IF admitted = wanted THEN RETURN; END IF;"
        f" DROP POLICY IF EXISTS {OWNER_POLICY} ON {name};"
        f" IF NOT is_owner THEN CREATE POLICY {OWNER_POLICY} ON {name} TO CURRENT_USER USING (true) WITH CHECK (true);"
        " END IF;"
    )
    return (f"DO $tahoe$ {declare} BEGIN {admit} END $tahoe$",)


def admit_reader(table: str, app_role: str) -> Sequence[str]:
    """Returns what lets the application's role read a table of no team, such as the migrations' own."""
    name, role = quote_identifier(table), quote_identifier(app_role)
    admit = f"REVOKE ALL ON {name} FROM {role}; GRANT SELECT ON {name} TO {role}"
    return (f"DO $tahoe$ BEGIN IF NOT {_is_owner(app_role)} THEN {admit}; END IF; END $tahoe$",)


def admit_application(schema: str, app_role: str, tables: Mapping[str, str]) -> Sequence[str]:
    """Returns what lets the application's role into a migrated schema.

    Args:
        schema: The service's.
        app_role: The role that the application connects as.
        tables: What it may do with each that `protect_table` gave to the teams.
    """
    return (
        f"GRANT USAGE ON SCHEMA {quote_identifier(schema)} TO {quote_identifier(app_role)}",
        *admit_reader(VERSION_TABLE, app_role),
        *(statement for table, may in tables.items() for statement in admit_roles(table, app_role, may)),
    )


def list_team_tables(metadata: MetaData) -> dict[str, str]:
    """Returns the tables that have `team_id`, and what the application may do with each."""
    return {
        table.name: table.info.get(_MAY, MAY_CHANGE) for table in metadata.sorted_tables if "team_id" in table.columns
    }


def _is_owner(app_role: str) -> str:
    """Whether the application's role is the owner, who runs this, or can become it."""
    return f"pg_has_role({quote_literal(app_role)}, current_user, 'MEMBER')"
