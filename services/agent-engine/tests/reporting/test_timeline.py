from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tahoe_engine.models.interaction import Interaction, InteractionType, Role, Turn
from tahoe_engine.reporting.timeline import Place, build_timeline
from tahoe_engine.reporting.view import EvidenceMark


def make_interaction(
    offsets: list[float | None], kind: InteractionType = InteractionType.CALL, roles: list[Role] | None = None
) -> Interaction:
    turns = tuple(
        Turn(role=role, speaker=role.value, text="Some words.", spoken=11, offset_seconds=offset)
        for offset, role in zip(offsets, roles or [Role.AGENT, Role.CUSTOMER] * len(offsets), strict=False)
    )
    return Interaction(type=kind, turns=turns)


def place(finding: int, turn: int, ordinal: int = 1) -> Place:
    return Place(EvidenceMark(finding, ordinal), turn)


def test_turns_with_times_run_over_time() -> None:
    timeline = build_timeline(make_interaction([0, 10, 30]), [])
    assert timeline.by_time
    starts = sorted(bar.x for lane in timeline.lanes for bar in lane.bars)
    assert starts[0] == 0
    assert 2.9 < starts[2] / starts[1] < 3.1


def test_turns_without_times_run_in_their_order() -> None:
    timeline = build_timeline(make_interaction([None] * 4), [])
    assert not timeline.by_time
    assert sorted(bar.x for lane in timeline.lanes for bar in lane.bars) == [0, 25, 50, 75]
    assert [tick.label for tick in timeline.ticks] == ["0", "1", "2", "3"]


def test_a_tool_without_a_time_takes_that_of_the_turn_before() -> None:
    interaction = make_interaction([0, None, 20], roles=[Role.AGENT, Role.TOOL, Role.CUSTOMER])
    assert build_timeline(interaction, []).by_time


def test_times_that_run_backwards_are_not_believed() -> None:
    assert not build_timeline(make_interaction([0, 30, 10]), []).by_time


def test_a_chat_with_a_long_silence_is_shown_in_order() -> None:
    offsets: list[float | None] = [0, 10, 20, 86_400, 86_410]
    assert not build_timeline(make_interaction(offsets, InteractionType.CHAT), []).by_time


def test_clock_times_do_as_well_as_offsets() -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    turns = tuple(
        Turn(role=Role.AGENT, speaker="a", text="x", spoken=1, at=start + timedelta(seconds=10 * index))
        for index in range(12)
    )
    assert build_timeline(Interaction(type=InteractionType.CHAT, turns=turns), []).by_time


def test_bars_stay_inside_the_line() -> None:
    timed: list[float | None] = [0, 1, 2, 500.5]
    untimed: list[float | None] = [None] * 7
    for offsets in (timed, untimed):
        for lane in build_timeline(make_interaction(offsets), []).lanes:
            assert all(0 <= bar.x <= 100 and bar.x + bar.width <= 100.02 for bar in lane.bars)


def test_tools_and_actions_share_a_lane() -> None:
    interaction = make_interaction([None] * 3, roles=[Role.ACTION, Role.TOOL, Role.AGENT])
    assert [(lane.role, len(lane.bars)) for lane in build_timeline(interaction, []).lanes] == [
        (Role.AGENT, 1),
        (Role.TOOL, 2),
    ]


def test_markers_that_would_overlap_stand_above_each_other() -> None:
    timeline = build_timeline(make_interaction([None] * 100), [place(1, 50), place(2, 50), place(3, 51), place(4, 90)])
    assert {marker.finding: marker.level for marker in timeline.markers} == {1: 0, 2: 1, 3: 2, 4: 0}


def test_a_long_turn_has_its_markers_side_by_side() -> None:
    timeline = build_timeline(make_interaction([None] * 4), [place(finding, 1) for finding in (1, 2, 3)])
    assert [marker.level for marker in timeline.markers] == [0, 0, 0]
    assert sum(marker.x for marker in timeline.markers) / 3 == pytest.approx(37.5)


def test_a_finding_marks_a_turn_once_and_three_turns_at_most() -> None:
    places = [place(1, 2, 1), place(1, 2, 2), *(place(1, turn, turn) for turn in range(3, 9))]
    timeline = build_timeline(make_interaction([None] * 10), places)
    assert [marker.turn for marker in timeline.markers] == [2, 3, 4]


def test_ten_thousand_turns_become_a_few_hundred_bars() -> None:
    timeline = build_timeline(make_interaction([None] * 10_000), [])
    assert sum(len(lane.bars) for lane in timeline.lanes) < 500
    assert len(timeline.ticks) <= 8


def test_a_single_turn_fills_the_line() -> None:
    timeline = build_timeline(make_interaction([0]), [place(1, 0)])
    assert not timeline.by_time
    assert timeline.lanes[0].bars[0].width == 100


def test_a_turn_that_many_findings_quote_keeps_every_marker_visible() -> None:
    timeline = build_timeline(make_interaction([None] * 10), [place(finding, 2) for finding in range(1, 21)])
    places = sorted((marker.level, marker.x) for marker in timeline.markers)
    assert len(places) == 20
    for (level, x), (next_level, next_x) in pairwise(places):
        assert level != next_level or next_x - x >= 3
