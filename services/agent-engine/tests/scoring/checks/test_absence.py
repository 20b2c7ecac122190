import pytest

from tahoe_engine.models.check_specs import AbsenceCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.absence import AbsenceRunner


def run(matcher: dict[str, object], *turns: tuple[Role, str]) -> CheckResult:
    interaction = Interaction(
        turns=tuple(Turn(role=role, speaker="somebody", text=text, spoken=len(text)) for role, text in turns)
    )
    return AbsenceRunner(AbsenceCheck.model_validate({"type": "absence", "of": matcher}), CheckKit()).run(interaction)


INSULT: dict[str, object] = {"type": "pattern", "patterns": ["idiot"], "speaker": "agent"}


def test_what_must_not_be_there_and_is_not_is_met() -> None:
    result = run(INSULT, (Role.AGENT, "Of course"), (Role.CUSTOMER, "idiot"))
    assert (result.outcome, result.confidence, result.evidence) == (Outcome.MET, 1, ())
    assert result.explanation == "Nothing like “idiot” is said by the agent."


def test_what_must_not_be_there_and_is_is_the_evidence() -> None:
    result = run(INSULT, (Role.CUSTOMER, "Hi"), (Role.AGENT, "You idiot"))
    assert (result.outcome, result.confidence) == (Outcome.NOT_MET, 1)
    assert [(evidence.turn, evidence.quote) for evidence in result.evidence] == [(1, "idiot")]
    assert result.explanation == "“idiot” is said by the agent in turn 1."


def test_who_says_nothing_has_not_refrained_from_anything() -> None:
    assert run(INSULT, (Role.CUSTOMER, "Hi")).outcome is Outcome.NOT_APPLICABLE


def test_unknown_speakers_are_not_acquitted() -> None:
    with pytest.raises(CheckNotRunError):
        run(INSULT, (Role.OTHER, "Hi"))


def test_a_pattern_may_occur_as_long_as_it_is_not_found_often_enough() -> None:
    twice = {**INSULT, "patterns": ["hold on"], "min_matches": 2}
    once = (Role.AGENT, "Hold on")
    assert run(twice, once).outcome is Outcome.MET
    assert run(twice, once, once).outcome is Outcome.NOT_MET


def test_a_tool_that_is_not_used_is_absent() -> None:
    assert run({"type": "tool", "tools": ["delete_*"]}, (Role.AGENT, "Hi")).outcome is Outcome.MET
    assert run({"type": "tool", "tools": ["delete *"]}, (Role.ACTION, "Delete account")).outcome is Outcome.NOT_MET


def test_absence_of_personal_data_is_what_its_own_check_says() -> None:
    matcher: dict[str, object] = {"type": "personal_data", "kinds": ["email"]}
    assert run(matcher, (Role.AGENT, "Nothing here")).outcome is Outcome.MET
    found = run(matcher, (Role.AGENT, "Write to ann@example.com"))
    assert found.outcome is Outcome.NOT_MET
    assert [evidence.quote for evidence in found.evidence] == ["ann@example.com"]
    assert "ann@example.com" not in found.explanation
