"""What every table has in common."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import TIMESTAMP, Double, MetaData, Text, Uuid, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Every constraint has a name, so that a migration can speak of it and an error can be told from another.
NAMING_CONVENTION = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    """Root of every service's tables; each service derives an abstract base with `metadata` of its own.

    One process may serve several services, and a migration must see the tables of its own alone. Tables name no
    schema: `search_path` decides it.
    """

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar = {
        str: Text(),
        float: Double(),
        datetime: TIMESTAMP(timezone=True),
        UUID: Uuid(),
    }


class UUIDMixin:
    """A key that the database makes."""

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"), sort_order=-3)


class TeamMixin:
    """A row of one team; `tahoe_core.db.rls` keeps it out of reach of the others."""

    team_id: Mapped[UUID] = mapped_column(sort_order=-2)


class TimestampMixin:
    """When the row was made and last changed, in UTC.

    The clock's time rather than the transaction's, so that rows made together keep their order.
    """

    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), sort_order=98)
    updated_at: Mapped[datetime] = mapped_column(
        server_default=func.clock_timestamp(), onupdate=func.clock_timestamp(), sort_order=99
    )


class TeamEntity(UUIDMixin, TeamMixin, TimestampMixin):
    """What a table of things that belong to teams begins with, beside its service's base."""
