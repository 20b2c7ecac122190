from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_engine.catalog.named import NamedCatalog
from tahoe_engine.db.models.tool import ToolORM
from tahoe_engine.db.repositories.tool import ToolRepository
from tahoe_engine.models.catalog import Tool, ToolInput


class ToolCatalog(NamedCatalog[ToolORM, ToolInput, Tool]):
    """One team's tools."""

    def __init__(self, session: AsyncSession) -> None:
        super().__init__(ToolRepository(session))

    def _write(self, row: ToolORM, given: ToolInput) -> None:
        row.description = given.description
        row.type = given.type.value
        row.configuration = dict(given.configuration)

    def _read(self, row: ToolORM) -> Tool:
        return Tool.model_validate(
            {
                "id": row.id,
                "name": row.name,
                "description": row.description,
                "type": row.type,
                "configuration": row.configuration,
                "is_active": row.is_active,
                "created_at": row.created_at,
                "updated_at": row.updated_at,
            }
        )
