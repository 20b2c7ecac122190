from hypothesis import given
from hypothesis import strategies as st

from tahoe_engine.reporting.visible_text import visible

ANY_TEXT = st.text(st.characters())  # surrogates included


@given(ANY_TEXT)
def test_offsets_hold_and_every_result_can_be_written_to_a_file(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    shown.encode("utf-8")


def test_control_characters_become_pictures() -> None:
    assert visible("a\x1b[2Jb\x00\x7f") == "a␛[2Jb␀␡"


def test_tabs_and_line_feeds_stay_and_carriage_returns_become_spaces() -> None:
    assert visible("a\tb\r\nc") == "a\tb \nc"


def test_direction_overrides_cannot_turn_a_quote_around() -> None:
    assert visible("pay \u202enever\u202c \u2066x\u2069") == "pay ⇄never⇄ ⇄x⇄"


def test_right_to_left_writing_and_its_marks_stay_as_they_are() -> None:
    assert visible("שלום\u200f!") == "שלום\u200f!"


def test_halves_of_surrogate_pairs_become_the_replacement_character() -> None:
    assert visible("a\ud83db") == "a�b"
