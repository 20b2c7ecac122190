"""Says why a verdict is another than the score alone would give."""

from collections.abc import Iterator

from tahoe_engine.models.analysis import AnalysisStatus, ScoredResult, Verdict
from tahoe_engine.models.finding import Outcome, Severity
from tahoe_engine.models.scorecard import BoundScorecard
from tahoe_engine.reporting.figures import format_percent, format_score


def list_reasons(result: ScoredResult, scorecard: BoundScorecard) -> tuple[str, ...]:
    """Lists them as whole sentences; empty when the score explains the verdict."""
    return tuple(_reasons(result, scorecard))


def _reasons(result: ScoredResult, scorecard: BoundScorecard) -> Iterator[str]:
    if result.status is AnalysisStatus.FAILED:
        yield "The analysis failed; what is shown is what was found before it did."
    if result.overall_score is None:
        yield "Nothing could be evaluated, so there is no score."
        return
    yield from _cap(result, scorecard, result.overall_score)
    if result.verdict is not Verdict.REVIEW or result.overall_score < scorecard.thresholds.pass_:
        return
    if result.coverage < scorecard.thresholds.min_coverage:
        yield (
            f"The score would pass, but only {format_percent(result.coverage)} of what applies was evaluated; "
            f"a pass needs {format_percent(scorecard.thresholds.min_coverage)}."
        )
    not_run = {
        finding.requirement
        for category in result.categories.values()
        for finding in category.findings
        if finding.outcome is Outcome.NOT_RUN
    }
    for requirement in scorecard.requirements:
        if requirement.required and requirement.id in not_run:
            yield f"“{requirement.title}” is required and was not evaluated."


def _cap(result: ScoredResult, scorecard: BoundScorecard, score: float) -> Iterator[str]:
    """Says that a violation holds the score down, where the score stands exactly at a cap."""
    violated = {violation.severity for violation in result.violations}
    for severity in reversed(Severity):
        if severity in violated and scorecard.aggregation.caps.get(severity) == score:
            yield f"A {severity.value} violation caps the score at {format_score(score)}."
            return
