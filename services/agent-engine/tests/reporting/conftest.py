import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol
from uuid import UUID

import pytest

from tahoe_engine.models.analysis import Analysis, AnalysisStatus, AuditTrail, CategoryResult, ScorecardRef, Verdict
from tahoe_engine.models.check_specs import PatternCheck
from tahoe_engine.models.finding import Evidence, Finding, Outcome, Severity
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.models.scorecard import (
    AggregationRules,
    BoundCheck,
    BoundRequirement,
    BoundScorecard,
    Category,
    Thresholds,
)
from tahoe_engine.reporting.build import build_view
from tahoe_engine.reporting.redaction import Masker
from tahoe_engine.reporting.view import ReportView

# A support call as the scorer leaves it: every outcome, overlapping evidence, tool calls, personal data.
SAMPLE = Path(__file__).parent / "sample"
PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\b\d(?:[ -]?\d){12,15}\b|\(?\b\d{3}\)?[ -]\d{3}-\d{4}\b")


@pytest.fixture(scope="session")
def interaction() -> Interaction:
    return Interaction.model_validate_json((SAMPLE / "interaction.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def scorecard() -> BoundScorecard:
    return BoundScorecard.model_validate_json((SAMPLE / "scorecard.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def analysis() -> Analysis:
    return Analysis.model_validate_json((SAMPLE / "analysis.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def masker() -> Masker:
    """Stands in for the detector of `scoring`: e-mail addresses, card and phone numbers."""
    return lambda text: PERSONAL.sub(lambda match: "•" * len(match[0]), text)


@pytest.fixture(scope="session")
def view(analysis: Analysis, interaction: Interaction, scorecard: BoundScorecard, masker: Masker) -> ReportView:
    return build_view(analysis, interaction, scorecard, masker)


Quote = tuple[int, int, int]


class MakeCase(Protocol):
    def __call__(
        self, turns: Sequence[tuple[str, str]], quotes: Sequence[Sequence[Quote]] = ()
    ) -> tuple[Analysis, Interaction, BoundScorecard]: ...


@pytest.fixture(scope="session")
def make_case() -> MakeCase:
    """Makes an analysis with one finding a list of quotes, met and not met by turns."""

    def make(
        turns: Sequence[tuple[str, str]], quotes: Sequence[Sequence[Quote]] = ()
    ) -> tuple[Analysis, Interaction, BoundScorecard]:
        interaction = Interaction(
            turns=tuple(
                Turn(role=Role.AGENT if index % 2 else Role.CUSTOMER, speaker=speaker, text=text, spoken=len(text))
                for index, (speaker, text) in enumerate(turns)
            )
        )
        findings = tuple(
            Finding(
                requirement=f"r{number}",
                check="pattern",
                agent="specialist",
                outcome=Outcome.NOT_MET if number % 2 else Outcome.MET,
                severity=Severity.MEDIUM,
                confidence=0.5,
                evidence=tuple(Evidence.of(turn, interaction.turns[turn], start, end) for turn, start, end in places),
                explanation=f"Because of {len(places)}.",
            )
            for number, places in enumerate(quotes, 1)
        )
        return make_analysis(findings), interaction, make_scorecard(len(findings))

    return make


def make_analysis(findings: tuple[Finding, ...]) -> Analysis:
    return Analysis(
        analysis_id=UUID(int=1),
        interaction_id=UUID(int=2),
        scorecard=ScorecardRef(name="card", version=1),
        status=AnalysisStatus.COMPLETE,
        verdict=Verdict.REVIEW,
        overall_score=70.0 if findings else None,
        coverage=1.0 if findings else 0.0,
        categories={"all": CategoryResult(score=70.0 if findings else None, weight=1, findings=findings)},
        violations=(),
        recommendations=(),
        audit_trail=AuditTrail(
            trace_id="t", checks_run=len(findings), not_run={}, template_versions={}, execution_ms=1.0
        ),
    )


def make_scorecard(requirements: int) -> BoundScorecard:
    return BoundScorecard(
        name="card",
        version=1,
        thresholds=Thresholds(),
        aggregation=AggregationRules(),
        categories={"all": Category(title="All")},
        agents={},
        requirements=tuple(
            BoundRequirement(
                id=f"r{number}",
                title=f"Requirement {number}",
                category="all",
                weight=1,
                severity=Severity.MEDIUM,
                required=False,
                applies_when=None,
                checks=(BoundCheck(agent="a", spec=PatternCheck(type="pattern", patterns=("x",))),),
                recommendation="",
            )
            for number in range(1, requirements + 1)
        ),
        template_versions={},
    )


MakeView = Callable[..., ReportView]


@pytest.fixture(scope="session")
def make_view(make_case: MakeCase) -> MakeView:
    def make(
        turns: Sequence[tuple[str, str]], quotes: Sequence[Sequence[Quote]] = (), masker: Masker | None = None
    ) -> ReportView:
        return build_view(*make_case(turns, quotes), masker)

    return make
