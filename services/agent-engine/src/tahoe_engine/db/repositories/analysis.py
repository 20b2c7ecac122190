"""Queries of `analyses`; what comes in goes in by one statement, however many there are."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnExpressionArgument, Insert, bindparam, cast, column, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tahoe_core.db.page import Page, PageRequest
from tahoe_core.db.repository import BaseRepository
from tahoe_engine.db.models.analysis import AnalysisORM
from tahoe_engine.db.repositories.analysis_row import NewAnalysis, to_analysis, to_document, to_row, to_summary
from tahoe_engine.models.analysis import Analysis
from tahoe_engine.models.stored import AnalysisFilter, AnalysisSummary

_TABLE = AnalysisORM.metadata.tables[AnalysisORM.__tablename__]
_COLUMNS = (
    "id",
    "interaction_id",
    "portfolio_id",
    "scorecard_id",
    "scorecard_name",
    "scorecard_version",
    "status",
    "overall_score",
    "coverage",
    "confidence",
    "verdict",
    "results",
    "agent_outputs",
    "violations",
    "recommendations",
    "metadata",
    "execution_ms",
    "trace_id",
)


class AnalysisRepository(BaseRepository[AnalysisORM]):
    """Queries of `analyses`."""

    model = AnalysisORM
    noun = "analysis"

    async def insert_many(self, analyses: Sequence[NewAnalysis]) -> list[Analysis]:
        """Writes finished analyses and returns their documents, in the order of the input.

        Raises:
            InvalidInputError: An interaction or a scorecard is none of this team's.
        """
        if not analyses:
            return []
        rows = [to_row(new) for new in analyses]
        arrays = {name: [row[name] for row in rows] for name in _COLUMNS}
        await self.session.execute(_INSERT, {"team": self.team_id, **arrays})
        return [to_document(new, row["id"]) for new, row in zip(analyses, rows, strict=True)]

    async def get_document(self, analysis_id: UUID) -> Analysis:
        """Returns an analysis as it was stored.

        Raises:
            NotFoundError: There is none, or it is another team's.
        """
        return to_analysis(await self.get(analysis_id))

    async def list_summaries(self, which: AnalysisFilter, request: PageRequest) -> Page[AnalysisSummary]:
        """Lists what fits, newest first, without the findings."""
        query = select(*_SUMMARY_COLUMNS).where(self.model.team_id == self.team_id, *_conditions(which))
        return (await self.page_of(query, request)).map(to_summary)


_SUMMARY_COLUMNS = (
    AnalysisORM.id,
    AnalysisORM.interaction_id,
    AnalysisORM.scorecard_name,
    AnalysisORM.scorecard_version,
    AnalysisORM.status,
    AnalysisORM.verdict,
    AnalysisORM.overall_score,
    AnalysisORM.coverage,
    AnalysisORM.confidence,
    AnalysisORM.created_at,
    AnalysisORM.completed_at,
)


def _conditions(which: AnalysisFilter) -> list[ColumnExpressionArgument[bool]]:
    row = AnalysisORM
    wanted = {
        row.interaction_id: which.interaction_id,
        row.scorecard_name: which.scorecard,
        row.scorecard_version: which.scorecard_version,
        row.verdict: which.verdict,
        row.status: which.status,
    }
    conditions: list[ColumnExpressionArgument[bool]] = [
        attribute == value for attribute, value in wanted.items() if value is not None
    ]
    if which.created_from is not None:
        conditions.append(row.created_at >= which.created_from)
    if which.created_before is not None:
        conditions.append(row.created_at < which.created_before)
    return conditions


def _insert_statement() -> Insert:
    """One array a column: the statement stays the same for any number of rows, so that it is prepared once."""
    table = _TABLE
    # JSON travels as text and becomes jsonb in the database: an array of jsonb would be serialized twice.
    kinds = {name: AnalysisORM.scorecard_name.type if _is_json(name) else table.c[name].type for name in _COLUMNS}
    arrays = [bindparam(name, type_=ARRAY(kind)) for name, kind in kinds.items()]
    columns = [column(name, kind) for name, kind in kinds.items()]
    batch = func.unnest(*arrays).table_valued(*columns, with_ordinality="place").render_derived()
    # One look at the clock a row, or it would be finished before it began.
    timed = select(*batch.c, func.clock_timestamp().label("now")).subquery()
    values: list[Any] = [cast(timed.c[name], JSONB) if _is_json(name) else timed.c[name] for name in _COLUMNS]
    team = bindparam("team", type_=AnalysisORM.team_id.type)
    rows = select(team, timed.c.now, timed.c.now, timed.c.now, *values).order_by(timed.c.place)
    return insert(_TABLE).from_select(["team_id", "created_at", "updated_at", "completed_at", *_COLUMNS], rows)


def _is_json(name: str) -> bool:
    return isinstance(_TABLE.c[name].type, JSONB)


_INSERT = _insert_statement()
