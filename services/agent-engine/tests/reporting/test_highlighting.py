from hypothesis import given
from hypothesis import strategies as st

from tahoe_engine.reporting.highlighting import Highlight, split_turn
from tahoe_engine.reporting.view import EvidenceMark, Segment
from tahoe_engine.reporting.visible_text import visible


@st.composite
def highlighted_texts(draw: st.DrawFn) -> tuple[str, list[Highlight], int]:
    text = draw(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n😀é́"), min_size=1, max_size=40)
    )
    spans = draw(
        st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text)), st.integers(0, 12)), max_size=8)
    )
    highlights = [
        Highlight(EvidenceMark(number, 1), start, max(start + 1, end), weight)
        for number, (start, end, weight) in enumerate(spans, 1)
    ]
    return text, highlights, draw(st.integers(0, len(text)))


def split(text: str, *spans: tuple[int, int, int]) -> list[Segment]:
    highlights = [Highlight(EvidenceMark(number, 1), *span) for number, span in enumerate(spans, 1)]
    return list(split_turn(text, highlights, len(text))[0])


@given(highlighted_texts())
def test_the_segments_are_the_text_and_each_highlight_is_its_quote(case: tuple[str, list[Highlight], int]) -> None:
    text, highlights, spoken = case
    said, calls = split_turn(text, highlights, spoken)
    segments = [*said, *calls]
    assert "".join(segment.text for segment in segments) == visible(text)
    for highlight in highlights:
        quote = "".join(segment.text for segment in segments if highlight.mark in segment.marks)
        assert len(quote) == highlight.end - highlight.start
        assert sum(highlight.mark in segment.opens for segment in segments) == 1
        assert sum(highlight.mark in segment.closes for segment in segments) == 1


def test_overlapping_evidence_is_cut_where_it_begins_and_ends() -> None:
    segments = split("abcdefgh", (0, 5, 1), (3, 8, 9))
    assert [(segment.text, [mark.finding for mark in segment.marks]) for segment in segments] == [
        ("abc", [1]),
        ("de", [2, 1]),
        ("fgh", [2]),
    ]


def test_what_weighs_more_comes_first_whatever_the_order_of_findings() -> None:
    assert [mark.finding for mark in split("abc", (0, 3, 1), (0, 3, 5))[0].marks] == [2, 1]


def test_evidence_that_shares_its_beginning_opens_twice_and_closes_apart() -> None:
    first, second = split("abcd", (0, 2, 0), (0, 4, 0))
    assert (len(first.opens), len(first.closes)) == (2, 1)
    assert (len(second.opens), len(second.closes)) == (0, 1)


def test_a_turn_without_evidence_is_one_segment() -> None:
    assert split("plain words") == [Segment(text="plain words")]


def test_an_empty_turn_has_no_segment() -> None:
    assert split("") == []


def test_words_and_tool_calls_part_at_the_line_break_between_them() -> None:
    text = 'Let me see.\nlookup({"id": 7})'
    said, calls = split_turn(text, [], 11)
    assert [segment.text for segment in said] == ["Let me see.\n"]
    assert [segment.text for segment in calls] == ['lookup({"id": 7})']
