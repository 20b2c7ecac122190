"""Kinds of columns and constraints that several tables share."""

from enum import StrEnum

from sqlalchemy import ARRAY, CheckConstraint, ForeignKeyConstraint, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import MappedColumn, mapped_column


def json_object(name: str | None = None) -> MappedColumn[dict[str, object]]:
    """A JSON object, empty unless said otherwise."""
    return mapped_column(name, JSONB, server_default=text("'{}'::jsonb"))


def json_array() -> MappedColumn[list[object]]:
    """A JSON array, empty unless said otherwise; arrays keep their order, the keys of a `jsonb` object do not."""
    return mapped_column(JSONB, server_default=text("'[]'::jsonb"))


def text_array() -> MappedColumn[list[str]]:
    """A list of texts, empty unless said otherwise."""
    return mapped_column(ARRAY(Text), server_default=text("'{}'::text[]"))


def short_text() -> MappedColumn[str]:
    """A text that may be left empty."""
    return mapped_column(server_default=text("''"))


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Holds a text column to the values of an enum.

    Not a Postgres enum: its comparison is not leakproof, so that under row-level security it could use no index.
    """
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def within_team(column: str, table: str) -> ForeignKeyConstraint:
    """Points at a row of the same team; a reference to another team's row is refused by the database itself."""
    return ForeignKeyConstraint(["team_id", column], [f"{table}.team_id", f"{table}.id"])
