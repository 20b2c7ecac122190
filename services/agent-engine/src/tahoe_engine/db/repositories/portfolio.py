from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from tahoe_engine.db.models.portfolio import PortfolioORM
from tahoe_engine.db.models.scorecard import ScorecardORM
from tahoe_engine.db.repositories.named import NamedRepository


class PortfolioRepository(NamedRepository[PortfolioORM]):
    """Queries of `portfolios`."""

    model = PortfolioORM
    noun = "portfolio"

    async def list_scorecards(self, portfolio_id: UUID) -> Sequence[str]:
        """Returns the names of the active scorecards in it, sorted."""
        query = select(ScorecardORM.name).where(
            ScorecardORM.team_id == self.team_id, ScorecardORM.portfolio_id == portfolio_id, ScorecardORM.is_active
        )
        return (await self.session.scalars(query.order_by(ScorecardORM.name))).all()
