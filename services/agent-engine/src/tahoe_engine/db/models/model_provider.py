from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.models.columns import is_active_flag, text_array


class ModelProviderORM(TeamEntity):
    """Where models answer; changed in place. The key itself is never stored, only the variable that holds it."""

    __tablename__ = "model_providers"
    __table_args__ = (UniqueConstraint("team_id", "name"),)

    name: Mapped[str]
    base_url: Mapped[str | None]
    api_key_env_var: Mapped[str | None]
    models: Mapped[list[str]] = text_array()
    is_active: Mapped[bool] = is_active_flag()
