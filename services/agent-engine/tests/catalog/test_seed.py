from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_core.db.page import PageRequest
from tahoe_engine.catalog.model_providers import ModelProviderCatalog
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.catalog.seed import seed
from tahoe_engine.catalog.tools import ToolCatalog
from tahoe_engine.db import Base
from tahoe_engine.models.catalog import SeedReport
from tahoe_engine.models.scorecard import ScorecardDefinition


async def read_everything(session: AsyncSession) -> list[Any]:
    tables = Base.metadata.sorted_tables
    return [(await session.execute(select(table).order_by(*table.primary_key.columns))).all() for table in tables]


async def test_a_new_team_finds_everything(session: AsyncSession, definition: ScorecardDefinition) -> None:
    report = await seed(session, [definition])
    assert report.portfolios == ("default",)
    assert report.scorecards == (definition.name,)
    assert len(report.tools) == len((await ToolCatalog(session).list_page(PageRequest())).items) > 0
    assert len(report.model_providers) == len((await ModelProviderCatalog(session).list_page(PageRequest())).items) > 0
    assert report.kept == ()


async def test_a_second_run_changes_nothing(session: AsyncSession, definition: ScorecardDefinition) -> None:
    await seed(session, [definition])
    before = await read_everything(session)
    assert await seed(session, [definition]) == SeedReport()
    assert await read_everything(session) == before


async def test_what_the_team_made_its_own_stays(session: AsyncSession, definition: ScorecardDefinition) -> None:
    scorecards = ScorecardCatalog(session)
    own = definition.model_copy(update={"description": "ours"})
    await scorecards.apply(own)
    await seed(session, [])
    await ToolCatalog(session).deactivate("get_local_time")
    assert await seed(session, [definition]) == SeedReport(kept=(definition.name,))
    assert await scorecards.get_definition(definition.name) == own
    assert not (await ToolCatalog(session).get("get_local_time")).is_active


async def test_what_the_team_deactivated_stays_so(session: AsyncSession, definition: ScorecardDefinition) -> None:
    await seed(session, [definition])
    await ScorecardCatalog(session).deactivate(definition.name)
    assert await seed(session, [definition]) == SeedReport()
    assert not (await ScorecardCatalog(session).get_summary(definition.name)).is_active
