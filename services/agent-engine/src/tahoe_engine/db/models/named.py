from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.base import Base


class NamedEntity(TeamEntity, Base):
    """A thing that its team calls by name; `is_active` stands in place of deleting."""

    __abstract__ = True

    name: Mapped[str] = mapped_column(sort_order=-1)
    is_active: Mapped[bool] = mapped_column(server_default=text("true"), sort_order=90)


class VersionedEntity(NamedEntity):
    """One version of such a thing; a change makes a new row, and only the newest may be active."""

    __abstract__ = True

    version: Mapped[int] = mapped_column(server_default=text("1"), sort_order=89)


def version_rules(table: str) -> tuple[SchemaItem, ...]:
    """What holds in every table of versions."""
    return (
        UniqueConstraint("team_id", "name", "version"),
        UniqueConstraint("team_id", "id"),
        Index(f"uq_{table}_active", "team_id", "name", unique=True, postgresql_where=text("is_active")),
        CheckConstraint("version >= 1", name="version"),
    )
