import pytest

from tahoe_engine.models.check_specs import ToolUse
from tahoe_engine.models.finding import Outcome
from tahoe_engine.models.interaction import Interaction, Role, ToolCall, Turn
from tahoe_engine.scoring.check import CheckKit
from tahoe_engine.scoring.checks.tool_use import ToolUseRunner


def call_turn(said: str, *calls: tuple[str, str]) -> Turn:
    text = said
    rendered = []
    for name, arguments in calls:
        text += "\n" if text else ""
        rendered.append(ToolCall(name=name, arguments=None, arguments_text=arguments, start=len(text) + len(name) + 1))
        text += f"{name}({arguments})"
    return Turn(role=Role.AGENT, speaker="bot", text=text, spoken=len(said), tool_calls=tuple(rendered))


TRAJECTORY = Interaction(
    turns=(
        Turn(role=Role.CUSTOMER, speaker="user", text="refund_order(1)? Please.", spoken=24),
        call_turn("Of course 🙂", ("look_up", '{"id": 1}'), ("refund_order", '{"id": 1}')),
        call_turn("", ("send_email", "")),
        Turn(role=Role.ACTION, speaker="action", text="Account has been pulled up for Ann. ", spoken=36),
    )
)


def runner(*tools: str) -> ToolUseRunner:
    return ToolUseRunner(ToolUse(type="tool", tools=tools), CheckKit())


@pytest.mark.parametrize(
    ("tools", "quotes"),
    [
        (("refund_order",), [(1, 'refund_order({"id": 1})')]),
        (("refund*", "look_*"), [(1, 'look_up({"id": 1})'), (1, 'refund_order({"id": 1})')]),
        (("send_email",), [(2, "send_email()")]),
        (("*pulled up*",), [(3, "Account has been pulled up for Ann. ")]),
        (("pulled up",), []),
        (("refund",), []),
    ],
)
def test_calls_are_found_by_name_and_actions_by_their_words(
    tools: tuple[str, ...], quotes: list[tuple[int, str]]
) -> None:
    found = runner(*tools).find(TRAJECTORY)
    assert [(evidence.turn, evidence.quote) for evidence in found] == quotes
    for evidence in found:
        assert TRAJECTORY.turns[evidence.turn].text[evidence.start : evidence.end] == evidence.quote


def test_what_is_only_talked_about_is_not_done() -> None:
    assert all(evidence.turn != 0 for evidence in runner("*").find(TRAJECTORY))


def test_the_use_is_judged_in_words() -> None:
    used = runner("look_up").run(TRAJECTORY)
    assert (used.outcome, used.explanation) == (Outcome.MET, 'There is “look_up({"id": 1})” in turn 1.')
    unused = runner("cancel", "delete").run(TRAJECTORY)
    assert (unused.outcome, unused.explanation) == (
        Outcome.NOT_MET,
        "No tool or action like “cancel” (or 1 more) is used.",
    )


def test_a_call_that_is_rendered_otherwise_is_quoted_by_its_arguments() -> None:
    call = ToolCall(name="look_up", arguments=None, arguments_text='{"id": 1}', start=0)
    turn = Turn(role=Role.AGENT, speaker="bot", text='{"id": 1}', spoken=0, tool_calls=(call,))
    (evidence,) = runner("look_up").find(Interaction(turns=(turn,)))
    assert evidence.quote == '{"id": 1}'
