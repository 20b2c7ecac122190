"""From findings to a score and a verdict: the one place where it is decided.

**A requirement** has the findings of its checks. Findings that do not apply are left out; without any other the
requirement does not apply. Findings that were not run are left out too, but counted: without any other the requirement
was not run. What remains is met (1) or not met (0), and where checks disagree the scorecard's conflict rule decides:

- `lowest`: not met as soon as one check says so;
- `highest`: met as soon as one check says so;
- `weighted`: the mean of 1 and 0, weighted by agent weight times confidence. That mean is its value; above
  one half the requirement is met, at one half or below it is not.

**A category's score** is 100 times the mean value of its evaluated requirements, weighted by their weights.
**The overall score** is the mean of the categories' scores, weighted by the categories' weights, over the categories in
which anything was evaluated. Then the caps: for each severity of which a requirement is not met, the score is at most
its cap.

**Coverage** is the weight that was evaluated over the weight that applies, built like the score: each category counts
with its weight, each applicable requirement with its share of its category, and of a requirement with several checks
only the share (by agent weight) of those that were run. It is 0 when nothing applies.

Example: category A (weight 3) has requirements a1 (weight 1, met) and a2 (weight 3, not met); category B (weight 1) has
b1 (weight 1, met) and b2 (weight 1, not run).

- score of A = 100 (1*1 + 3*0) / (1 + 3) = 25; score of B = 100 * 1 / 1 = 100, since b2 was not evaluated
- overall = (3*25 + 1*100) / (3 + 1) = 43.75; if a2 is critical and critical is capped at 40: 40
- coverage = (3*1 + 1*(1/2)) / (3 + 1) = 0.875

Leaving out what was not run neither raises nor lowers the score, and always shows in the coverage.

**Confidence** is averaged like the score, over the confidences of the requirements. Under `lowest`, not met is as sure
as the surest check that says so, and met as sure as the least sure check, since all have to hold; under `highest` the
other way round; under `weighted` it is the mean by agent weight.

**The verdict** compares the score as it is shown, rounded to two decimals, with the thresholds: pass, review, or else
high_risk. A pass becomes a review when the evaluation is incomplete: coverage is below the minimum, a required
requirement could still come out otherwise if all its checks were run, or a check of a required specialist was not run.
Without a score the verdict is review. The status is needs_review when the verdict is review or the evaluation is
incomplete, otherwise complete: a high risk that rests on half the evidence is still to be looked at.

Sums are exact (`math.fsum`) and numbers are rounded only when they leave this module: scores to two decimals, coverage
and confidence to four.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Literal

from tahoe_engine.models.analysis import AnalysisStatus, CategoryResult, Recommendation, Verdict, Violation
from tahoe_engine.models.finding import Evidence, Finding, Outcome, Severity
from tahoe_engine.models.scorecard import BoundRequirement, BoundScorecard, ScorecardAgent, Thresholds
from tahoe_engine.scoring.evidence import MAX_EVIDENCE

type Conflict = Literal["lowest", "highest", "weighted"]

_ANSWERS = {Outcome.MET: 1.0, Outcome.NOT_MET: 0.0}
_BADNESS = {severity: rank for rank, severity in enumerate(Severity)}
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class JudgedRequirement:
    """What the findings of one requirement come to.

    Attributes:
        value: 1 met, 0 not met, between under the conflict rule `weighted`; None when nothing was evaluated.
        confidence: 0 to 1; None when nothing was evaluated.
        evaluated: Share of its checks that were run, by agent weight; 0 to 1.
        is_decided: Whether checks that were not run could not change the outcome.
    """

    requirement: BoundRequirement
    findings: tuple[Finding, ...]
    outcome: Outcome
    value: float | None
    confidence: float | None
    evaluated: float
    is_decided: bool


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A scored result without its audit trail."""

    status: AnalysisStatus
    verdict: Verdict
    overall_score: float | None
    coverage: float
    confidence: float | None
    categories: Mapping[str, CategoryResult]
    violations: tuple[Violation, ...]
    recommendations: tuple[Recommendation, ...]


def judge_requirement(
    requirement: BoundRequirement,
    findings: Sequence[Finding],
    agents: Mapping[str, ScorecardAgent],
    conflict: Conflict,
) -> JudgedRequirement:
    """Settles what the checks of a requirement say together."""
    weights = [agents[finding.agent].weight for finding in findings]
    answered = [(f, w) for f, w in zip(findings, weights, strict=True) if f.outcome in _ANSWERS]
    not_run = [w for f, w in zip(findings, weights, strict=True) if f.outcome is Outcome.NOT_RUN]
    if not answered:
        outcome = Outcome.NOT_RUN if not_run else Outcome.NOT_APPLICABLE
        return JudgedRequirement(requirement, tuple(findings), outcome, None, None, 0.0, not not_run)
    value, confidence = _settle(answered, conflict)
    evaluated = fsum(weight for _, weight in answered)
    return JudgedRequirement(
        requirement=requirement,
        findings=tuple(findings),
        outcome=Outcome.MET if value > _HALF else Outcome.NOT_MET,
        value=value,
        confidence=confidence,
        evaluated=evaluated / fsum((evaluated, *not_run)),
        is_decided=not not_run or (conflict == "lowest" and value == 0) or (conflict == "highest" and value == 1),
    )


def _settle(answered: Sequence[tuple[Finding, float]], conflict: Conflict) -> tuple[float, float]:
    """Returns value and confidence of the findings that gave an answer."""
    votes = [(_ANSWERS[finding.outcome], _confidence(finding), weight) for finding, weight in answered]
    if conflict == "weighted":
        confidence = _mean([(sure, weight) for _, sure, weight in votes])
        by_confidence = [(vote, weight * sure) for vote, sure, weight in votes]
        if confidence == 0:  # nobody is sure of anything: the agents' weights alone
            by_confidence = [(vote, weight) for vote, _, weight in votes]
        return _mean(by_confidence), confidence
    decisive = 0.0 if conflict == "lowest" else 1.0
    deciding = [sure for vote, sure, _ in votes if vote == decisive]
    if deciding:
        return decisive, max(deciding)
    return 1.0 - decisive, min(sure for _, sure, _ in votes)


def _confidence(finding: Finding) -> float:
    return 1.0 if finding.confidence is None else finding.confidence


def aggregate(scorecard: BoundScorecard, judged: Sequence[JudgedRequirement]) -> Aggregate:
    """Makes score, coverage and verdict of the requirements, which come in the scorecard's order."""
    by_category = {
        name: [item for item in judged if item.requirement.category == name] for name in scorecard.categories
    }
    scores = {name: _category_mean(items, lambda item: item.value) for name, items in by_category.items()}
    overall = _overall(scorecard, scores)
    score = None if overall is None else round(min(100 * overall, _cap(scorecard, judged)), 2)
    confidences = {name: _category_mean(items, lambda item: item.confidence) for name, items in by_category.items()}
    confidence = _overall(scorecard, confidences)
    coverage = round(_coverage(scorecard, by_category), 4)
    incomplete = _is_incomplete(scorecard, judged, coverage)
    verdict = _verdict(score, incomplete, scorecard.thresholds)
    violated = _worst_first(scorecard, by_category)
    return Aggregate(
        status=AnalysisStatus.NEEDS_REVIEW if incomplete or verdict is Verdict.REVIEW else AnalysisStatus.COMPLETE,
        verdict=verdict,
        overall_score=score,
        coverage=coverage,
        confidence=None if confidence is None else round(confidence, 4),
        categories={
            name: CategoryResult(
                score=None if mean is None else round(100 * mean, 2),
                weight=scorecard.categories[name].weight,
                findings=tuple(finding for item in by_category[name] for finding in item.findings),
            )
            for name, mean in scores.items()
        },
        violations=tuple(_violation(item) for item in violated),
        recommendations=_recommendations(violated),
    )


def _category_mean(
    items: Sequence[JudgedRequirement], number: Callable[[JudgedRequirement], float | None]
) -> float | None:
    numbers = [(value, item.requirement.weight) for item in items if (value := number(item)) is not None]
    return _mean(numbers) if numbers else None


def _overall(scorecard: BoundScorecard, means: Mapping[str, float | None]) -> float | None:
    numbers = [(mean, scorecard.categories[name].weight) for name, mean in means.items() if mean is not None]
    return _mean(numbers) if numbers else None


def _mean(numbers: Sequence[tuple[float, float]]) -> float:
    """Returns the mean of (number, weight)."""
    return fsum(number * weight for number, weight in numbers) / fsum(weight for _, weight in numbers)


def _cap(scorecard: BoundScorecard, judged: Sequence[JudgedRequirement]) -> float:
    violated = {item.requirement.severity for item in judged if item.outcome is Outcome.NOT_MET}
    return min((cap for severity, cap in scorecard.aggregation.caps.items() if severity in violated), default=100.0)


def _coverage(scorecard: BoundScorecard, by_category: Mapping[str, Sequence[JudgedRequirement]]) -> float:
    shares = []
    for name, items in by_category.items():
        applicable = [item for item in items if item.outcome is not Outcome.NOT_APPLICABLE]
        if applicable:
            share = _mean([(item.evaluated, item.requirement.weight) for item in applicable])
            shares.append((share, scorecard.categories[name].weight))
    return _mean(shares) if shares else 0.0


def _is_incomplete(scorecard: BoundScorecard, judged: Sequence[JudgedRequirement], coverage: float) -> bool:
    required = {name for name, agent in scorecard.agents.items() if agent.is_required}
    return (
        coverage < scorecard.thresholds.min_coverage
        or any(item.requirement.required and not item.is_decided for item in judged)
        or any(f.outcome is Outcome.NOT_RUN and f.agent in required for item in judged for f in item.findings)
    )


def _verdict(score: float | None, incomplete: bool, thresholds: Thresholds) -> Verdict:
    if score is None:
        return Verdict.REVIEW
    if score < thresholds.review:
        return Verdict.HIGH_RISK
    return Verdict.REVIEW if incomplete or score < thresholds.pass_ else Verdict.PASS


def _worst_first(
    scorecard: BoundScorecard, by_category: Mapping[str, Sequence[JudgedRequirement]]
) -> list[JudgedRequirement]:
    """Sorts what is not met by severity, then by its share of the overall score, then as the scorecard has it."""
    ranked = []
    for name, items in by_category.items():
        applicable = fsum(item.requirement.weight for item in items if item.outcome is not Outcome.NOT_APPLICABLE)
        for item in items:
            if item.outcome is Outcome.NOT_MET:
                share = scorecard.categories[name].weight * item.requirement.weight / applicable
                ranked.append((-_BADNESS[item.requirement.severity], -share, item))
    return [item for _, _, item in sorted(ranked, key=lambda entry: entry[:2])]


def _violation(item: JudgedRequirement) -> Violation:
    against = [finding for finding in item.findings if finding.outcome is Outcome.NOT_MET]
    places: dict[tuple[int, int, int], Evidence] = {}
    for finding in against:
        for evidence in finding.evidence:
            places.setdefault((evidence.turn, evidence.start, evidence.end), evidence)
    return Violation(
        requirement=item.requirement.id,
        title=item.requirement.title,
        category=item.requirement.category,
        severity=item.requirement.severity,
        evidence=tuple(places.values())[:MAX_EVIDENCE],
        explanation=" ".join(dict.fromkeys(finding.explanation for finding in against)),
    )


def _recommendations(violated: Sequence[JudgedRequirement]) -> tuple[Recommendation, ...]:
    texts: dict[str, str] = {}
    for item in violated:
        if item.requirement.recommendation:
            texts.setdefault(item.requirement.recommendation, item.requirement.id)
    return tuple(Recommendation(requirement=requirement, text=text) for text, requirement in texts.items())
