"""From flaws of tool calls to what a check says."""

from collections.abc import Iterable, Iterator

from tahoe_engine.models.finding import CheckResult, Evidence, Outcome
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.scoring.checks.tool_use import call_span
from tahoe_engine.scoring.evidence import MAX_EVIDENCE, Span, capped, evidence_of, first_evidence
from tahoe_engine.scoring.trajectory.argument_spans import find_argument_span
from tahoe_engine.scoring.trajectory.flaws import Flaw
from tahoe_engine.scoring.trajectory.moments import CallPlace

CONFIDENCE_BY_WORDS = 0.8
"""How sure a rule is that understands words; one that only compares names and places is sure."""

_SENTENCES = 3
"""Flaws that an explanation spells out."""


class FlawReport:
    """Collects what speaks against the calls of one interaction, as much as a finding keeps."""

    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction
        self._count = 0
        self._certain = False
        self._sentences: list[str] = []
        self._evidence: dict[tuple[int, int, int], Evidence] = {}

    def __bool__(self) -> bool:
        return self._count > 0

    def add(self, place: CallPlace | None, flaw: Flaw) -> None:
        """Takes in a flaw of the call at a place, or of the whole interaction."""
        self._count += 1
        self._certain = self._certain or flaw.certain
        if len(self._sentences) < _SENTENCES:
            self._sentences.append(flaw.explanation)
        if len(self._evidence) < MAX_EVIDENCE:
            for span in self._spans(place, flaw):
                evidence = evidence_of(span)
                self._evidence.setdefault((evidence.turn, evidence.start, evidence.end), evidence)

    def result(self) -> CheckResult:
        """Returns what the flaws amount to."""
        more = self._count - len(self._sentences)
        explanation = " ".join([*self._sentences, *([f"And {more} more."] if more else [])])
        return CheckResult(
            outcome=Outcome.NOT_MET,
            confidence=1.0 if self._certain else CONFIDENCE_BY_WORDS,
            evidence=tuple(self._evidence.values())[:MAX_EVIDENCE],
            explanation=capped(explanation, self._count),
        )

    def _spans(self, place: CallPlace | None, flaw: Flaw) -> Iterator[Span]:
        if place is not None:
            yield from _within(place_span(place, flaw))
        if flaw.heard is not None:
            turn = self._interaction.turns[flaw.heard]
            yield from _within((flaw.heard, turn, 0, turn.spoken))


def place_span(place: CallPlace, flaw: Flaw) -> Span:
    """Returns where the argument stands that a flaw is about, or else the call."""
    turn, call = place.turn, place.call
    if flaw.path is None or not turn.text.startswith(call.arguments_text, call.start):
        return place.index, turn, *call_span(turn, call)
    start, end = find_argument_span(call.arguments_text, flaw.path, flaw.part) or (0, len(call.arguments_text))
    return place.index, turn, call.start + start, call.start + end


def call_evidence(places: Iterable[CallPlace]) -> tuple[Evidence, ...]:
    """Quotes the first calls, as many as a finding keeps."""
    spans = ((place.index, place.turn, *call_span(place.turn, place.call)) for place in places)
    return first_evidence(span for spans_of_call in spans for span in _within(spans_of_call))


def _within(span: Span) -> Iterator[Span]:
    """Yields the span as far as it lies in its turn, unless nothing of it does."""
    index, turn, start, end = span
    if start < min(end, len(turn.text)):
        yield index, turn, start, min(end, len(turn.text))
