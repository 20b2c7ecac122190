from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from tahoe_core.db.base import TeamEntity
from tahoe_engine.db.base import Base
from tahoe_engine.db.models.columns import json_array, json_object, one_of, within_team
from tahoe_engine.models.analysis import AnalysisStatus, Verdict


class AnalysisORM(TeamEntity, Base):
    """One scorecard run over one interaction.

    Attributes:
        scorecard_name: As in the scorecard's row, which never changes; here so that lists need no join.
        overall_score: 0 to 100; None when nothing was evaluated.
        results: The categories with their findings, in the scorecard's order.
        agent_outputs: Specialist → version of its template, and how many of its findings came out how.
        metadata_json: What else the audit trail says, and the rules that the score was made by.
    """

    __tablename__ = "analyses"
    __table_args__ = (
        within_team("interaction_id", "interactions"),
        within_team("portfolio_id", "portfolios"),
        within_team("scorecard_id", "scorecards"),
        Index(None, "team_id", "created_at", "id"),
        Index(None, "team_id", "interaction_id", "created_at", "id"),
        Index(None, "team_id", "scorecard_name", "created_at", "id"),
        Index(None, "team_id", "verdict", "created_at", "id"),
        Index(None, "team_id", "status", "created_at", "id"),
        one_of("status", AnalysisStatus),
        one_of("verdict", Verdict),
        CheckConstraint("overall_score BETWEEN 0 AND 100", name="overall_score"),
        CheckConstraint("coverage BETWEEN 0 AND 1", name="coverage"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    )

    interaction_id: Mapped[UUID]
    portfolio_id: Mapped[UUID]
    scorecard_id: Mapped[UUID]
    scorecard_name: Mapped[str]
    scorecard_version: Mapped[int]
    status: Mapped[str]
    overall_score: Mapped[float | None]
    coverage: Mapped[float | None]
    confidence: Mapped[float | None]
    verdict: Mapped[str | None]
    results: Mapped[list[object]] = json_array()
    agent_outputs: Mapped[dict[str, object]] = json_object()
    violations: Mapped[list[object]] = json_array()
    recommendations: Mapped[list[object]] = json_array()
    metadata_json: Mapped[dict[str, object]] = json_object("metadata")
    execution_ms: Mapped[float | None]
    trace_id: Mapped[str | None]
    completed_at: Mapped[datetime | None]
