import io
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_engine.models.conversation_models import MessageToolCall
from tahoe_engine.terminal.chat_port import ToolAnswered
from tahoe_engine.terminal.screen import Screen, show_dollars


def call(**arguments: str) -> MessageToolCall:
    return MessageToolCall(id="1", name="look_up", arguments=arguments, arguments_text="{}")


def controls(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) == "Cc"} - {"\n", "\t"}


class TestWhatOthersWrote:
    @given(st.text())
    def test_never_commands_the_terminal(self, text: str) -> None:
        out = io.StringIO()
        screen = Screen(out, out)
        screen.stream(text)
        screen.show_calls([call(city=text)])
        screen.show_request(call(city=text))
        screen.show_result(ToolAnswered("1", text, text, is_error=True, duration_ms=1))
        screen.fail(text)
        assert not controls(out.getvalue())


class TestACallToDecideAbout:
    def test_is_shown_whole_and_indented(self) -> None:
        out = io.StringIO()
        Screen(out, out).show_request(call(code="x = 1\nAllow it? y", note="n" * 500))
        lines = out.getvalue().splitlines()
        assert lines[1:3] == ["    code: x = 1", "    Allow it? y"]
        assert "n" * 500 in lines[3]


class TestAnAnswerInAPipe:
    def test_stands_alone_on_its_stream(self) -> None:
        answers, notes = io.StringIO(), io.StringIO()
        screen = Screen(answers, notes)
        screen.hint("…")
        screen.show_calls([call(city="Paris")])
        screen.stream("It ")
        screen.stream("rains.")
        screen.end_answer()
        assert answers.getvalue() == "It rains.\n"
        assert notes.getvalue() == "  → look_up  city=Paris\n"


@pytest.mark.parametrize(
    ("cost", "shown"),
    [("0", "$0.0000"), ("1234.5", "$1,234.5000"), ("0.0001", "$0.0001"), ("0.00000250", "$0.0000025")],
)
def test_a_small_sum_is_never_shown_as_none(cost: str, shown: str) -> None:
    assert show_dollars(Decimal(cost)) == shown
