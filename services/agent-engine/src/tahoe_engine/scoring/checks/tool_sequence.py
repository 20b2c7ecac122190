from collections.abc import Iterator, Sequence
from itertools import chain

from tahoe_engine.models.check_specs import ToolSequenceCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, InteractionType, Role
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.flaw_report import CONFIDENCE_BY_WORDS, FlawReport, call_evidence
from tahoe_engine.scoring.tool_names import fits
from tahoe_engine.scoring.trajectory.flaws import Flaw
from tahoe_engine.scoring.trajectory.moments import CallPlace, Moment, calls, moments
from tahoe_engine.scoring.trajectory.offers import dropped
from tahoe_engine.scoring.trajectory.sequence import (
    PlacedFlaw,
    before_what_they_need,
    forbidden,
    out_of_order,
    repeated,
)
from tahoe_engine.scoring.trajectory.steps import (
    needs_assent,
    placeholders,
    repeated_in_a_row,
    undeclared,
    without_assent,
)
from tahoe_engine.scoring.wording import times


class ToolSequenceRunner:
    """Asks of every call whether it fits its moment, and of all of them whether they keep to an order."""

    def __init__(self, spec: ToolSequenceCheck, kit: CheckKit) -> None:  # noqa: ARG002 - every check is built alike
        self._spec = spec
        self._looks_back = spec.no_repeats_in_a_row or spec.confirm or spec.complete or spec.no_placeholders
        self._looks_at_every_call = bool(
            spec.required
            or spec.forbidden
            or spec.no_repeats
            or spec.no_repeats_in_a_row
            or spec.complete
            or spec.no_placeholders
            or spec.declared
        )

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when no rule speaks against a call; does not apply where there is no call to judge.

        A trajectory without any call does not hold what is `required` either: that is not met.
        """
        made = list(calls(interaction))
        if not made and not (self._spec.required and interaction.type is InteractionType.TRAJECTORY):
            return _not_applicable("No tool is called in this interaction.")
        judged = [place for place in made if self._concerns(place)]
        if made and not judged:
            return _not_applicable("No tool that this is about is called in this interaction.")
        self._refuse_other_languages(interaction, judged)
        report = FlawReport(interaction)
        for place, flaw in chain(self._flaws_of_moments(interaction), self._flaws_of_order(interaction, made)):
            report.add(place, flaw)
        return report.result() if report else self._met(judged)

    def judge(self, moment: Moment) -> Iterator[Flaw]:
        """Yields what is wrong with making this call now; the order of all calls is judged by `run`."""
        spec = self._spec
        if spec.no_repeats_in_a_row:
            yield from repeated_in_a_row(moment)
        if needs_assent(moment.call.name, spec.confirm):
            yield from without_assent(moment)
        if spec.complete:
            yield from dropped(moment)
        if spec.no_placeholders:
            yield from placeholders(moment)
        if spec.declared:
            yield from undeclared(moment, spec.declared)

    def _flaws_of_moments(self, interaction: Interaction) -> Iterator[PlacedFlaw]:
        if self._looks_back or self._spec.declared:
            for moment in moments(interaction):
                for flaw in self.judge(moment):
                    yield moment, flaw

    def _flaws_of_order(self, interaction: Interaction, made: Sequence[CallPlace]) -> Iterator[PlacedFlaw]:
        spec = self._spec
        yield from out_of_order(made, spec.required, _first_request(interaction))
        yield from forbidden(made, spec.forbidden)
        yield from before_what_they_need(made, spec.needs)
        if spec.no_repeats:
            yield from repeated(made)

    def _concerns(self, place: CallPlace) -> bool:
        name = place.call.name
        return (
            self._looks_at_every_call
            or needs_assent(name, self._spec.confirm)
            or any(fits(tool, name) for tool in self._spec.needs)
        )

    def _refuse_other_languages(self, interaction: Interaction, judged: Sequence[CallPlace]) -> None:
        language = interaction.language or "en"
        if language.split("-")[0].lower() == "en" or not self._spec.confirm:
            return
        if any(needs_assent(place.call.name, self._spec.confirm) for place in judged):
            raise CheckNotRunError(
                f"Whether the customer agrees cannot be told: `confirm` understands English only, and this interaction "
                f"is in {language}. Use a judge instead."
            )

    def _met(self, judged: Sequence[CallPlace]) -> CheckResult:
        understands_words = self._spec.confirm or self._spec.complete
        return CheckResult(
            outcome=Outcome.MET,
            confidence=CONFIDENCE_BY_WORDS if understands_words else 1.0,
            evidence=call_evidence(judged),
            explanation=f"Nothing speaks against {times(len(judged), 'tool call')}.",
        )


def _not_applicable(explanation: str) -> CheckResult:
    return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=explanation)


def _first_request(interaction: Interaction) -> int | None:
    turns = enumerate(interaction.turns)
    return next((index for index, turn in turns if turn.role is Role.CUSTOMER and turn.spoken), None)
