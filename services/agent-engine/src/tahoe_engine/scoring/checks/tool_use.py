from collections.abc import Iterator

from tahoe_engine.models.check_specs import ToolUse
from tahoe_engine.models.finding import CheckResult, Evidence, Outcome
from tahoe_engine.models.interaction import Interaction, Role, ToolCall, Turn
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.evidence import Span, capped, evidence_of, first_evidence
from tahoe_engine.scoring.tool_names import fits
from tahoe_engine.scoring.wording import missing, place


class ToolUseRunner:
    """Looks for what was done: tool calls by name, action turns by their words.

    A call is quoted as it is rendered in its turn, `name(arguments)`; an action turn is quoted whole.
    """

    def __init__(self, spec: ToolUse, kit: CheckKit) -> None:  # noqa: ARG002 - every compiled check is built alike
        self._spec = spec

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when one of the tools is used."""
        spans = list(self._spans(interaction))
        if not spans:
            return CheckResult(outcome=Outcome.NOT_MET, confidence=1.0, explanation=missing(self._spec))
        evidence = first_evidence(spans)
        return CheckResult(
            outcome=Outcome.MET,
            confidence=1.0,
            evidence=evidence,
            explanation=capped(f"There is {place(self._spec, evidence[0])}.", len(spans)),
        )

    def find(self, interaction: Interaction) -> list[Evidence]:
        """Returns where the tools are used."""
        return [evidence_of(span) for span in self._spans(interaction)]

    def _spans(self, interaction: Interaction) -> Iterator[Span]:
        for index, turn in enumerate(interaction.turns):
            if turn.role is Role.ACTION and turn.spoken and self._wanted(turn.spoken_text.strip()):
                yield index, turn, 0, turn.spoken
            for call in turn.tool_calls:
                if self._wanted(call.name):
                    start, end = call_span(turn, call)
                    yield index, turn, start, end

    def _wanted(self, name: str) -> bool:
        return any(fits(tool, name) for tool in self._spec.tools)


def call_span(turn: Turn, call: ToolCall) -> tuple[int, int]:
    """Returns where a call stands in the text of its turn: `name(arguments)`, as far as it is rendered so."""
    start, end = call.start, call.start + len(call.arguments_text)
    if turn.text.startswith(f"{call.name}(", max(start - len(call.name) - 1, 0)):
        start -= len(call.name) + 1
    if turn.text.startswith(")", end):
        end += 1
    return start, end
