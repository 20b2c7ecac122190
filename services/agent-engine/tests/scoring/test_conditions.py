import pytest
from pydantic import TypeAdapter

from tahoe_engine.models.conditions import Condition
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import Interaction, InteractionType, Role, Turn
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.conditions import Answer, compile_condition

CALL = Interaction(
    type=InteractionType.CALL,
    language="en-GB",
    turns=(
        Turn(role=Role.AGENT, speaker="a", text="Hello", spoken=5),
        Turn(role=Role.CUSTOMER, speaker="c", text="A refund", spoken=8),
    ),
    metadata={"vip": True, "tier": 2, "tags": ["a", {"b": None}]},
)
OUTCOMES = {
    "met": Outcome.MET,
    "not-met": Outcome.NOT_MET,
    "not-run": Outcome.NOT_RUN,
    "not-applicable": Outcome.NOT_APPLICABLE,
}


def decide(condition: dict[str, object], interaction: Interaction = CALL) -> Answer:
    parsed = TypeAdapter[Condition](Condition).validate_python(condition)
    return compile_condition(parsed, CheckKit())(interaction, OUTCOMES)


def requirement(name: str, outcome: str = "met") -> dict[str, object]:
    return {"requirement": name, "outcome": outcome}


def found(pattern: str, speaker: str = "agent") -> dict[str, object]:
    return {"found": {"type": "pattern", "patterns": [pattern], "speaker": speaker}}


YES = requirement("met")
NO = requirement("not-met")
OPEN = requirement("not-run")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (requirement("met"), True),
        (requirement("met", "not_met"), False),
        (requirement("not-met"), False),
        (requirement("not-met", "not_met"), True),
        (requirement("not-applicable"), False),
        (requirement("not-applicable", "not_met"), False),
        (requirement("not-run"), None),
        (requirement("not-run", "not_met"), None),
        ({"not": requirement("not-applicable")}, True),
        ({"not": YES}, False),
        ({"not": NO}, True),
        ({"not": OPEN}, None),
        ({"all": [YES, YES]}, True),
        ({"all": [YES, NO]}, False),
        ({"all": [YES, OPEN]}, None),
        ({"all": [OPEN, NO]}, False),
        ({"any": [NO, NO]}, False),
        ({"any": [NO, YES]}, True),
        ({"any": [NO, OPEN]}, None),
        ({"any": [OPEN, YES]}, True),
        ({"all": [{"any": [NO, {"not": NO}]}, YES]}, True),
        (found("hello"), True),
        (found("refund"), False),
        (found("refund", "customer"), True),
        ({"found": {"type": "tool", "tools": ["*"]}}, False),
        ({"found": {"type": "phrase", "examples": ["Hi"]}}, None),
        ({"types": ["call"]}, True),
        ({"types": ["chat", "call"]}, True),
        ({"types": ["chat"]}, False),
        ({"languages": ["en"]}, True),
        ({"languages": ["de", "EN-gb"]}, True),
        ({"languages": ["en-US"]}, False),
        ({"languages": ["e"]}, False),
        ({"metadata": {"vip": True}}, True),
        ({"metadata": {"vip": 1}}, False),
        ({"metadata": {"tier": 2}}, True),
        ({"metadata": {"tier": 2, "vip": False}}, False),
        ({"metadata": {"tags": ["a", {"b": None}]}}, True),
        ({"metadata": {"missing": None}}, False),
        ({"types": ["call"], "languages": ["en"], "metadata": {"tier": 2}}, True),
        ({"types": ["call"], "languages": ["en"], "metadata": {"tier": 3}}, False),
    ],
)
def test_a_condition_holds_or_not_or_cannot_be_told(condition: dict[str, object], holds: bool | None) -> None:
    assert decide(condition).holds is holds


def test_a_language_that_is_not_named_leaves_it_open() -> None:
    silent = CALL.model_copy(update={"language": None})
    assert decide({"languages": ["en"]}, silent) == Answer(
        None, "it depends on the language, which the interaction does not name"
    )
    assert decide({"types": ["chat"], "languages": ["en"]}, silent).holds is False


def test_unknown_speakers_leave_it_open() -> None:
    unknown = Interaction(turns=(Turn(role=Role.OTHER, speaker="x", text="Hello", spoken=5),))
    assert decide(found("hello"), unknown).holds is None


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (NO, "“not-met” is not met"),
        (OPEN, "it depends on “not-run”, which was not run"),
        (requirement("not-applicable"), "“not-applicable” does not apply"),
        ({"all": [YES, found("refund")]}, "nothing like “refund” is said by the agent"),
        ({"any": [NO, {"types": ["chat"]}]}, "“not-met” is not met and the interaction is of type call"),
        ({"not": found("hello")}, "there is “Hello” in turn 0"),
        ({"languages": ["de"]}, "the language is “en-GB”"),
        ({"metadata": {"tier": 1}}, "the metadata “tier” has another value or none"),
    ],
)
def test_the_reason_is_said(condition: dict[str, object], reason: str) -> None:
    assert decide(condition).reason == reason
