"""Root of the engine's tables."""

from sqlalchemy import MetaData

from tahoe_core.db.base import NAMING_CONVENTION
from tahoe_core.db.base import Base as CoreBase


class Base(CoreBase):
    """Root of the engine's tables, apart from those of other services in the same process."""

    __abstract__ = True

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
