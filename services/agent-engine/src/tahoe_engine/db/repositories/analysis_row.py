"""How an analysis becomes a row, and a row an analysis again."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from tahoe_core.db.storable import to_json_text
from tahoe_engine.db.models.analysis import AnalysisORM
from tahoe_engine.models.analysis import Analysis, ScorecardRef, ScoredResult
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.models.stored import AnalysisSummary


@dataclass(frozen=True, slots=True)
class NewAnalysis:
    """A result that is to be stored.

    Attributes:
        scorecard: A stored one; its effective rules are kept with the analysis, since its portfolio may change them.
    """

    interaction_id: UUID
    scorecard: BoundScorecard
    result: ScoredResult


def to_row(new: NewAnalysis) -> dict[str, Any]:
    """Returns the columns that the database does not fill by itself, a new id among them; JSON columns as JSON text.

    Raises:
        ValueError: The scorecard is none that is stored.
    """
    result, scorecard = new.result, new.scorecard
    if scorecard.id is None or scorecard.portfolio_id is None:
        raise ValueError("an analysis can be stored only for a scorecard that is stored")
    trail = result.audit_trail
    return {
        "id": uuid4(),
        "interaction_id": new.interaction_id,
        "portfolio_id": scorecard.portfolio_id,
        "scorecard_id": scorecard.id,
        "scorecard_name": scorecard.name,
        "scorecard_version": scorecard.version,
        "status": result.status.value,
        "overall_score": result.overall_score,
        "coverage": result.coverage,
        "confidence": result.confidence,
        "verdict": result.verdict.value,
        "results": to_json_text(
            [
                {"name": name, "score": category.score, "weight": category.weight, "findings": category.findings}
                for name, category in result.categories.items()
            ]
        ),
        "agent_outputs": to_json_text(_count_outcomes(result)),
        "violations": to_json_text(result.violations),
        "recommendations": to_json_text(result.recommendations),
        "metadata": to_json_text(
            {
                "checks_run": trail.checks_run,
                "not_run": trail.not_run,
                "thresholds": scorecard.thresholds,
                "aggregation": scorecard.aggregation,
            }
        ),
        "execution_ms": trail.execution_ms,
        "trace_id": trail.trace_id,
    }


def to_analysis(row: AnalysisORM) -> Analysis:
    """Returns the document as it was stored."""
    metadata: dict[str, Any] = row.metadata_json
    outputs: dict[str, Any] = row.agent_outputs
    results: list[Any] = row.results
    return Analysis.model_validate(
        {
            "analysis_id": row.id,
            "interaction_id": row.interaction_id,
            "scorecard": {"name": row.scorecard_name, "version": row.scorecard_version},
            "status": row.status,
            "verdict": row.verdict,
            "overall_score": row.overall_score,
            "coverage": row.coverage,
            "confidence": row.confidence,
            "categories": {
                category["name"]: {key: value for key, value in category.items() if key != "name"}
                for category in results
            },
            "violations": row.violations,
            "recommendations": row.recommendations,
            "audit_trail": {
                "trace_id": row.trace_id,
                "checks_run": metadata["checks_run"],
                "not_run": dict(sorted(metadata["not_run"].items())),
                "template_versions": {agent: output["template_version"] for agent, output in sorted(outputs.items())},
                "execution_ms": row.execution_ms,
            },
        }
    )


def to_document(new: NewAnalysis, analysis_id: UUID) -> Analysis:
    """Returns the document of what was just stored."""
    return Analysis(
        analysis_id=analysis_id,
        interaction_id=new.interaction_id,
        scorecard=ScorecardRef(name=new.scorecard.name, version=new.scorecard.version),
        **{name: getattr(new.result, name) for name in ScoredResult.model_fields},
    )


def to_summary(row: Any) -> AnalysisSummary:  # noqa: ANN401 - a row with the columns of SUMMARY_COLUMNS
    """Returns what lists show."""
    return AnalysisSummary(
        analysis_id=row.id,
        interaction_id=row.interaction_id,
        scorecard=ScorecardRef(name=row.scorecard_name, version=row.scorecard_version),
        status=row.status,
        verdict=row.verdict,
        overall_score=row.overall_score,
        coverage=row.coverage,
        confidence=row.confidence,
        created_at=row.created_at,
        completed_at=row.completed_at,
    )


def _count_outcomes(result: ScoredResult) -> dict[str, dict[str, int]]:
    outputs: dict[str, dict[str, int]] = {
        agent: {"template_version": version} | dict.fromkeys(Outcome, 0)
        for agent, version in result.audit_trail.template_versions.items()
    }
    for category in result.categories.values():
        for finding in category.findings:
            if finding.agent in outputs:
                outputs[finding.agent][finding.outcome] += 1
    return outputs
