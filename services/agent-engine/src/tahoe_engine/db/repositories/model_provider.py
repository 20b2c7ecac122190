from tahoe_engine.db.models.model_provider import ModelProviderORM
from tahoe_engine.db.repositories.named import NamedRepository


class ModelProviderRepository(NamedRepository[ModelProviderORM]):
    """Queries of `model_providers`."""

    model = ModelProviderORM
    noun = "model provider"
