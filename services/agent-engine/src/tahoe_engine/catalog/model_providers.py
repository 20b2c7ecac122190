from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.errors import InvalidInputError
from tahoe_engine.catalog.named import NamedCatalog
from tahoe_engine.db.models.model_provider import ModelProviderORM
from tahoe_engine.db.repositories.model_provider import ModelProviderRepository
from tahoe_engine.models.catalog import ModelProvider, ModelProviderInput
from tahoe_engine.network.addresses import may_be_server
from tahoe_engine.network.lookup import Lookup, RefusedAddressError

_LOOKUP = Lookup(may_be_server)


class ModelProviderCatalog(NamedCatalog[ModelProviderORM, ModelProviderInput, ModelProvider]):
    """One team's model providers; keys stay in the environment."""

    def __init__(self, session: AsyncSession) -> None:
        self._providers = ModelProviderRepository(session)
        super().__init__(self._providers)

    async def list_active(self) -> list[ModelProvider]:
        """Returns those that can be asked, newest first."""
        return [self._read(row) for row in await self._providers.list_active()]

    def _write(self, row: ModelProviderORM, given: ModelProviderInput) -> None:
        _refuse_address(given.base_url)
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


def _refuse_address(base_url: str | None) -> None:
    """Refuses an address that would never be asked; what a name leads to is found out each time when it is asked.

    Raises:
        InvalidInputError: No model server can be there.
    """
    try:
        host = urlsplit(base_url or "").hostname
    except ValueError:  # brackets that do not belong together; who asks it says that it is no URL
        return
    if host is None:
        return
    try:
        _LOOKUP.check_literal(host)
    except RefusedAddressError as error:
        raise InvalidInputError(
            "The base_url leads to an address where no model server can be.",
            cure="Give it another one: link-local, metadata, multicast and reserved addresses are never asked.",
            field="base_url",
        ) from error
