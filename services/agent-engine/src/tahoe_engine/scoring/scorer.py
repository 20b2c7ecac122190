"""One scorecard over one interaction."""

import logging
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from uuid import uuid4

from tahoe_engine.models.analysis import AuditTrail, ScoredResult
from tahoe_engine.models.finding import CheckResult, Finding, Outcome
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.models.scorecard import BoundCheck, BoundRequirement, BoundScorecard
from tahoe_engine.scoring.aggregation import JudgedRequirement, aggregate, judge_requirement
from tahoe_engine.scoring.check import Check, CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.registry import compile_check
from tahoe_engine.scoring.conditions import Answer, CompiledCondition, Outcomes, compile_condition
from tahoe_engine.scoring.dependencies import in_order

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _CompiledRequirement:
    requirement: BoundRequirement
    condition: CompiledCondition | None
    checks: tuple[tuple[BoundCheck, Check], ...]


class Scorer:
    """Scores interactions against one scorecard; it is compiled once and then holds nothing of what it scores.

    Args:
        scorecard: A scorecard that passed `validate_definition`.
        kit: What its checks may use.
    """

    def __init__(self, scorecard: BoundScorecard, kit: CheckKit) -> None:
        self._scorecard = scorecard
        self._requirements = [
            _CompiledRequirement(
                requirement=requirement,
                condition=compile_condition(requirement.applies_when, kit) if requirement.applies_when else None,
                checks=tuple((check, compile_check(check.spec, kit)) for check in requirement.checks),
            )
            for requirement in in_order(scorecard.requirements)
        ]

    def score(self, interaction: Interaction, trace_id: str | None = None) -> ScoredResult:
        """Judges every requirement and adds up.

        A check that fails is reported as not run and keeps no other from running.

        Args:
            interaction: What is judged.
            trace_id: 32 hexadecimal digits, as W3C Trace Context has them; made up when left out.
        """
        start = perf_counter()
        trace_id = trace_id or uuid4().hex
        judged: dict[str, JudgedRequirement] = {}
        outcomes: dict[str, Outcome] = {}
        run = _Run(interaction, trace_id)
        for compiled in self._requirements:
            requirement = compiled.requirement
            findings = run.findings(compiled, outcomes)
            item = judge_requirement(
                requirement, findings, self._scorecard.agents, self._scorecard.aggregation.conflict
            )
            judged[requirement.id] = item
            outcomes[requirement.id] = item.outcome
        items = [judged[requirement.id] for requirement in self._scorecard.requirements]
        total = aggregate(self._scorecard, items)
        return ScoredResult(
            status=total.status,
            verdict=total.verdict,
            overall_score=total.overall_score,
            coverage=total.coverage,
            confidence=total.confidence,
            categories=total.categories,
            violations=total.violations,
            recommendations=total.recommendations,
            audit_trail=AuditTrail(
                trace_id=trace_id,
                checks_run=sum(finding.outcome in _ANSWERS for item in items for finding in item.findings),
                # By name, as they come back from the database: it keeps no order of keys.
                not_run=_by_name({item.requirement.id: reasons for item in items if (reasons := _why_not_run(item))}),
                template_versions=_by_name(self._scorecard.template_versions),
                execution_ms=round(1000 * (perf_counter() - start), 3),
            ),
        )


class _Run:
    """The checks of one scorecard at work on one interaction."""

    def __init__(self, interaction: Interaction, trace_id: str) -> None:
        self._interaction = interaction
        self._trace_id = trace_id

    def findings(self, compiled: _CompiledRequirement, outcomes: Outcomes) -> tuple[Finding, ...]:
        """Returns what each check of a requirement says."""
        requirement = compiled.requirement
        answer = self._applies(compiled, outcomes)
        if answer.holds:
            results = [self._result(requirement, bound, check) for bound, check in compiled.checks]
        elif answer.holds is None:
            results = [_not_run(f"Not run, since {answer.reason}.")] * len(compiled.checks)
        else:
            not_applicable = CheckResult(
                outcome=Outcome.NOT_APPLICABLE, explanation=f"Does not apply, since {answer.reason}."
            )
            results = [not_applicable] * len(compiled.checks)
        return tuple(
            Finding(
                requirement=requirement.id,
                check=bound.spec.type,
                agent=bound.agent,
                outcome=result.outcome,
                severity=requirement.severity,
                confidence=result.confidence,
                evidence=result.evidence,
                explanation=result.explanation,
            )
            for (bound, _), result in zip(compiled.checks, results, strict=True)
        )

    def _applies(self, compiled: _CompiledRequirement, outcomes: Outcomes) -> Answer:
        if compiled.condition is None:
            return _ALWAYS
        try:
            return compiled.condition(self._interaction, outcomes)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other requirements go on
            return Answer(None, f"its condition {self._failed(compiled.requirement, 'condition', error)}")

    def _result(self, requirement: BoundRequirement, bound: BoundCheck, check: Check) -> CheckResult:
        try:
            result = check.run(self._interaction)
            self._hold_to_the_text(result)
        except CheckNotRunError as error:
            return _not_run(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other checks go on
            return _not_run(f"The check {self._failed(requirement, bound.spec.type, error)}.")
        return result

    def _hold_to_the_text(self, result: CheckResult) -> None:
        """Refuses evidence that does not stand in the interaction: a promise that no check may break."""
        for evidence in result.evidence:
            if self._interaction.turns[evidence.turn].text[evidence.start : evidence.end] != evidence.quote:
                raise ValueError("a quote is not what stands at its place")

    def _failed(self, requirement: BoundRequirement, check: str, error: Exception) -> str:
        _log.error(
            "check failed",
            extra={
                "trace_id": self._trace_id,
                "requirement": requirement.id,
                "check": check,
                "error": type(error).__name__,  # its message may quote the interaction, which does not belong in a log
                "stack": "".join(traceback.format_tb(error.__traceback__)),
            },
        )
        return f"failed unexpectedly ({type(error).__name__}); the log says more under trace id {self._trace_id}"


_ALWAYS = Answer(True, "it always applies")
_ANSWERS = (Outcome.MET, Outcome.NOT_MET)


def _by_name[Value](values: Mapping[str, Value]) -> dict[str, Value]:
    return dict(sorted(values.items()))


def _not_run(reason: str) -> CheckResult:
    return CheckResult(outcome=Outcome.NOT_RUN, explanation=reason)


def _why_not_run(item: JudgedRequirement) -> str:
    reasons = dict.fromkeys(finding.explanation for finding in item.findings if finding.outcome is Outcome.NOT_RUN)
    return " ".join(reasons)
