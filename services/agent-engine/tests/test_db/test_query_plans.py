"""What the lists ask for can be found by an index, row-level security and all.

Sorting and reading whole tables are made so dear that the planner does either only where no index helps.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from tahoe_core.db.engine import get_session_factory
from tahoe_core.db.page import Cursor, PageRequest
from tahoe_core.db.session import team_session
from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.db.repositories.analysis import AnalysisRepository
from tahoe_engine.db.repositories.analysis_row import NewAnalysis
from tahoe_engine.db.repositories.conversation import ConversationRepository
from tahoe_engine.db.repositories.interaction import InteractionRepository
from tahoe_engine.interactions.store import InteractionStore, prepare
from tahoe_engine.models.analysis import AnalysisStatus, ScoredResult, Verdict
from tahoe_engine.models.interaction import Interaction, InteractionType
from tahoe_engine.models.scorecard import ScorecardDefinition
from tahoe_engine.models.stored import AnalysisFilter, InteractionFilter

ROWS = 1000
"""Enough that the planner prefers the index that fits best."""

type Plan = list[dict[str, Any]]
type OpenSession = Callable[[UUID], AbstractAsyncContextManager[AsyncSession]]
type ExplainLast = Callable[[], Awaitable[Plan]]

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = PageRequest(50, Cursor(MOMENT, uuid4()))


@pytest.fixture(scope="module")
async def busy_team(
    engine: AsyncEngine,
    definition: ScorecardDefinition,
    make_interaction: Callable[..., Interaction],
    make_result: Callable[..., ScoredResult],
) -> UUID:
    team_id = uuid4()
    result = make_result()
    async with team_session(get_session_factory(engine), team_id) as session:
        bound = (await ScorecardCatalog(session).apply(definition)).bound
        saved = await InteractionStore(session).save([prepare(make_interaction(str(n))) for n in range(ROWS)])
        await AnalysisRepository(session).insert_many([NewAnalysis(one.id, bound, result) for one in saved])
    return team_id


@pytest.fixture
async def session(open_session: OpenSession, busy_team: UUID) -> AsyncIterator[AsyncSession]:
    async with open_session(busy_team) as session:
        yield session


@pytest.fixture
async def explain_last(engine: AsyncEngine, connection: AsyncConnection) -> AsyncIterator[ExplainLast]:
    """Returns the nodes of the plan of what was executed last."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, *statement: Any) -> None:  # noqa: ANN401 - as the driver takes it
        seen.append((statement[0], statement[1]))

    async def explain() -> Plan:
        statement, parameters = seen[-1]
        for setting in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_incremental_sort"):
            await connection.execute(text(f"SET LOCAL {setting} = off"))
        plan = (await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)).scalar_one()
        return list_nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield explain
    event.remove(engine.sync_engine, "before_cursor_execute", note)


def list_nodes(node: dict[str, Any]) -> Plan:
    return [node, *(inner for child in node.get("Plans", []) for inner in list_nodes(child))]


def check(plan: Plan, index: str, *columns: str) -> None:
    assert not any("Sort" in node["Node Type"] or "Seq Scan" in node["Node Type"] for node in plan)
    [scan] = [node for node in plan if "Index" in node["Node Type"]]
    assert scan["Index Name"] == index
    for column in ("team_id", *columns):
        assert column in scan["Index Cond"]


@pytest.mark.parametrize(
    ("which", "column"),
    [
        (AnalysisFilter(), "created_at"),
        (AnalysisFilter(created_from=MOMENT), "created_at"),
        (AnalysisFilter(interaction_id=uuid4()), "interaction_id"),
        (AnalysisFilter(scorecard="x"), "scorecard_name"),
        (AnalysisFilter(verdict=Verdict.PASS), "verdict"),
        (AnalysisFilter(status=AnalysisStatus.FAILED), "status"),
    ],
)
async def test_analyses_are_listed_by_an_index(
    session: AsyncSession, explain_last: ExplainLast, which: AnalysisFilter, column: str
) -> None:
    index = f"ix_analyses_team_id_{column}_{'' if column == 'created_at' else 'created_at_'}id"
    await AnalysisRepository(session).list_summaries(which, PageRequest())
    check(await explain_last(), index, *([] if which == AnalysisFilter() else [column]))
    await AnalysisRepository(session).list_summaries(which, LATER)
    check(await explain_last(), index, column, "created_at")


@pytest.mark.parametrize("which", [InteractionFilter(), InteractionFilter(type=InteractionType.CALL)])
async def test_interactions_are_listed_by_an_index(
    session: AsyncSession, explain_last: ExplainLast, which: InteractionFilter
) -> None:
    await InteractionRepository(session).list_summaries(which, LATER)
    kind = "type_" if which.type else ""
    check(await explain_last(), f"ix_interactions_team_id_{kind}created_at_id", "created_at")


@pytest.mark.parametrize("but_agents", [(), (uuid4(),), (uuid4(), uuid4())])
async def test_unread_conversations_are_found_by_an_index(
    session: AsyncSession, explain_last: ExplainLast, but_agents: tuple[UUID, ...]
) -> None:
    await ConversationRepository(session).list_unread(20, but_agents)
    plan = await explain_last()
    assert not any("Sort" in node["Node Type"] or "Seq Scan" in node["Node Type"] for node in plan)
    [scan] = [node for node in plan if node.get("Relation Name") == "conversation"]
    assert scan["Index Name"] == "ix_conversation_unread"
    assert "team_id" in scan["Index Cond"]


async def test_one_row_is_found_by_its_key(session: AsyncSession, explain_last: ExplainLast) -> None:
    await AnalysisRepository(session).find(uuid4())
    # Which of the indexes that hold the id depends on the statistics of the moment.
    assert any("(id = " in str(node.get("Index Cond")) for node in await explain_last())
