import pytest
import regex
from hypothesis import given, reject
from hypothesis import strategies as st

from tahoe_engine.scoring.pattern_example import example_of
from tahoe_engine.scoring.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        ("hello", "hello"),
        (r"\b(hi|hello)\b", "hi"),
        (r"\bhow (can|may) (i|we) (be of )?(help|assist)", "how can i be of help"),
        (r"\b(frustrat\w+|angry)", "frustrat…"),
        (r"\b(verify|check)\b.{0,40}\b(name|account)\b", "verify … name"),
        (r"^(?:good )?bye[.!]?$", "good bye."),
        (r"\$\s?\d{2,}", "$ 00"),
        (r"(?=please)please (?!not)now", "please now"),
        (r"[\p{L}']{2,5}, (with|from)", "…, with"),
        (r"[^\s]+@", "…@"),
        (r"(|a)b", "ab"),
        (r"(?<word>a)b", "ab"),
        (r"שלום|hello", "שלום"),
        (r"👋+", "👋"),
    ],
)
def test_a_pattern_is_shown_by_what_it_would_find(pattern: str, example: str) -> None:
    assert example_of(pattern) == example


@pytest.mark.parametrize(
    "pattern", [r"(.)\1", "(?i)hello", "(?P<a>x)(?P=a)", r"(?<=a )bc", r"\x41", "^$", "(" * 60 + "a" + ")" * 60]
)
def test_a_pattern_without_a_readable_example_is_shown_as_it_is(pattern: str) -> None:
    assert example_of(pattern) == pattern


@given(st.text(st.sampled_from(r"ab .|()[]^$\bdw?*+{2}:=!<é"), max_size=25))
def test_whatever_can_be_searched_for_can_be_shown(pattern: str) -> None:
    try:
        compile_pattern(pattern, ignore_case=True)
    except regex.error:
        reject()
    assert bool(example_of(pattern)) == bool(pattern)
