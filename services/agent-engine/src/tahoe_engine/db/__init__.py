"""The engine's tables; what other services need of it, too, comes from `tahoe_core.db`."""

from tahoe_core.db.base import TimestampMixin, UUIDMixin
from tahoe_core.db.engine import get_engine, get_session_factory
from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.base import Base

__all__ = ["Base", "BaseRepository", "TimestampMixin", "UUIDMixin", "get_engine", "get_session_factory"]
