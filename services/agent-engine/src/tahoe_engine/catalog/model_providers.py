from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_engine.catalog.named import NamedCatalog
from tahoe_engine.db.models.model_provider import ModelProviderORM
from tahoe_engine.db.repositories.model_provider import ModelProviderRepository
from tahoe_engine.models.catalog import ModelProvider, ModelProviderInput


class ModelProviderCatalog(NamedCatalog[ModelProviderORM, ModelProviderInput, ModelProvider]):
    """One team's model providers; keys stay in the environment."""

    def __init__(self, session: AsyncSession) -> None:
        self._providers = ModelProviderRepository(session)
        super().__init__(self._providers)

    async def list_active(self) -> list[ModelProvider]:
        """Returns those that can be asked, newest first."""
        return [self._read(row) for row in await self._providers.list_active()]

    def _write(self, row: ModelProviderORM, given: ModelProviderInput) -> None:
        row.base_url = given.base_url
        row.api_key_env_var = given.api_key_env_var
        row.models = list(given.models)

    def _read(self, row: ModelProviderORM) -> ModelProvider:
        return ModelProvider.model_validate(
            {
                "id": row.id,
                "name": row.name,
                "base_url": row.base_url,
                "api_key_env_var": row.api_key_env_var,
                "models": row.models,
                "is_active": row.is_active,
                "created_at": row.created_at,
                "updated_at": row.updated_at,
            }
        )
