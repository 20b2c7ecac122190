from tahoe_engine.db.models.tool import ToolORM
from tahoe_engine.db.repositories.named import NamedRepository


class ToolRepository(NamedRepository[ToolORM]):
    """Queries of `tools`."""

    model = ToolORM
    noun = "tool"
