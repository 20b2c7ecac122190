from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tahoe_engine.catalog.scorecards import ScorecardCatalog
from tahoe_engine.models.analysis import AnalysisStatus, AuditTrail, CategoryResult, ScoredResult, Verdict, Violation
from tahoe_engine.models.finding import Evidence, Finding, Outcome, Severity
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.scorecard import BoundScorecard, ScorecardDefinition


@pytest.fixture(scope="session")
def make_interaction() -> Callable[..., Interaction]:
    """Makes an interaction of these words; keywords set its other fields."""

    def make(*texts: str, **fields: Any) -> Interaction:  # noqa: ANN401 - whatever an interaction takes
        turns = [
            {"role": "agent" if number % 2 else "customer", "speaker": "somebody", "text": text, "spoken": len(text)}
            for number, text in enumerate(texts or ("hello",))
        ]
        return Interaction.model_validate({"turns": turns, **fields})

    return make


@pytest.fixture
async def scorecard(session: AsyncSession, definition: ScorecardDefinition) -> BoundScorecard:
    return (await ScorecardCatalog(session).apply(definition)).bound


@pytest.fixture(scope="session")
def make_result() -> Callable[..., ScoredResult]:
    """Makes a result; keywords set its other fields."""

    def make(**fields: Any) -> ScoredResult:  # noqa: ANN401 - whatever a result takes
        evidence = (Evidence(turn=0, start=0, end=5, quote="hello"),)
        finding = Finding(
            requirement="greeting",
            check="pattern",
            agent="support.opening",
            outcome=Outcome.MET,
            severity=Severity.LOW,
            confidence=0.7,
            evidence=evidence,
            explanation="It stands there 👋.",
        )
        result = ScoredResult(
            status=AnalysisStatus.COMPLETE,
            verdict=Verdict.PASS,
            overall_score=66.67,
            coverage=0.1 + 0.2,
            confidence=0.9,
            categories={
                "opening": CategoryResult(score=66.67, weight=2, findings=(finding,)),
                "closing": CategoryResult(score=None, weight=1, findings=()),
            },
            violations=(
                Violation(
                    requirement="farewell",
                    title="Says goodbye",
                    category="closing",
                    severity=Severity.HIGH,
                    evidence=(),
                    explanation="Nowhere.",
                ),
            ),
            recommendations=(),
            audit_trail=AuditTrail(
                trace_id=uuid4().hex,
                checks_run=1,
                not_run={"farewell": "no model"},
                template_versions={"support.opening": 1, "support.closing": 1},
                execution_ms=1.25,
            ),
        )
        return result.model_copy(update=fields)

    return make
