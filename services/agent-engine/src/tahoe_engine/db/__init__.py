"""The engine's tables; what other services need of it, too, comes from `tahoe_core.db`."""

from tahoe_core.db.engine import get_engine, get_session_factory
from tahoe_engine.db.base import Base

__all__ = ["Base", "get_engine", "get_session_factory"]
