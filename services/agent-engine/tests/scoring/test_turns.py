import pytest

from tahoe_engine.models.check_specs import Window
from tahoe_engine.models.interaction import Interaction, Role, ToolCall, Turn
from tahoe_engine.scoring.check import CheckNotRunError
from tahoe_engine.scoring.turns import select_turns

A, C, T, X, S = Role.AGENT, Role.CUSTOMER, Role.TOOL, Role.ACTION, Role.SYSTEM
UNKNOWN = Role.OTHER


def of_roles(*roles: Role) -> Interaction:
    return Interaction(turns=tuple(Turn(role=role, speaker=f"the {role}", text="words", spoken=5) for role in roles))


@pytest.mark.parametrize(
    ("speaker", "window", "expected"),
    [
        (None, None, [0, 1, 2, 3, 4, 5, 6]),
        (A, None, [1, 3, 5]),
        (C, None, [2, 6]),
        (X, None, [4]),
        ((A, C), None, [1, 2, 3, 5, 6]),
        ((), None, [0, 1, 2, 3, 4, 5, 6]),
        (A, Window(first=1), [1]),
        (A, Window(first=2), [1, 3]),
        (A, Window(first=9), [1, 3, 5]),
        (A, Window(last=1), [5]),
        (A, Window(last=9), [1, 3, 5]),
        (A, Window(first=1, last=1), [1, 5]),
        (A, Window(first=2, last=2), [1, 3, 5]),
        ((A, C), Window(first=2), [1, 2]),
        (None, Window(first=1, last=1), [0, 6]),
        (T, None, []),
    ],
)
def test_speaker_and_window_select_turns(
    speaker: Role | tuple[Role, ...] | None, window: Window | None, expected: list[int]
) -> None:
    interaction = of_roles(S, A, C, A, X, A, C)
    assert [index for index, _ in select_turns(interaction, speaker, window)] == expected


def test_a_turn_of_nothing_but_tool_calls_is_neither_searched_nor_counted() -> None:
    call = ToolCall(name="look_up", arguments={}, arguments_text="{}", start=8)
    silent = Turn(role=A, speaker="bot", text="look_up({})", spoken=0, tool_calls=(call,))
    spoken = Turn(role=A, speaker="bot", text="Hello", spoken=5)
    interaction = Interaction(turns=(silent, spoken))
    assert select_turns(interaction, A, Window(first=1)) == [(1, spoken)]
    assert select_turns(interaction, None) == [(1, spoken)]


def test_a_speaker_who_says_nothing_has_no_turns() -> None:
    assert select_turns(of_roles(C, C), A) == []


@pytest.mark.parametrize("wanted", [A, C, (A, C), (A, T)])
def test_unknown_roles_are_not_taken_for_silence(wanted: Role | tuple[Role, ...]) -> None:
    with pytest.raises(CheckNotRunError, match=r"“the other”.*mapping the speakers"):
        select_turns(of_roles(UNKNOWN, UNKNOWN), wanted)


def test_one_known_side_does_not_make_the_other_known() -> None:
    interaction = of_roles(A, UNKNOWN)
    assert [index for index, _ in select_turns(interaction, A)] == [0]
    with pytest.raises(CheckNotRunError, match="the customer"):
        select_turns(interaction, C)


def test_tools_and_actions_are_never_mistaken_for_unknown_speakers() -> None:
    assert select_turns(of_roles(UNKNOWN, UNKNOWN), (T, X, S)) == []
