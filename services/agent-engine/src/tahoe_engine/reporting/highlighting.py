"""Cuts a turn where evidence begins and ends, so that overlapping quotes can be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tahoe_engine.reporting.view import EvidenceMark, Segment
from tahoe_engine.reporting.visible_text import visible


@dataclass(frozen=True, slots=True)
class Highlight:
    """Evidence in one turn; offsets count code points, `weight` is higher for what matters more."""

    mark: EvidenceMark
    start: int
    end: int
    weight: int


def split_turn(
    text: str, highlights: Sequence[Highlight], spoken: int
) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Splits a turn into what was said and its tool calls, each into segments with the same evidence throughout.

    The segments' texts, put together, are the turn's text, and those of one piece of evidence are its quote.

    Args:
        text: The turn's text, masked where it must be.
        highlights: The evidence in it.
        spoken: How many code points were said.
    """
    # The line break between words and calls belongs to the words, where it shows as nothing.
    boundary = spoken + 1 if text[spoken : spoken + 1] == "\n" and spoken else spoken
    said = _split(text, highlights, 0, boundary)
    return said, _split(text, highlights, boundary, len(text))


def _split(text: str, highlights: Sequence[Highlight], first: int, last: int) -> tuple[Segment, ...]:
    """Splits `text[first:last]` by a sweep over the places where something begins or ends."""
    inside = sorted(
        (item for item in highlights if item.start < last and item.end > first), key=lambda item: item.start
    )
    cuts = sorted(
        {first, last}
        | {item.start for item in inside if item.start > first}
        | {item.end for item in inside if item.end < last}
    )
    segments = []
    covering: list[Highlight] = []
    waiting = inside[::-1]
    for start, end in pairwise(cuts):
        covering = [item for item in covering if item.end > start]
        while waiting and waiting[-1].start <= start:
            covering.append(waiting.pop())
        covering.sort(key=lambda item: (-item.weight, item.mark.finding, item.mark.ordinal))
        segments.append(
            Segment(
                text=visible(text[start:end]),
                marks=tuple(item.mark for item in covering),
                opens=tuple(item.mark for item in covering if item.start == start),
                closes=tuple(item.mark for item in covering if item.end == end),
            )
        )
    return tuple(segments)
