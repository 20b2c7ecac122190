from typing import Literal

import pytest

from tahoe_engine.models.check_specs import RatioCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.ratio import RatioRunner


def interaction(*turns: tuple[Role, str]) -> Interaction:
    return Interaction(turns=tuple(Turn(role=role, speaker=role, text=text, spoken=len(text)) for role, text in turns))


def measured(
    talk: Interaction,
    measure: Literal["talk_share", "questions", "questions_per_turn"],
    speaker: Role = Role.AGENT,
    **limits: float,
) -> CheckResult:
    spec = RatioCheck.model_validate({"type": "ratio", "measure": measure, "speaker": speaker, **limits})
    return RatioRunner(spec, CheckKit()).run(talk)


TALK = interaction(
    (Role.AGENT, "Hello there. How are you? 😀 What can I do?"),
    (Role.CUSTOMER, "It's broken."),
    (Role.TOOL, "a lot of words that nobody says"),
    (Role.AGENT, "I see"),
)


class TestTalkShare:
    def test_words_of_agent_and_customer_are_compared(self) -> None:
        result = measured(TALK, "talk_share", max=0.9)
        assert result.outcome is Outcome.MET
        assert result.explanation == "The agent says 11 of 13 words, 84.6%; allowed is at most 90%."
        assert result.evidence == ()
        assert result.confidence == 1.0

    def test_too_large_a_share_quotes_the_longest_turn_of_the_speaker(self) -> None:
        result = measured(TALK, "talk_share", max=0.5)
        assert result.outcome is Outcome.NOT_MET
        assert [evidence.turn for evidence in result.evidence] == [0]

    def test_too_small_a_share_quotes_the_longest_turn_of_the_other(self) -> None:
        result = measured(TALK, "talk_share", Role.CUSTOMER, min=0.4)
        assert result.outcome is Outcome.NOT_MET
        assert [evidence.turn for evidence in result.evidence] == [0]

    def test_a_monologue_has_no_share(self) -> None:
        assert measured(interaction((Role.AGENT, "Hi")), "talk_share", max=0.5).outcome is Outcome.NOT_APPLICABLE
        assert measured(interaction((Role.CUSTOMER, "Hi")), "talk_share", max=0.5).outcome is Outcome.NOT_APPLICABLE

    def test_a_side_whose_role_is_not_known_is_not_run(self) -> None:
        with pytest.raises(CheckNotRunError, match="mapping the speakers"):
            measured(interaction((Role.AGENT, "Hi"), (Role.OTHER, "Hi")), "talk_share", max=0.5)

    def test_conversations_without_words_are_not_run(self) -> None:
        with pytest.raises(CheckNotRunError, match="says a word"):
            measured(interaction((Role.AGENT, "…"), (Role.CUSTOMER, "😀")), "talk_share", max=0.5)

    def test_of_anybody_else_it_is_not_run(self) -> None:
        with pytest.raises(CheckNotRunError, match="name one of them"):
            measured(TALK, "talk_share", Role.TOOL, max=0.5)


class TestQuestions:
    def test_questions_are_counted_and_quoted(self) -> None:
        result = measured(TALK, "questions", min=2)
        assert result.outcome is Outcome.MET
        assert [evidence.quote for evidence in result.evidence] == ["How are you?", "😀 What can I do?"]
        assert result.explanation == "The agent asks 2 questions; asked for is at least 2."

    def test_questions_a_turn_count_the_speakers_turns(self) -> None:
        result = measured(TALK, "questions_per_turn", min=0.5, max=0.9)
        assert result.outcome is Outcome.NOT_MET
        assert result.explanation == "The agent asks 2 questions in 2 turns, 1.00 a turn; asked for is 0.5 to 0.9."

    def test_who_asks_nothing_has_no_questions(self) -> None:
        result = measured(TALK, "questions", Role.CUSTOMER, max=0)
        assert result.outcome is Outcome.MET
        assert result.evidence == ()

    def test_a_transcript_without_punctuation_is_not_run(self) -> None:
        bare = interaction((Role.AGENT, "how are you today and what can i do for you " * 8), (Role.CUSTOMER, "hi"))
        with pytest.raises(CheckNotRunError, match="no punctuation"):
            measured(bare, "questions", min=1)

    def test_a_silent_speaker_makes_it_not_applicable(self) -> None:
        assert measured(interaction((Role.CUSTOMER, "Hi?")), "questions", min=1).outcome is Outcome.NOT_APPLICABLE
