from collections.abc import Sequence
from time import perf_counter

import pytest
import regex

from tahoe_engine.models.interaction import Role, Turn
from tahoe_engine.scoring.check import CheckNotRunError
from tahoe_engine.scoring.patterns import MAX_SPANS, PatternSearch

BOMB = "(a|aa)+$"
FUEL = "a" * 80 + "b"


def turns(*texts: str) -> list[tuple[int, Turn]]:
    return [
        (index, Turn(role=Role.AGENT, speaker="x", text=text, spoken=len(text))) for index, text in enumerate(texts)
    ]


def quotes(patterns: Sequence[str], *texts: str, ignore_case: bool = True) -> list[tuple[int, str]]:
    search = PatternSearch(patterns, ignore_case=ignore_case, timeout=0.25)
    return [(index, turn.text[start:end]) for index, turn, start, end in search.search(turns(*texts)).spans]


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        (["hello"], "Hello, hello", ["Hello", "hello"]),
        (["hello", "there"], "hello there", ["hello", "there"]),
        (["x*"], "axxb", ["xx"]),
        (["x*", "a"], "axxb", ["a", "xx"]),
        (["(?=foo)"], "foo", []),
        (["^$"], "", []),
        ([r"(a)\1", r"(b)\1"], "aa bb ab", ["aa", "bb"]),
        ([r"(?P<w>a)(?P=w)", r"(?P<w>b)(?P=w)"], "aa bb", ["aa", "bb"]),
        (["(?i)one", "two"], "ONE TWO", ["ONE", "TWO"]),
        (["(?x) o n e # a comment", "two"], "one two", ["one", "two"]),
        (["one #", "two"], "one # two", ["one #", "two"]),
        ([r"\((?:[^()]|(?R))*\)", "z"], "(a(b)) z", ["(a(b))", "z"]),
        (["ab", r"(b)c\1"], "abcb", ["ab"]),
        ([r"(b)\1", "bbb"], "bbb", ["bbb"]),
        ([r"🙂+"], "ok 🙂🙂 é", ["🙂🙂"]),
        ([r"\bcafé\b"], "the café", ["café"]),
        ([r"שלום"], "אמר שלום", ["שלום"]),
        (["a|b", "c"], "abc", ["a", "b", "c"]),
        (["^one", "two$"], "one two", ["one", "two"]),
    ],
)
def test_any_of_the_patterns_is_found_at_its_place(patterns: list[str], text: str, expected: list[str]) -> None:
    assert [quote for _, quote in quotes(patterns, text)] == expected


def test_case_counts_when_asked_to() -> None:
    assert quotes(["Hello", "x"], "hello Hello", ignore_case=False) == [(0, "Hello")]


def test_an_expression_joined_from_many_finds_what_each_finds_alone() -> None:
    patterns = [r"\bre(fund|turn)s?\b", "money back", r"\$\d+", "cre?dit"]
    texts = ("A refund of $20, please", "I want my money back", "nothing", "Returns and credit or $5")
    joined = quotes(patterns, *texts)
    alone = [place for pattern in patterns for place in quotes([pattern], *texts)]
    assert sorted(joined) == sorted(alone)


def test_only_what_was_said_is_searched() -> None:
    turn = Turn(role=Role.AGENT, speaker="x", text='Done.\nlook_up({"a": 1})', spoken=5)
    assert PatternSearch(["look_up"], ignore_case=True, timeout=0.25).search([(0, turn)]).spans == []


def test_a_pattern_that_would_run_for_ever_is_given_up_and_named() -> None:
    search = PatternSearch([BOMB], ignore_case=True, timeout=0.05)
    start = perf_counter()
    with pytest.raises(CheckNotRunError, match=r"“\(a\|aa\)\+\$” took longer than 50 ms on turn 1; simplify it"):
        search.search(turns("fine", FUEL))
    assert perf_counter() - start < 2


def test_among_several_patterns_the_slow_one_is_named() -> None:
    with pytest.raises(CheckNotRunError, match=r"“\(a\|aa\)\+\$”"):
        PatternSearch(["hello", BOMB, "bye"], ignore_case=True, timeout=0.05).search(turns(FUEL))


def test_many_slow_searches_share_one_budget() -> None:
    search = PatternSearch([BOMB], ignore_case=True, timeout=0.2)
    fuel = next("a" * size + "b" for size in range(20, 80) if takes_at_least(0.04, BOMB, "a" * size + "b"))
    start = perf_counter()
    with pytest.raises(CheckNotRunError, match=r"longer than 0.8 s in all and was given up at turn \d+; simplify"):
        search.search(turns(*[fuel] * 1000))
    assert perf_counter() - start < 5


def takes_at_least(seconds: float, pattern: str, text: str) -> bool:
    start = perf_counter()
    regex.search(pattern, text)
    return perf_counter() - start >= seconds


def test_a_turn_of_a_megabyte_is_searched_to_its_end() -> None:
    text = "some words of a customer 🙂 " * 40_000 + "refund"
    assert len(text) > 1_000_000
    assert quotes(["money back", "refund$", r"\bcancel\b"], text) == [(0, "refund")]


def test_a_transcript_of_many_megabytes_is_searched_to_its_end() -> None:
    texts = ["some words of a customer " * 4_000] * 100
    assert len(quotes(["money back", "some words"], *texts)) >= MAX_SPANS
    assert quotes(["money back", "refund"], *texts, "refund") == [(100, "refund")]


def test_more_places_than_anybody_reads_are_not_kept_but_their_turns_are_counted() -> None:
    matches = PatternSearch(["a"], ignore_case=True, timeout=0.25).search(turns(*["a" * 600] * 10))
    assert len(matches.spans) == 1200
    assert matches.turns == 10


def test_what_is_no_regular_expression_is_refused() -> None:
    with pytest.raises(regex.error):
        PatternSearch(["fine", "("], ignore_case=True, timeout=0.25)
