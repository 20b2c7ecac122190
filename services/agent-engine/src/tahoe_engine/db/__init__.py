"""The engine's tables; these three names come from `tahoe_core.db`, where the services share them."""

from tahoe_core.db.base import Base
from tahoe_core.db.engine import get_engine, get_session_factory

__all__ = ["Base", "get_engine", "get_session_factory"]
