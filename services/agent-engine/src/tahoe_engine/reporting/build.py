"""Makes the view of one analysis: masks, numbers the findings, cuts the transcript where evidence begins and ends."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tahoe_engine.models.analysis import Analysis
from tahoe_engine.models.check_specs import AbsenceCheck, CheckSpec, PersonalDataCheck
from tahoe_engine.models.finding import Evidence, Finding, Outcome, Severity
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.scorecard import BoundRequirement, BoundScorecard
from tahoe_engine.reporting.clock import format_moment, is_named_zone
from tahoe_engine.reporting.evidence import verify_evidence
from tahoe_engine.reporting.highlighting import Highlight
from tahoe_engine.reporting.redaction import Masker, Redactor, Span
from tahoe_engine.reporting.subject import describe_title, list_facts, list_participants
from tahoe_engine.reporting.timeline import Place, build_timeline
from tahoe_engine.reporting.transcript import build_transcript, name_speaker
from tahoe_engine.reporting.verdict_reasons import list_reasons
from tahoe_engine.reporting.view import (
    AuditView,
    CategoryView,
    EvidenceMark,
    FindingView,
    QuoteView,
    ReportView,
    ThresholdsView,
    ViolationView,
)
from tahoe_engine.reporting.visible_text import visible

# A check that finds something in every turn of a long interaction says no more by its hundredth quote.
_MOST_QUOTES = 40
_NOT_MET_WEIGHT = 10
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True)
class _Source:
    """What the view is made of, and what every part of it needs."""

    analysis: Analysis
    interaction: Interaction
    scorecard: BoundScorecard
    redactor: Redactor

    def show(self, text: str) -> str:
        """Masks a text that is not a turn, and makes it visible."""
        return visible(self.redactor.redact(text))

    def find_requirement(self, requirement: str) -> BoundRequirement | None:
        return next((item for item in self.scorecard.requirements if item.id == requirement), None)


@dataclass(frozen=True)
class _Numbered:
    """A finding with its place in the report."""

    number: int
    category: str
    finding: Finding

    def marks(self) -> Iterator[tuple[EvidenceMark, Evidence]]:
        """Yields the evidence that the report shows."""
        for ordinal, evidence in enumerate(self.finding.evidence[:_MOST_QUOTES], 1):
            yield EvidenceMark(finding=self.number, ordinal=ordinal), evidence


def build_view(
    analysis: Analysis, interaction: Interaction, scorecard: BoundScorecard, masker: Masker | None
) -> ReportView:
    """Builds what a report shows.

    Args:
        analysis: The result.
        interaction: The version of the interaction that was analysed.
        scorecard: The version of the scorecard that was used: titles and thresholds come from it.
        masker: Masks personal data, character by character; None shows it.

    Raises:
        ConflictError: A quote does not stand where the analysis says it does.
    """
    verify_evidence(analysis, interaction)
    redactor = Redactor(masker, interaction.turns, _list_known_personal_data(analysis, scorecard))
    source = _Source(analysis, interaction, scorecard, redactor)
    numbered = _number_findings(analysis)
    findings = {item.number: _view_finding(source, item) for item in numbered}
    violations, advice = _view_violations(source, numbered)
    return ReportView(
        title=source.show(describe_title(interaction, analysis.interaction_id)),
        type=interaction.type,
        language=interaction.language or "",
        occurred_at=interaction.occurred_at,
        occurred=_name_moment(interaction),
        time_zone=_name_zone(interaction),
        participants=tuple(source.show(name) for name in list_participants(interaction)),
        scorecard=analysis.scorecard.name,
        scorecard_version=analysis.scorecard.version,
        status=analysis.status,
        verdict=analysis.verdict,
        reasons=list_reasons(analysis, scorecard),
        score=analysis.overall_score,
        coverage=analysis.coverage,
        confidence=analysis.confidence,
        thresholds=_view_thresholds(scorecard),
        categories=_view_categories(source, tuple(findings.values())),
        violations=violations,
        advice=advice,
        not_evaluated=_with_outcome(findings.values(), Outcome.NOT_RUN),
        not_applicable=_with_outcome(findings.values(), Outcome.NOT_APPLICABLE),
        timeline=build_timeline(interaction, _list_places(numbered)),
        transcript=build_transcript(interaction, redactor, _list_highlights(numbered)),
        turn_count=len(interaction.turns),
        facts=tuple((source.show(name), source.show(value)) for name, value in list_facts(interaction)),
        audit=_view_audit(analysis),
        masked=redactor.masks,
    )


def _name_moment(interaction: Interaction) -> str:
    return format_moment(interaction.occurred_at, interaction.time_zone) if interaction.occurred_at else ""


def _name_zone(interaction: Interaction) -> str:
    return visible(interaction.time_zone or "") if is_named_zone(interaction.time_zone) else ""


def _list_places(numbered: Sequence[_Numbered]) -> list[Place]:
    return [Place(mark, evidence.turn) for item in numbered for mark, evidence in item.marks()]


def _list_known_personal_data(analysis: Analysis, scorecard: BoundScorecard) -> Mapping[int, list[Span]]:
    """Lists what checks found to be personal data: their rules may know more than the masker's."""
    looking = {
        (requirement.id, check.spec.type)
        for requirement in scorecard.requirements
        for check in requirement.checks
        if _looks_for_personal_data(check.spec)
    }
    known: dict[int, list[Span]] = defaultdict(list)
    for category in analysis.categories.values():
        for finding in category.findings:
            if (finding.requirement, finding.check) in looking:
                for evidence in finding.evidence:
                    known[evidence.turn].append((evidence.start, evidence.end))
    return known


def _looks_for_personal_data(spec: CheckSpec) -> bool:
    return isinstance(spec.of if isinstance(spec, AbsenceCheck) else spec, PersonalDataCheck)


def _number_findings(analysis: Analysis) -> list[_Numbered]:
    """Numbers the findings from 1: those evaluated by category, then those not run, then those that do not apply."""
    ranks = {Outcome.NOT_RUN: 1, Outcome.NOT_APPLICABLE: 2}
    pairs = [(name, finding) for name, category in analysis.categories.items() for finding in category.findings]
    pairs.sort(key=lambda pair: ranks.get(pair[1].outcome, 0))
    return [_Numbered(number, category, finding) for number, (category, finding) in enumerate(pairs, 1)]


def _view_finding(source: _Source, item: _Numbered) -> FindingView:
    finding = item.finding
    requirement = source.find_requirement(finding.requirement)
    explanation = finding.explanation
    if finding.outcome is Outcome.NOT_RUN:
        explanation = explanation or source.analysis.audit_trail.not_run.get(finding.requirement, "")
    quotes = tuple(
        QuoteView(
            mark=mark,
            turn=evidence.turn,
            speaker=source.show(name_speaker(source.interaction.turns[evidence.turn])),
            text=visible(source.redactor.turns[evidence.turn][evidence.start : evidence.end]),
        )
        for mark, evidence in item.marks()
    )
    return FindingView(
        number=item.number,
        requirement=finding.requirement,
        title=requirement.title if requirement else finding.requirement,
        category=_name_category(source, item.category),
        check=finding.check,
        agent=finding.agent,
        outcome=finding.outcome,
        severity=finding.severity,
        confidence=finding.confidence,
        required=bool(requirement and requirement.required),
        explanation=source.show(explanation),
        quotes=quotes,
        more_quotes=len(finding.evidence) - len(quotes),
    )


def _view_categories(source: _Source, findings: Sequence[FindingView]) -> tuple[CategoryView, ...]:
    categories = source.analysis.categories
    total = sum(category.weight for category in categories.values())
    views = []
    for name, category in categories.items():
        title = _name_category(source, name)
        own = [finding for finding in findings if finding.category == title]
        views.append(
            CategoryView(
                title=title,
                score=category.score,
                share=category.weight / total if total else 0.0,
                findings=tuple(item for item in own if item.outcome in {Outcome.MET, Outcome.NOT_MET}),
                not_evaluated=sum(item.outcome is Outcome.NOT_RUN for item in own),
            )
        )
    return tuple(views)


def _view_violations(
    source: _Source, numbered: Sequence[_Numbered]
) -> tuple[tuple[ViolationView, ...], tuple[str, ...]]:
    """Puts each recommendation beside its violation, the worst first; those without one are further advice."""
    advice: dict[str, list[str]] = defaultdict(list)
    for recommendation in source.analysis.recommendations:
        advice[recommendation.requirement].append(recommendation.text)
    numbers: dict[str, int] = {}
    for item in numbered:
        if item.finding.outcome is Outcome.NOT_MET:
            numbers.setdefault(item.finding.requirement, item.number)
    ranked = sorted(source.analysis.violations, key=lambda item: -_SEVERITIES.index(item.severity))
    violations = tuple(
        ViolationView(
            title=source.show(violation.title),
            category=_name_category(source, violation.category),
            severity=violation.severity,
            explanation=source.show(violation.explanation),
            recommendation=source.show(" ".join(advice.pop(violation.requirement, ()))),
            finding=numbers.get(violation.requirement),
        )
        for violation in ranked
    )
    return violations, tuple(source.show(text) for texts in advice.values() for text in texts)


def _list_highlights(numbered: Sequence[_Numbered]) -> Mapping[int, list[Highlight]]:
    """Lists what each turn's text is quoted for; what is not met weighs more than what is."""
    highlights: dict[int, list[Highlight]] = defaultdict(list)
    for item in numbered:
        weight = _SEVERITIES.index(item.finding.severity)
        if item.finding.outcome is Outcome.NOT_MET:
            weight += _NOT_MET_WEIGHT
        for mark, evidence in item.marks():
            highlights[evidence.turn].append(Highlight(mark, evidence.start, evidence.end, weight))
    return highlights


def _view_thresholds(scorecard: BoundScorecard) -> ThresholdsView:
    limits = scorecard.thresholds
    return ThresholdsView(pass_from=limits.pass_, review_from=limits.review, min_coverage=limits.min_coverage)


def _view_audit(analysis: Analysis) -> AuditView:
    trail = analysis.audit_trail
    findings = [finding for category in analysis.categories.values() for finding in category.findings]
    return AuditView(
        trace_id=visible(trail.trace_id),
        analysis_id=str(analysis.analysis_id),
        interaction_id=str(analysis.interaction_id),
        checks_run=trail.checks_run,
        checks_not_run=sum(finding.outcome is Outcome.NOT_RUN for finding in findings),
        execution_ms=trail.execution_ms,
        template_versions=tuple(trail.template_versions.items()),
    )


def _name_category(source: _Source, name: str) -> str:
    category = source.scorecard.categories.get(name)
    return category.title if category and category.title else name.replace("_", " ").replace("-", " ").capitalize()


def _with_outcome(findings: Iterable[FindingView], outcome: Outcome) -> tuple[FindingView, ...]:
    return tuple(finding for finding in findings if finding.outcome is outcome)
