from tahoe_engine.models.check_specs import OrderCheck, PhraseCheck
from tahoe_engine.models.finding import CheckResult, Evidence, Outcome
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.checks.matchers import compile_matcher
from tahoe_engine.scoring.wording import missing, place

CONFIDENCE_BY_MEANING = 0.8
"""How sure an order is when a side of it was found by meaning; otherwise the confidence is 1."""


class OrderRunner:
    """Compares where two things are first found; what begins earlier comes earlier."""

    def __init__(self, spec: OrderCheck, kit: CheckKit) -> None:
        self._spec = spec
        self._before = compile_matcher(spec.before, kit)
        self._after = compile_matcher(spec.after, kit)
        by_meaning = isinstance(spec.before, PhraseCheck) or isinstance(spec.after, PhraseCheck)
        self._confidence = CONFIDENCE_BY_MEANING if by_meaning else 1.0

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when `before` is found earlier than the first `after`."""
        spec = self._spec
        after = min(self._after.find(interaction), key=_position, default=None)
        if after is None:
            return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=f"Does not apply: {missing(spec.after)}")
        before = min(self._before.find(interaction), key=_position, default=None)
        there = place(spec.after, after)
        if before is None:
            explanation = f"There is {there} without what has to come before it. {missing(spec.before)}"
            return self._result(Outcome.NOT_MET, (after,), explanation)
        if _position(before) < _position(after):
            return self._result(Outcome.MET, (before, after), f"{place(spec.before, before)} comes before {there}.")
        explanation = f"There is {there} already, and only then {place(spec.before, before)}."
        return self._result(Outcome.NOT_MET, (after, before), explanation)

    def _result(self, outcome: Outcome, evidence: tuple[Evidence, ...], explanation: str) -> CheckResult:
        return CheckResult(outcome=outcome, confidence=self._confidence, evidence=evidence, explanation=explanation)


def _position(evidence: Evidence) -> tuple[int, int]:
    return evidence.turn, evidence.start
