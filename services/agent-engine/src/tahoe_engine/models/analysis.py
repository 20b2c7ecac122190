"""One scorecard run over one interaction: the document that every door answers with."""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from tahoe_engine.models.base import StrictModel
from tahoe_engine.models.finding import Evidence, Finding, Severity


class AnalysisStatus(StrEnum):
    """How far an analysis has come."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETE = "complete"
    NEEDS_REVIEW = "needs_review"
    FAILED = "failed"


class Verdict(StrEnum):
    """What the score means."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    REVIEW = "review"
    HIGH_RISK = "high_risk"


class ScorecardRef(StrictModel):
    """The version of a scorecard that was used."""

    name: str
    version: int


class CategoryResult(StrictModel):
    """One category's score, 0 to 100; None when nothing in it was evaluated."""

    score: float | None
    weight: float
    findings: tuple[Finding, ...]


class Violation(StrictModel):
    """A requirement that is not met."""

    requirement: str
    title: str
    category: str
    severity: Severity
    evidence: tuple[Evidence, ...]
    explanation: str


class Recommendation(StrictModel):
    """What to do better, and the requirement that says so."""

    requirement: str
    text: str


class AuditTrail(StrictModel):
    """How the result came about.

    Attributes:
        checks_run: How many checks gave an answer.
        not_run: Requirement → why a check of it was not run.
        template_versions: Specialist → version of its agent template.
    """

    trace_id: str
    checks_run: int
    not_run: Mapping[str, str]
    template_versions: Mapping[str, int]
    execution_ms: float


class ScoredResult(StrictModel):
    """What the scorer says, before it has a place in the database.

    Attributes:
        overall_score: 0 to 100; None when nothing was evaluated.
        coverage: Weight evaluated over weight that applies, 0 to 1.
        confidence: 0 to 1, weighted like the score; None when nothing was evaluated.
    """

    status: AnalysisStatus
    verdict: Verdict
    overall_score: float | None = Field(ge=0, le=100)
    coverage: float = Field(ge=0, le=1)
    confidence: float | None = Field(default=None, ge=0, le=1)
    categories: Mapping[str, CategoryResult]
    violations: tuple[Violation, ...]
    recommendations: tuple[Recommendation, ...]
    audit_trail: AuditTrail


class Analysis(ScoredResult):
    """A stored result."""

    analysis_id: UUID
    interaction_id: UUID
    scorecard: ScorecardRef
