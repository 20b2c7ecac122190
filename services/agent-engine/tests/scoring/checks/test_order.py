import pytest

from tahoe_engine.models.check_specs import OrderCheck
from tahoe_engine.models.finding import CheckResult, Outcome
from tahoe_engine.models.interaction import Interaction, Role, Turn
from tahoe_engine.scoring.check import CheckKit, CheckNotRunError
from tahoe_engine.scoring.checks.order import OrderRunner

VERIFY: dict[str, object] = {"type": "pattern", "patterns": ["date of birth"], "speaker": "agent"}
DISCUSS: dict[str, object] = {"type": "pattern", "patterns": ["balance"], "speaker": "agent"}
A, C = Role.AGENT, Role.CUSTOMER


def run(
    *turns: tuple[Role, str], before: dict[str, object] = VERIFY, after: dict[str, object] = DISCUSS
) -> CheckResult:
    interaction = Interaction(
        turns=tuple(Turn(role=role, speaker="somebody", text=text, spoken=len(text)) for role, text in turns)
    )
    spec = OrderCheck.model_validate({"type": "order", "before": before, "after": after})
    return OrderRunner(spec, CheckKit()).run(interaction)


ASK = (A, "Your date of birth?")
TELL = (A, "Your balance is 5.")
EARLY = "There is “balance” in turn 0 without what has to come before it."
WITHOUT = f"{EARLY} Nothing like “date of birth” is said by the agent."


@pytest.mark.parametrize(
    ("turns", "outcome", "quotes", "explanation"),
    [
        (
            (ASK, TELL),
            Outcome.MET,
            [(0, "date of birth"), (1, "balance")],
            "“date of birth” in turn 0 comes before “balance” in turn 1.",
        ),
        (
            (TELL, ASK, TELL),
            Outcome.NOT_MET,
            [(0, "balance"), (1, "date of birth")],
            "There is “balance” in turn 0 already, and only then “date of birth” in turn 1.",
        ),
        (
            (TELL, (C, "date of birth")),
            Outcome.NOT_MET,
            [(0, "balance")],
            WITHOUT,
        ),
        ((ASK,), Outcome.NOT_APPLICABLE, [], "Does not apply: Nothing like “balance” is said by the agent."),
        (((C, "Hi"),), Outcome.NOT_APPLICABLE, [], None),
        (((A, "date of birth, then balance"),), Outcome.MET, [(0, "date of birth"), (0, "balance")], None),
        (((A, "balance, then date of birth"),), Outcome.NOT_MET, [(0, "balance"), (0, "date of birth")], None),
    ],
)
def test_order_is_judged_by_the_first_of_each(
    turns: tuple[tuple[Role, str], ...], outcome: Outcome, quotes: list[tuple[int, str]], explanation: str | None
) -> None:
    result = run(*turns)
    assert result.outcome is outcome
    assert [(evidence.turn, evidence.quote) for evidence in result.evidence] == quotes
    if explanation:
        assert result.explanation == explanation


def test_the_same_words_do_not_come_before_themselves() -> None:
    assert run(TELL, before=DISCUSS).outcome is Outcome.NOT_MET


def test_a_tool_can_be_what_comes_first() -> None:
    verified = (Role.ACTION, "Identity has been verified.")
    assert run(verified, TELL, before={"type": "tool", "tools": ["*verified*"]}).outcome is Outcome.MET
    assert run(TELL, verified, before={"type": "tool", "tools": ["*verified*"]}).outcome is Outcome.NOT_MET


def test_personal_data_is_not_repeated_in_the_explanation() -> None:
    email: dict[str, object] = {"type": "personal_data", "kinds": ["email"]}
    result = run(ASK, (A, "ann@example.com"), after=email)
    assert result.outcome is Outcome.MET
    assert result.explanation == "“date of birth” in turn 0 comes before personal data in turn 1."


def test_unknown_speakers_are_not_judged() -> None:
    with pytest.raises(CheckNotRunError):
        run((Role.OTHER, "balance"))
