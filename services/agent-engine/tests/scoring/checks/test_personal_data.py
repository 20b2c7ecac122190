import pytest

from tahoe_engine.models.check_specs import PersonalDataCheck
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.personal_data import PersonalDataRunner

EVERYBODY = PersonalDataCheck(type="personal_data")


def interaction(*turns: tuple[Role, str]) -> Interaction:
    return Interaction(turns=tuple(Turn(role=role, speaker=role, text=text, spoken=len(text)) for role, text in turns))


CHAT = interaction(
    (Role.AGENT, "What is your phone number? 😀"),
    (Role.CUSTOMER, "2127365000"),
    (Role.AGENT, "So 4111 1111 1111 1111 and 5555 5555 5555 4444, and jane@example.org?"),
)


def test_none_is_met() -> None:
    result = PersonalDataRunner(EVERYBODY, CheckKit()).run(interaction((Role.AGENT, "Your order 3348917502 is here.")))
    assert result.outcome is Outcome.MET
    assert result.confidence == 0.9
    assert result.evidence == ()


def test_what_is_found_is_quoted_exactly_and_counted_but_not_repeated_in_words() -> None:
    result = PersonalDataRunner(EVERYBODY, CheckKit()).run(CHAT)
    assert result.outcome is Outcome.NOT_MET
    assert [evidence.quote for evidence in result.evidence] == [
        "2127365000",
        "4111 1111 1111 1111",
        "5555 5555 5555 4444",
        "jane@example.org",
    ]
    for evidence in result.evidence:
        assert CHAT.turns[evidence.turn].text[evidence.start : evidence.end] == evidence.quote
        assert evidence.quote not in result.explanation
    assert result.explanation == (
        "Personal data is said: 2 card numbers, 1 phone number and 1 e-mail address, in 2 turns."
    )


def test_the_question_before_tells_what_digits_are_even_when_only_the_answer_is_searched() -> None:
    runner = PersonalDataRunner(EVERYBODY.model_copy(update={"speaker": Role.CUSTOMER}), CheckKit())
    assert [evidence.quote for evidence in runner.find(CHAT)] == ["2127365000"]


def test_only_the_kinds_asked_for_count() -> None:
    runner = PersonalDataRunner(EVERYBODY.model_copy(update={"kinds": ("iban",)}), CheckKit())
    assert runner.run(CHAT).outcome is Outcome.MET


def test_evidence_is_capped_and_the_explanation_says_so() -> None:
    many = interaction((Role.AGENT, " ".join(f"p{n}@example.org" for n in range(30))))
    result = PersonalDataRunner(EVERYBODY, CheckKit()).run(many)
    assert len(result.evidence) == 20
    assert "30 e-mail addresses" in result.explanation
    assert "first 20" in result.explanation


def test_tool_calls_are_not_said() -> None:
    text = "One moment.\nlookup(4111111111111111)"
    turn = Turn(role=Role.AGENT, speaker="a", text=text, spoken=text.index("\n"))
    assert PersonalDataRunner(EVERYBODY, CheckKit()).run(Interaction(turns=(turn,))).outcome is Outcome.MET


def test_a_silent_speaker_makes_it_not_applicable() -> None:
    runner = PersonalDataRunner(EVERYBODY.model_copy(update={"speaker": Role.SYSTEM}), CheckKit())
    assert runner.run(CHAT).outcome is Outcome.NOT_APPLICABLE


def test_a_country_that_does_not_exist_is_not_run() -> None:
    runner = PersonalDataRunner(EVERYBODY.model_copy(update={"regions": ("XX",)}), CheckKit())
    with pytest.raises(CheckNotRunError, match="XX is no country"):
        runner.run(CHAT)
