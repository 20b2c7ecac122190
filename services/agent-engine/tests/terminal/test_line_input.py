import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tahoe_engine.terminal.line_input import LineInput, is_unfinished, join_lines


class TestAMessage:
    @pytest.mark.parametrize(
        ("lines", "goes_on"),
        [
            (["Hello"], False),
            (["Hello \\"], True),
            (["Hello \\", "Ann"], False),
            (["A path ends in \\\\"], False),
            (["```"], True),
            (["```python", "print()"], True),
            (["```python", "print()", "```"], False),
            (["pasted\n```\ncode"], True),
            (["/save C:\\"], False),
        ],
    )
    def test_goes_on_after_a_backslash_and_within_a_fence(self, lines: list[str], goes_on: bool) -> None:
        assert is_unfinished(lines) is goes_on

    def test_loses_the_backslashes_that_only_said_that_it_goes_on(self) -> None:
        assert join_lines(["a \\", "b\\\\", "c\\"]) == "a \nb\\\\\nc\\"

    @given(st.text(alphabet=st.characters(exclude_characters="\n\\")))
    def test_of_one_line_stays_as_it_is(self, line: str) -> None:
        assert join_lines([line]) == line


class TestAPipe:
    def test_is_read_line_by_line_to_its_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("one\ntwo \\\nthree\nfour"))
        lines = LineInput(None)
        assert [lines.read(), lines.read(), lines.read()] == ["one", "two \nthree", "four"]
        with pytest.raises(EOFError):
            lines.read()

    def test_may_end_its_lines_as_windows_does(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("two \\\r\nthree\r\n", newline="\n"))
        assert LineInput(None).read() == "two \nthree"

    def test_has_nobody_to_ask(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
        with pytest.raises(EOFError):
            LineInput(None).ask("May it?")
