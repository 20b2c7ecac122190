from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from tahoe_engine.db.models.columns import text_array
from tahoe_engine.db.models.named import NamedEntity


class ModelProviderORM(NamedEntity):
    """Where models answer; changed in place. The key itself is never stored, only the variable that holds it."""

    __tablename__ = "model_providers"
    __table_args__ = (UniqueConstraint("team_id", "name"),)

    base_url: Mapped[str | None]
    api_key_env_var: Mapped[str | None]
    models: Mapped[list[str]] = text_array()
