from http import HTTPStatus
from uuid import UUID

from fastapi import Response

from tahoe_core.http.pagination import Page, RequestedPage
from tahoe_core.http.problem import problem_responses
from tahoe_core.http.routing import create_router
from tahoe_engine.api.contradictions import contradictions_are_conflicts
from tahoe_engine.api.dependencies import MAX_BODY_BYTES, IncludeInactive, TeamSession
from tahoe_engine.catalog.portfolios import PortfolioCatalog
from tahoe_engine.models.catalog import Portfolio, PortfolioInput

router = create_router("/v1/portfolios", "portfolios", max_body_bytes=MAX_BODY_BYTES)


@router.post("", status_code=HTTPStatus.CREATED, responses=problem_responses(409))
async def create_portfolio(given: PortfolioInput, session: TeamSession, response: Response) -> Portfolio:
    """Creates a portfolio; 409 when the name is taken."""
    with contradictions_are_conflicts():
        made = await PortfolioCatalog(session).create(given)
    response.headers["Location"] = f"/v1/portfolios/{made.id}"
    return made


@router.get("")
async def list_portfolios(
    session: TeamSession, page: RequestedPage, *, include_inactive: IncludeInactive = False
) -> Page[Portfolio]:
    """Lists portfolios, newest first."""
    found = await PortfolioCatalog(session).list_page(page, include_inactive=include_inactive)
    return Page.of(found, lambda row: row)


@router.get("/{portfolio_id}", responses=problem_responses(404))
async def get_portfolio(portfolio_id: UUID, session: TeamSession) -> Portfolio:
    """Returns a portfolio, active or not."""
    return await PortfolioCatalog(session).get_by_id(portfolio_id)


@router.put("/{portfolio_id}", responses=problem_responses(404, 409))
async def update_portfolio(portfolio_id: UUID, given: PortfolioInput, session: TeamSession) -> Portfolio:
    """Replaces what is said of a portfolio, but for its name; one that was deactivated is active again."""
    catalog = PortfolioCatalog(session)
    stored = await catalog.get_by_id(portfolio_id)
    with contradictions_are_conflicts():
        return await catalog.update(stored.name, given)


@router.post("/{portfolio_id}/deactivate", responses=problem_responses(404, 409))
async def deactivate_portfolio(portfolio_id: UUID, session: TeamSession) -> Portfolio:
    """Takes a portfolio out of use; nothing is deleted."""
    catalog = PortfolioCatalog(session)
    stored = await catalog.get_by_id(portfolio_id)
    return await catalog.deactivate(stored.name)
