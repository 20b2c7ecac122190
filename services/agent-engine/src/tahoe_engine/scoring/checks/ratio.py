from dataclasses import dataclass

from tahoe_engine.models.check_specs import RatioCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, Role
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.evidence import Span, capped, first_evidence
from tahoe_engine.scoring.questions import find_questions, is_punctuated
from tahoe_engine.scoring.turns import NumberedTurn, select_turns
from tahoe_engine.scoring.word_count import count_words
from tahoe_engine.scoring.wording import names, says_nothing, times

_SIDES = (Role.AGENT, Role.CUSTOMER)
_ENOUGH_TO_TELL = 50  # words without a single full stop: nobody wrote marks there
_SURE_OF_QUESTIONS = 0.9  # some are asked without a mark
_SURE_OF_WORDS = 1.0


@dataclass(frozen=True)
class _Measured:
    value: float
    explanation: str
    confidence: float
    evidence: list[Span]


class RatioRunner:
    """Measures how much somebody talks, or how often somebody asks.

    The confidence is 1 for shares of words, 0.9 for questions, which are counted by their question marks. Too many or
    too few questions are shown by the questions themselves, a share out of its limits by the longest turn of the side
    that talks too much.
    """

    def __init__(self, spec: RatioCheck, kit: CheckKit) -> None:  # noqa: ARG002 - every compiled check is built alike
        self._spec = spec

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when the measure lies between the limits."""
        if self._spec.measure == "talk_share" and self._spec.speaker not in _SIDES:
            raise CheckNotRunError(
                "talk_share is measured of the agent or the customer; name one of them as the speaker."
            )
        turns = select_turns(interaction, self._spec.speaker)
        if not turns:
            return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=says_nothing(self._spec.speaker))
        if self._spec.measure != "talk_share":
            return self._judged(self._questions(interaction, turns))
        other = Role.CUSTOMER if self._spec.speaker is Role.AGENT else Role.AGENT
        others = select_turns(interaction, other)
        if not others:
            return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=says_nothing(other))
        return self._judged(self._talk_share(turns, others))

    def _judged(self, measured: _Measured) -> CheckResult:
        low = self._spec.min is not None and measured.value < self._spec.min
        high = self._spec.max is not None and measured.value > self._spec.max
        return CheckResult(
            outcome=Outcome.NOT_MET if low or high else Outcome.MET,
            confidence=measured.confidence,
            evidence=first_evidence(measured.evidence),
            explanation=capped(f"{measured.explanation}; {self._asked_for()}.", len(measured.evidence)),
        )

    def _asked_for(self) -> str:
        low, high = self._spec.min, self._spec.max
        if low is not None and high is not None:
            return f"asked for is {self._written(low)} to {self._written(high)}"
        return (
            f"asked for is at least {self._written(low)}"
            if low is not None
            else f"allowed is at most {self._written(high)}"
        )

    def _written(self, limit: float | None) -> str:
        return f"{(limit or 0) * 100:g}%" if self._spec.measure == "talk_share" else f"{limit:g}"

    def _talk_share(self, turns: list[NumberedTurn], others: list[NumberedTurn]) -> _Measured:
        own, theirs = (sum(count_words(turn.spoken_text) for _, turn in side) for side in (turns, others))
        if own + theirs == 0:
            raise CheckNotRunError("Nobody says a word that can be counted.")
        share = own / (own + theirs)
        evidence: list[Span] = []
        if self._spec.max is not None and share > self._spec.max:
            evidence = [_longest(turns)]
        elif self._spec.min is not None and share < self._spec.min:
            evidence = [_longest(others)]
        said = f"{names([self._spec.speaker]).capitalize()} says {own} of {own + theirs} words, {share:.1%}"
        return _Measured(share, said, _SURE_OF_WORDS, evidence)

    def _questions(self, interaction: Interaction, turns: list[NumberedTurn]) -> _Measured:
        words = sum(count_words(turn.spoken_text) for _, turn in turns)
        if words >= _ENOUGH_TO_TELL and not any(
            is_punctuated(turn.spoken_text) for turn in interaction.turns if turn.role in _SIDES
        ):
            raise CheckNotRunError(
                "The transcript has no punctuation, so questions cannot be told from statements; use one with question "
                "marks, or a check of type phrase."
            )
        asked = [(index, turn, start, end) for index, turn in turns for start, end in find_questions(turn.spoken_text)]
        said = f"{names([self._spec.speaker]).capitalize()} asks {times(len(asked), 'question')}"
        if self._spec.measure == "questions":
            return _Measured(len(asked), said, _SURE_OF_QUESTIONS, asked)
        rate = len(asked) / len(turns)
        said = f"{said} in {times(len(turns), 'turn')}, {rate:.2f} a turn"
        return _Measured(rate, said, _SURE_OF_QUESTIONS, asked)


def _longest(turns: list[NumberedTurn]) -> Span:
    index, turn = max(turns, key=lambda numbered: numbered[1].spoken)
    return index, turn, 0, turn.spoken
