"""What a new team finds: a portfolio, sample tools and providers, and the example scorecards."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.errors import ConflictError, NotFoundError
from tahoe_engine.catalog.model_providers import ModelProviderCatalog
from tahoe_engine.catalog.named import NamedCatalog
from tahoe_engine.catalog.portfolios import PortfolioCatalog
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.catalog.tools import ToolCatalog
from tahoe_engine.db.models.named import NamedEntity
from tahoe_engine.models.catalog import (
    ModelProviderInput,
    NamedInput,
    PortfolioInput,
    SeedReport,
    Stored,
    ToolInput,
    ToolType,
)
from tahoe_engine.models.scorecard import ScorecardDefinition

PORTFOLIOS = (PortfolioInput(name="default", description="Where a scorecard goes that names no portfolio."),)
MODEL_PROVIDERS = (
    ModelProviderInput(name="openai", base_url="https://api.openai.com/v1", api_key_env_var="OPENAI_API_KEY"),
    ModelProviderInput(name="ollama", base_url="http://localhost:11434/v1"),
)
TOOLS = (
    ToolInput(
        name="search_interactions",
        description="Finds interactions of this team by type and time.",
        type=ToolType.DATABASE,
        configuration={"table": "interactions", "max_rows": 50},
    ),
    ToolInput(
        name="get_local_time",
        description="Says what time it is in an IANA time zone.",
        type=ToolType.FUNCTION,
        configuration={"parameters": {"time_zone": {"type": "string"}}},
    ),
)


async def seed(session: AsyncSession, definitions: Iterable[ScorecardDefinition]) -> SeedReport:
    """Writes what is not there yet; what a team has changed or deactivated since stays as it is.

    Args:
        session: As `team_session` opened it.
        definitions: The example scorecards, validated. One whose name is taken is left alone, since the team may have
            made it its own; `ScorecardCatalog.apply` brings it up to date.

    Returns:
        What was written: nothing the second time.
    """
    portfolios, providers, tools = PortfolioCatalog(session), ModelProviderCatalog(session), ToolCatalog(session)
    scorecards = ScorecardCatalog(session)
    examples = list(definitions)
    return SeedReport(
        portfolios=tuple([one.name for one in PORTFOLIOS if await _create(portfolios, one)]),
        model_providers=tuple([one.name for one in MODEL_PROVIDERS if await _create(providers, one)]),
        tools=tuple([one.name for one in TOOLS if await _create(tools, one)]),
        kept=tuple([one.name for one in examples if await _differs(scorecards, one)]),
        scorecards=tuple([one.name for one in examples if await _apply(scorecards, one)]),
    )


async def _create[Entity: NamedEntity, Input: NamedInput, Record: Stored](
    catalog: NamedCatalog[Entity, Input, Record], given: Input
) -> bool:
    try:
        await catalog.create(given)
    except ConflictError:
        return False
    return True


async def _apply(catalog: ScorecardCatalog, definition: ScorecardDefinition) -> bool:
    if await _find(catalog, definition.name) is not None:
        return False
    return (await catalog.apply(definition)).created


async def _differs(catalog: ScorecardCatalog, definition: ScorecardDefinition) -> bool:
    return (found := await _find(catalog, definition.name)) is not None and found != definition


async def _find(catalog: ScorecardCatalog, name: str) -> ScorecardDefinition | None:
    try:
        return await catalog.get_definition(name)
    except NotFoundError:
        return None
