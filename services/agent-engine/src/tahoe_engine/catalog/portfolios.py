from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.errors import ConflictError
from tahoe_engine.catalog.named import NamedCatalog
from tahoe_engine.db.models.portfolio import PortfolioORM
from tahoe_engine.db.repositories.portfolio import PortfolioRepository
from tahoe_engine.models.catalog import Portfolio, PortfolioInput


class PortfolioCatalog(NamedCatalog[PortfolioORM, PortfolioInput, Portfolio]):
    """One team's portfolios; what their configuration does is in `catalog/portfolio_settings.py`."""

    def __init__(self, session: AsyncSession) -> None:
        self._portfolios = PortfolioRepository(session)
        super().__init__(self._portfolios)

    async def deactivate(self, name: str) -> Portfolio:
        """Takes it out of use and out of lists.

        Raises:
            NotFoundError: There is none of that name.
            ConflictError: It holds active scorecards.
        """
        await self._portfolios.lock()
        scorecards = await self._portfolios.list_scorecards((await self._get_row(name)).id)
        if scorecards:
            raise ConflictError(
                f"The portfolio {name!r} holds active scorecards: {', '.join(scorecards)}.",
                cure="Deactivate them first, or apply them with another portfolio.",
            )
        return await super().deactivate(name)

    def _write(self, row: PortfolioORM, given: PortfolioInput) -> None:
        row.description = given.description
        row.configuration = given.configuration.model_dump(mode="json", exclude_defaults=True)

    def _read(self, row: PortfolioORM) -> Portfolio:
        return Portfolio.model_validate(
            {
                "id": row.id,
                "name": row.name,
                "description": row.description,
                "configuration": row.configuration,
                "is_active": row.is_active,
                "created_at": row.created_at,
                "updated_at": row.updated_at,
            }
        )
