from collections.abc import Sequence

from sqlalchemy import bindparam, select

from tahoe_engine.db.models.model_provider import ModelProviderORM
from tahoe_engine.db.repositories.named import NamedRepository

_ACTIVE = (
    select(ModelProviderORM)
    .where(ModelProviderORM.team_id == bindparam("team"), ModelProviderORM.is_active)
    .order_by(ModelProviderORM.created_at.desc(), ModelProviderORM.id.desc())
)
"""Built once, as those of `turn`."""


class ModelProviderRepository(NamedRepository[ModelProviderORM]):
    """Queries of `model_providers`."""

    model = ModelProviderORM
    noun = "model provider"

    async def list_active(self) -> Sequence[ModelProviderORM]:
        """Returns those that can be asked, newest first."""
        return (await self.session.scalars(_ACTIVE, {"team": self.team_id})).all()
