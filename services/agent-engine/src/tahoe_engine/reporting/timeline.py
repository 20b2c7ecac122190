"""Places turns and findings on a line: over time where the turns have times, else in their order."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched, groupby, pairwise

from tahoe_engine.models.interaction import Interaction, InteractionType, Role, Turn
from tahoe_engine.reporting.clock import format_offset
from tahoe_engine.reporting.view import Bar, EvidenceMark, Lane, Marker, Tick, Timeline

_LANES: Mapping[Role, tuple[Role, str]] = {
    Role.AGENT: (Role.AGENT, "Agent"),
    Role.CUSTOMER: (Role.CUSTOMER, "Customer"),
    Role.OTHER: (Role.OTHER, "Others"),
    Role.SYSTEM: (Role.SYSTEM, "System"),
    Role.ACTION: (Role.TOOL, "Tools, actions"),
    Role.TOOL: (Role.TOOL, "Tools, actions"),
}
_LANE_ORDER = (Role.AGENT, Role.CUSTOMER, Role.OTHER, Role.SYSTEM, Role.TOOL)
# Markers are 18 px wide and the timeline seldom under 560.
_MARKER_WIDTH = 3.3
_HIGHEST_LEVEL = 5
_MARKERS_PER_FINDING = 3
_SMALLEST_BAR = 0.6
_MOST_TICKS = 8
_TICK_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
_CHARACTERS_PER_SECOND = 16.0
# One silence that takes more of the line than this squeezes the conversation into its ends.
_LONGEST_SILENCE = 0.3
_FULL = 100.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where one piece of evidence stands."""

    mark: EvidenceMark
    turn: int


def build_timeline(interaction: Interaction, places: Iterable[Place]) -> Timeline:
    """Places the turns, and of each finding the first few pieces of evidence."""
    starts = _find_starts(interaction)
    spans = _spans_by_time(interaction.turns, starts) if starts else _spans_by_order(len(interaction.turns))
    roles = {_LANES[turn.role][0] for turn in interaction.turns}
    order = [role for role in _LANE_ORDER if role in roles]
    lanes = tuple(
        Lane(
            role=role,
            label=_LANES[role][1],
            bars=_merge_small(
                Bar(turn=index, x=span[0], width=span[1])
                for index, (turn, span) in enumerate(zip(interaction.turns, spans, strict=True))
                if _LANES[turn.role][0] is role
            ),
        )
        for role in order
    )
    lane_of = [order.index(_LANES[turn.role][0]) for turn in interaction.turns]
    return Timeline(
        by_time=starts is not None,
        lanes=lanes,
        markers=_place_markers(places, spans, lane_of),
        ticks=_time_ticks(_length(interaction.turns, starts)) if starts else _turn_ticks(len(interaction.turns)),
    )


def _find_starts(interaction: Interaction) -> list[float] | None:
    """Finds each turn's start in seconds; None when the turns are better shown in their order.

    A turn without a time takes that of the turn before: tools and actions seldom have one.
    """
    base = next((turn.at for turn in interaction.turns if turn.at), None)
    starts: list[float] = []
    for turn in interaction.turns:
        if turn.offset_seconds is not None:
            starts.append(turn.offset_seconds)
        elif turn.at and base:
            starts.append((turn.at - base).total_seconds())
        elif starts and turn.role not in {Role.AGENT, Role.CUSTOMER}:
            starts.append(starts[-1])
        else:
            return None
    silences = [later - earlier for earlier, later in pairwise(starts)]
    if not silences or min(silences) < 0 or starts[-1] <= 0:
        return None
    if interaction.type is not InteractionType.CALL and max(silences) > _LONGEST_SILENCE * starts[-1]:
        return None
    return starts


def _length(turns: Sequence[Turn], starts: Sequence[float]) -> float:
    """Estimates when the interaction ends, since no source says how long its last turn took."""
    return starts[-1] + max(1.0, len(turns[-1].text) / _CHARACTERS_PER_SECOND)


def _spans_by_time(turns: Sequence[Turn], starts: Sequence[float]) -> list[tuple[float, float]]:
    length = _length(turns, starts)
    ends = [*starts[1:], length]
    spans = []
    for turn, start, end in zip(turns, starts, ends, strict=True):
        speaking = min(end - start, max(1.0, len(turn.text) / _CHARACTERS_PER_SECOND))
        spans.append((_percent(start, length), _percent(speaking, length)))
    return spans


def _spans_by_order(count: int) -> list[tuple[float, float]]:
    return [(_percent(index, count), _percent(1, count)) for index in range(count)]


def _merge_small(bars: Iterable[Bar]) -> tuple[Bar, ...]:
    """Joins neighbours too small to be told apart, so that a lane never holds more than a few hundred bars."""
    merged: list[Bar] = []
    for bar in bars:
        last = merged[-1] if merged else None
        if last and bar.x + bar.width - last.x < _SMALLEST_BAR:
            merged[-1] = replace(last, width=round(bar.x + bar.width - last.x, 2))
        else:
            merged.append(bar)
    return tuple(merged)


def _place_markers(
    places: Iterable[Place], spans: Sequence[tuple[float, float]], lane_of: Sequence[int]
) -> tuple[Marker, ...]:
    """Gives each marker the lowest row where it is clear of its neighbours."""
    markers = []
    last_at_level: list[float] = []
    for place, wished in _spread(_choose(places), spans):
        level = next(
            (row for row, last in enumerate(last_at_level) if round(wished - last, 6) >= _MARKER_WIDTH),
            len(last_at_level),
        )
        x = wished
        if level > _HIGHEST_LEVEL:  # a short turn that half of the findings quote: go on beside the stack
            level = min(range(len(last_at_level)), key=last_at_level.__getitem__)
            x = min(last_at_level[level] + _MARKER_WIDTH, _FULL - _MARKER_WIDTH / 2)
        last_at_level[level : level + 1] = [x]
        markers.append(
            Marker(
                finding=place.mark.finding,
                turn=place.turn,
                mark=place.mark,
                x=round(x, 2),
                level=level,
                lane=lane_of[place.turn],
            )
        )
    return tuple(markers)


def _choose(places: Iterable[Place]) -> list[Place]:
    """Chooses of each finding the first few turns that it quotes, in the order of turns."""
    chosen: dict[int, dict[int, Place]] = defaultdict(dict)
    for place in places:
        turns = chosen[place.mark.finding]
        if len(turns) < _MARKERS_PER_FINDING:
            turns.setdefault(place.turn, place)
    return sorted(
        (place for turns in chosen.values() for place in turns.values()),
        key=lambda place: (place.turn, place.mark.finding),
    )


def _spread(places: Iterable[Place], spans: Sequence[tuple[float, float]]) -> Iterator[tuple[Place, float]]:
    """Puts the markers of one turn side by side over its bar, as many in a row as it has room for."""
    half = _MARKER_WIDTH / 2
    for turn, group in groupby(places, key=lambda place: place.turn):
        x, width = spans[turn]
        for row in batched(group, max(1, int(width / _MARKER_WIDTH)), strict=False):
            first = x + width / 2 - (len(row) - 1) * half
            for column, place in enumerate(row):
                yield place, min(max(first + column * _MARKER_WIDTH, half), _FULL - half)


def _time_ticks(length: float) -> tuple[Tick, ...]:
    step = next((step for step in _TICK_SECONDS if length / step <= _MOST_TICKS), None)
    if step is None:
        day = 86400
        step = day * (int(length / day / _MOST_TICKS) + 1)
    return tuple(Tick(x=_percent(at, length), label=format_offset(at)) for at in range(0, int(length) + 1, step))


def _turn_ticks(count: int) -> tuple[Tick, ...]:
    step = next(
        step * 10**power for power in range(12) for step in (1, 2, 5) if count / (step * 10**power) <= _MOST_TICKS
    )
    return tuple(Tick(x=_percent(turn + 0.5, count), label=str(turn)) for turn in range(0, count, step))


def _percent(part: float, whole: float) -> float:
    return round(_FULL * part / whole, 2)
