from collections.abc import Callable

from tahoe_engine.reporting.elision import DETAILS, Detail, elide
from tahoe_engine.reporting.view import ReportView, TurnGap, TurnView

MakeView = Callable[..., ReportView]


def list_turns(view: ReportView) -> list[int | tuple[int, int]]:
    return [item.index if isinstance(item, TurnView) else (item.first, item.last) for item in view.transcript]


def test_the_first_level_leaves_a_usual_report_as_it_is(view: ReportView) -> None:
    assert elide(view, DETAILS[0]) == view


def test_turns_far_from_any_evidence_are_left_out(make_view: MakeView) -> None:
    view = make_view([("a", "words")] * 40, [[(20, 0, 5)]])
    shorter = elide(view, Detail(context=1, plain=100, quoted=100, quotes=9))
    assert list_turns(shorter) == [0, 1, 2, (3, 18), 19, 20, 21, (22, 37), 38, 39]
    assert sum(item.turns if isinstance(item, TurnGap) else 1 for item in shorter.transcript) == shorter.turn_count


def test_a_turn_after_a_gap_names_its_speaker_again(make_view: MakeView) -> None:
    view = make_view([("a", "words")] * 9, [])
    same = [turn for turn in view.transcript if isinstance(turn, TurnView)]
    assert not any(turn.continues for turn in same if turn.index == 7)


def test_long_words_lose_their_middle_but_no_evidence(make_view: MakeView) -> None:
    text = "a" * 1000 + "QUOTE" + "b" * 1000
    shorter = elide(make_view([("x", text)], [[(0, 1000, 1005)]]), Detail(context=None, plain=20, quoted=50, quotes=9))
    turn = shorter.transcript[0]
    assert isinstance(turn, TurnView)
    assert [(segment.text, segment.omitted) for segment in turn.said] == [
        ("a" * 10, 0),
        ("", 980),
        ("a" * 10, 0),
        ("QUOTE", 0),
        ("b" * 10, 0),
        ("", 980),
        ("b" * 10, 0),
    ]


def test_a_long_quote_still_begins_and_ends_once(make_view: MakeView) -> None:
    shorter = elide(make_view([("x", "q" * 500)], [[(0, 0, 500)]]), Detail(context=0, plain=9, quoted=40, quotes=1))
    turn = shorter.transcript[0]
    assert isinstance(turn, TurnView)
    assert [len(segment.opens) for segment in turn.said] == [1, 0, 0]
    assert [len(segment.closes) for segment in turn.said] == [0, 0, 1]
    assert len(shorter.evaluated[0].quotes[0].text) == 40


def test_quotes_beyond_the_limit_are_counted_and_no_longer_marked(make_view: MakeView) -> None:
    view = make_view([("x", "abcdef")], [[(0, start, start + 1) for start in range(6)]])
    shorter = elide(view, Detail(context=None, plain=100, quoted=100, quotes=2))
    assert (len(shorter.evaluated[0].quotes), shorter.evaluated[0].more_quotes) == (2, 4)
    turn = shorter.transcript[0]
    assert isinstance(turn, TurnView)
    assert [(segment.text, len(segment.marks)) for segment in turn.said] == [("a", 1), ("b", 1), ("cdef", 0)]
    assert all(marker.mark.ordinal <= 2 for marker in shorter.timeline.markers)


def test_findings_beyond_the_limit_are_counted(make_view: MakeView) -> None:
    view = make_view([("x", "abc")], [[(0, 0, 1)]] * 10)
    shorter = elide(view, Detail(context=None, plain=100, quoted=100, quotes=2, findings=4))
    assert (len(shorter.evaluated), shorter.findings_left_out) == (4, 6)


def test_bars_of_turns_that_are_left_out_lead_nowhere(make_view: MakeView) -> None:
    shorter = elide(make_view([("a", "words")] * 40), Detail(context=0, plain=100, quoted=100, quotes=9))
    shown = {bar.turn for lane in shorter.timeline.lanes for bar in lane.bars if bar.shown}
    assert shown == {0, 1, 2, 38, 39}
