from collections.abc import Iterator
from itertools import islice

from tahoe_engine.models.check_specs import GroundedArgumentsCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, Role
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.flaw_report import CONFIDENCE_BY_WORDS, FlawReport, call_evidence
from tahoe_engine.scoring.evidence import MAX_EVIDENCE
from tahoe_engine.scoring.tool_names import fits
from tahoe_engine.scoring.trajectory.flaws import Flaw
from tahoe_engine.scoring.trajectory.grounding import Grounding, ungrounded
from tahoe_engine.scoring.trajectory.moments import CallPlace, Moment, calls, moments
from tahoe_engine.scoring.wording import first_of, times


class GroundedArgumentsRunner:
    """Asks of every value in every call who said it or which tool returned it."""

    def __init__(self, spec: GroundedArgumentsCheck, kit: CheckKit) -> None:  # noqa: ARG002 - every check is built alike
        self._spec = spec
        self._grounding = Grounding.of(spec.support, spec.implied_values, spec.ignore_arguments, choices=spec.choices)

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when every value comes from the conversation or an earlier tool result."""
        judged = [place for place in calls(interaction) if self._concerns(place)]
        if not judged:
            return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=self._no_call())
        if not any(turn.spoken and turn.role not in (Role.AGENT, Role.TOOL) for turn in interaction.turns):
            raise CheckNotRunError(
                "Where the arguments come from cannot be told: nobody but the agent and its tools says anything. "
                "Include the request or the system message when the interaction is recorded."
            )
        report = FlawReport(interaction)
        for moment in moments(interaction):
            for flaw in self.judge(moment):
                report.add(moment, flaw)
        return report.result() if report else self._met(judged)

    def judge(self, moment: Moment) -> Iterator[Flaw]:
        """Yields the values of one call that have no source."""
        if self._concerns(moment):
            yield from ungrounded(moment, self._grounding)

    def _concerns(self, place: CallPlace) -> bool:
        return any(fits(tool, place.call.name) for tool in self._spec.tools)

    def _no_call(self) -> str:
        if "*" in self._spec.tools:
            return "No tool is called in this interaction."
        return f"There is no {first_of('call of', self._spec.tools)} in this interaction."

    def _met(self, judged: list[CallPlace]) -> CheckResult:
        return CheckResult(
            outcome=Outcome.MET,
            confidence=CONFIDENCE_BY_WORDS,
            evidence=call_evidence(islice(judged, MAX_EVIDENCE)),
            explanation=f"Every value in {times(len(judged), 'tool call')} comes from the conversation or from a tool.",
        )
